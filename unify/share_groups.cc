// SPDX-License-Identifier: Apache-2.0
#include "unify/share_groups.h"

#include <tbb/parallel_for.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <utility>

#include "change/fresh_copy.h"
#include "sys/clone.h"
#include "sys/quiet_read.h"
#include "unify/freed.h"
#include "unify/layouts.h"
#include "unify/rounds.h"
#include "unify/share_notes.h"

namespace vunify {
namespace {

// What is shared: an open file, of ours or of a guest.
struct Source {
  explicit Source(const Member& keeper) : fd(keeper.held.fd.get()), size(keeper.held.seen.stamp.size) {}
  Source(Fd copy, const Member& keeper) : own(std::move(copy)), fd(own.get()), size(keeper.held.seen.stamp.size) {}

  Fd own{};
  int fd;
  std::uint64_t size;
};

constexpr std::size_t most_shared_open = 1024;  // of one group at a time

struct ShareWork {
  Survey& survey;
  const Run& run;
  const DigestKey key;
  const Knowledge knowledge;
  std::atomic<std::size_t> next{0};
};

ProofRules proof_rules(const Run& run) {
  ProofRules proof;
  proof.leases = false;  // the kernel compares under its own locks
  proof.metadata = false;
  proof.digests = run.learns();
  proof.max_open = std::clamp<std::size_t>(run.open_files / run.jobs / 2, 16, most_shared_open);
  return proof;
}

class ShareWorker {
 public:
  explicit ShareWorker(ShareWork& work)
      : work_(work),
        most_open_(proof_rules(work.run).max_open),
        prover_(work.survey, work.key, work.run.stop, work.run.counters, rules_of(work.run)),
        layouts_(work.survey, work.key, !work.run.dry_run),
        notes_(work.survey, work.run) {}

  Tally run() {
    const auto& groups = work_.survey.candidates.groups;
    for (std::size_t i; (i = work_.next++) < groups.size();) take(groups[i], work_.knowledge.of_group(i));
    notes_.tally().read_files = prover_.read_files();
    notes_.tally().read_bytes = prover_.read_bytes();
    return std::move(notes_.tally());
  }

 private:
  // btrfs writes a dirty page to a new place, whoever made it dirty; XFS and others to where the file lies.
  bool wants_own_source(std::uint32_t inode) const {
    return work_.run.fresh && !work_.run.dry_run && work_.survey.guest_of(inode).mount.type != "btrfs";
  }

  ProofRules rules_of(const Run& run) {
    auto rules = proof_rules(run);
    rules.copies_in = [this](std::uint32_t inode) {
      const bool copy = wants_own_source(inode) && !lies_in_two_guests(*stands_for_[inode]);
      return copy ? work_.survey.guest_of(inode).root.fd() : -1;
    };
    return rules;
  }

  bool lies_in_two_guests(const Layout& layout) const {
    return std::ranges::any_of(layout.inodes, [&](std::uint32_t inode) {
      return work_.survey.guest_number(inode) != work_.survey.guest_number(layout.inodes.front());
    });
  }

  void take(const CandidateGroup& group, std::span<const Known> known) {
    if (work_.run.stop.requested()) {
      for (auto i = group.first; i < group.first + group.count; ++i) notes_.leave(i, Verdict::not_reached);
      return;
    }
    const auto reading = clock_now();
    proven_ = 0;
    const auto left = layouts_.sort(group, known);
    for (const auto& one : left) notes_.leave(one.inode, one.verdict, one.reason);
    compare(left.empty() ? Verdict::not_shareable : Verdict::twin_busy);
    for (const auto* layout : layouts_.all()) notes_.settle(*layout, group, known, reading);
    work_.run.counters.files += group.count - std::min<std::uint64_t>(group.count, proven_);
  }

  // others: what there is to say of one file where no other is left.
  void compare(Verdict others) {
    const auto sharable = layouts_.sharable();
    if (sharable.size() == 1) return notes_.leave(*sharable.front(), others);
    const bool several = contents_of(sharable).size() > 1;
    if (several || sharable.size() > most_open_)
      for (auto* layout : sharable)
        if (!layout->is_read()) read(*layout);
    const auto verdict = verdict_of_single(sharable);
    for (const auto& [content, layouts] : by_content(sharable)) {
      if (layouts.size() == 1)
        notes_.leave(*layouts.front(), verdict);
      else
        share_class(layouts);
    }
  }

  Verdict verdict_of_single(const std::vector<Layout*>& layouts) const {
    if (work_.run.stop.requested()) return Verdict::not_reached;
    return std::ranges::any_of(layouts, &Layout::is_busy) ? Verdict::twin_busy : Verdict::content_differs;
  }

  static std::set<Digest> contents_of(const std::vector<Layout*>& layouts) {
    std::set<Digest> contents;
    for (const auto* layout : layouts)
      if (layout->is_read()) contents.insert(layout->digest);
    return contents;
  }

  // What nobody has read is taken for the one content that is known.
  static std::map<Digest, std::vector<Layout*>> by_content(const std::vector<Layout*>& layouts) {
    const auto contents = contents_of(layouts);
    const auto presumed = contents.size() == 1 ? *contents.begin() : Digest{};
    std::map<Digest, std::vector<Layout*>> classes;
    for (auto* layout : layouts)
      if (!layout->is_busy) classes[layout->is_read() ? layout->digest : presumed].push_back(layout);
    return classes;
  }

  void read(Layout& layout) {
    const auto learning = prover_.learn(layout.inodes.front());
    if (const auto* learnt = std::get_if<Learnt>(&learning)) layout.digest = learnt->digest;
    layout.is_busy = !layout.is_read();
    if (const auto* left = std::get_if<LeftAlone>(&learning)) note_left(layout, *left);
  }

  // One inode of each layout is opened; the first, which most others lie with already, comes again in each round.
  void share_class(std::vector<Layout*> layouts) {
    std::ranges::stable_sort(layouts, std::greater{}, [this](const Layout* layout) {
      return std::pair(lies_in_two_guests(*layout), layout->inodes.size());
    });
    for (const auto& round : in_rounds(layouts, most_open_)) prove(round);
  }

  void prove(const std::vector<Layout*>& layouts) {
    std::vector<std::uint32_t> inodes;
    for (auto* layout : layouts) {
      if (layout->inodes.empty()) continue;
      inodes.push_back(layout->inodes.front());
      stands_for_[inodes.back()] = layout;
    }
    proven_ += inodes.size();
    auto proof = prover_.prove(inodes);
    for (const auto& one : proof.left) note_left(*stands_for_[one.inode], one);
    for (auto& proven : proof.classes) {
      for (const auto& member : proven.members) note_proven(*stands_for_[member.inode], member);
      share_proven(proven);
    }
  }

  void share_proven(ProvenClass& proven) {
    const auto& members = proven.members;
    auto& to = *stands_for_[members[0].inode];
    try {
      if (proven.copied.error) throw std::system_error(proven.copied.error);
      const auto source = source_of(proven, to);
      if (!source) return leave_proven(members, Verdict::changed);
      if (!lies_in_two_guests(to)) notes_.shared(members[0].inode, std::nullopt);
      for (std::size_t i = 1; i < members.size(); ++i) share(*source, to, members[i], *stands_for_[members[i].inode]);
    } catch (const std::system_error& error) {
      notes_.tally().disk_full |= is_disk_full(error);
      leave_proven(members, is_disk_full(error) ? Verdict::not_reached : verdict_of(error.code(), Attempt::share));
    }
  }

  void leave_proven(const std::vector<Member>& members, Verdict verdict) {
    for (const auto& member : members) notes_.leave(*stands_for_[member.inode], verdict);
  }

  // Nothing where the keeper does not lie any more where others do.
  std::optional<Source> source_of(ProvenClass& proven, Layout& to) {
    const auto& keeper = proven.members[0];
    if (proven.copied.copy) return share_copy({proven.copied.copy->finish(), keeper}, keeper, to);
    if (wants_own_source(keeper.inode) && lies_in_two_guests(to)) return clone_of(keeper, to);
    if (wants_own_source(keeper.inode) && !are_of_one_guest(proven.members)) return std::nullopt;
    return Source(keeper);  // of one guest alone, or stopped ones
  }

  // With all that lie where they do.
  bool are_of_one_guest(const std::vector<Member>& members) {
    const auto guest = work_.survey.guest_number(members[0].inode);
    return std::ranges::all_of(members, [&](const Member& member) {
      return std::ranges::all_of(stands_for_[member.inode]->inodes,
                                 [&](std::uint32_t inode) { return work_.survey.guest_number(inode) == guest; });
    });
  }

  // The keeper is led to the copy like all others. Nothing where it could not be.
  std::optional<Source> share_copy(Source source, const Member& keeper, Layout& to) {
    const auto hash = layouts_.hash(layouts_.extents(source.fd));
    Layout before = to;
    to.inodes.clear();
    to.hash = hash;
    is_keeper_ = true;
    share(source, to, keeper, before);
    for (const auto inode : before.inodes) notes_.leave(inode, Verdict::not_reached);
    is_keeper_ = false;
    if (to.inodes.empty()) return std::nullopt;
    return source;
  }

  // What lies in two guests was led there by a run, and who writes to it is given a place of his own: the keeper's
  // clone is what was shared, if it lies where a file of another guest does.
  std::optional<Source> clone_of(const Member& keeper, const Layout& to) {
    const auto guest = work_.survey.guest_number(keeper.inode);
    const auto other =
        std::ranges::find_if(to.inodes, [&](std::uint32_t inode) { return work_.survey.guest_number(inode) != guest; });
    if (other == to.inodes.end()) return std::nullopt;
    FreshCopy clone(work_.survey.guest_of(keeper.inode).root.fd(), keeper.held.seen, false);
    clone.write_all_of(keeper.held.fd.get());
    Source source(clone.finish(), keeper);
    const auto hash_of = [&](int fd) { return layouts_.hash(extents_of(fd, true)); };
    if (hash_of(source.fd) != hash_of(layouts_.open(*other).get())) return std::nullopt;
    return source;
  }

  void note_left(Layout& layout, const LeftAlone& one) {
    if (one.verdict == Verdict::unreadable)
      notes_.tally().failed.push_back(failure_at(work_.survey, work_.survey.names_of(one.inode).front(), one.reason));
    if (one.learnt) note_digest(layout, one.learnt->digest);
    notes_.leave(layout, one.verdict);
  }

  // What was known of the layout, and is true no longer, is known of its other inodes no longer.
  void note_proven(Layout& layout, const Member& member) {
    const bool look = !layout.is_seen && !work_.run.dry_run;
    const auto hash = look ? layouts_.hash(layouts_.extents(member.held.fd.get())) : layout.hash;
    if (hash != layout.hash) forget_followers(layout);
    layout.hash = hash;
    layout.is_seen = true;
    note_digest(layout, member.digest);
  }

  void note_digest(Layout& layout, const Digest& digest) {
    if (digest == Digest{}) return;
    if (layout.is_read() && layout.digest != digest) forget_followers(layout);
    layout.digest = digest;
  }

  void forget_followers(Layout& layout) {
    for (std::size_t i = 1; i < layout.inodes.size(); ++i) {
      notes_.leave(layout.inodes[i], Verdict::changed);
      notes_.forget(layout.inodes[i]);
    }
    layout.inodes.resize(1);
  }

  // All inodes of a layout, not only the one that stood for them: else they would be shared one a night.
  void share(const Source& source, Layout& to, const Member& victim, Layout& from) {
    for (const auto inode : std::exchange(from.inodes, {})) {
      const bool lie_together = from.hash == to.hash;
      if (!lie_together && work_.run.stop.requested())
        from.inodes.push_back(inode);
      else if (lie_together)
        to.inodes.push_back(inode);
      else if (share_one(source, victim, inode))
        note_shared(inode, to);
    }
  }

  void note_shared(std::uint32_t inode, Layout& to) {
    notes_.shared(inode,
                  to.inodes.empty() ? std::nullopt : std::optional(work_.survey.guest_number(to.inodes.front())));
    to.inodes.push_back(inode);
  }

  bool share_one(const Source& source, const Member& victim, std::uint32_t inode) {
    try {
      const Fd own = inode == victim.inode ? Fd() : layouts_.open(inode);
      const int fd = own ? own.get() : victim.held.fd.get();
      const auto before = on_disk(fd, stat_fd(fd), work_.survey.guest_of(inode).mount);
      const bool shared = work_.run.dry_run || share_quietly(source, fd);
      // The keeper that a copy stands for gives up what the copy takes.
      if (shared && !is_keeper_) notes_.tally().count_link(work_.survey.names_of(inode), before.alone);
      if (shared) return true;
      notes_.leave(inode, Verdict::changed);
      notes_.forget(inode);
      return false;
    } catch (const std::system_error& error) {
      const auto verdict = verdict_of(error.code(), Attempt::share);
      notes_.leave(inode, verdict, error.code().message());
      notes_.tally().disk_full |= is_disk_full(error);
      // The kernel will say so every night.
      if (verdict == Verdict::not_shareable) layouts_.refused(verdict).inodes.push_back(inode);
      return false;
    }
  }

  // The kernel reads both sides to compare them: fetched ahead (its own reading does not), and forgotten again.
  static bool share_quietly(const Source& source, int victim) {
    const PageCacheGuard keep_source(source.fd), keep_victim(victim);
    return share_data(source.fd, victim, source.size);
  }

  ShareWork& work_;
  std::size_t most_open_;
  Prover prover_;
  Layouts layouts_;                              // of the group at hand
  std::map<std::uint32_t, Layout*> stands_for_;  // of the proof at hand, and earlier ones
  bool is_keeper_ = false;                       // those who are led to a copy lay together with it
  std::uint64_t proven_ = 0;                     // inodes of it that the prover has counted
  ShareNotes notes_;
};

}  // namespace

Tally share_groups(Survey& survey, const Run& run) {
  ShareWork work{survey, run, run.key(), run.look_up(survey, true)};
  run.counters.begin(Phase::prove);
  std::vector<Tally> tallies(run.jobs, Tally(survey.guests.size()));
  tbb::parallel_for(0U, run.jobs, [&](unsigned i) { tallies[i] = ShareWorker(work).run(); });
  Tally total(survey.guests.size());
  for (const auto& tally : tallies) total.add(tally);
  return total;
}

}  // namespace vunify
