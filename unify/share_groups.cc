// SPDX-License-Identifier: Apache-2.0
#include "unify/share_groups.h"

#include <tbb/parallel_for.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <utility>

#include "sys/clone.h"
#include "sys/quiet_read.h"
#include "unify/layouts.h"

namespace vunify {
namespace {

constexpr std::size_t most_open = 1024;  // of one group at a time

struct Work {
  const std::vector<Guest>& guests;
  Scan& scan;
  Candidates& candidates;
  const LinkRules& rules;
  const Stop& stop;
  Counters& counters;
  const DigestKey key;
  const Knowledge knowledge;
  std::atomic<std::size_t> next{0};
};

ProofRules proof_rules(const LinkRules& rules) {
  ProofRules proof;
  proof.leases = false;  // the kernel compares under its own locks
  proof.metadata = false;
  proof.digests = rules.learns();
  proof.max_open = std::clamp<std::size_t>(rules.open_files / rules.jobs / 2, 16, most_open);
  return proof;
}

// Bytes of these extents that no other file lies on.
std::uint64_t alone(const std::vector<Extent>& extents) {
  std::uint64_t bytes = 0;
  for (const auto& extent : extents) bytes += extent.shared ? 0 : extent.length;
  return bytes;
}

// The kernel will say so every night.
bool is_refusal(const std::system_error& error) {
  return is_error(error, EINVAL) || is_error(error, EOPNOTSUPP) || is_error(error, EPERM) || is_error(error, ETXTBSY);
}

class Worker {
 public:
  explicit Worker(Work& work)
      : work_(work),
        scene_{work.guests, work.scan, work.candidates, work.key, work.stop, work.counters},
        most_open_(proof_rules(work.rules).max_open),
        prover_(scene_, proof_rules(work.rules)),
        layouts_(scene_, !work.rules.dry_run),
        tally_(work.guests.size()) {}

  Tally run() {
    for (std::size_t i; (i = work_.next++) < work_.candidates.groups.size();)
      take(work_.candidates.groups[i], work_.knowledge.of_group(i));
    tally_.read_files = prover_.read_files();
    tally_.read_bytes = prover_.read_bytes();
    return std::move(tally_);
  }

 private:
  std::span<const NameRef> names_of(std::uint32_t inode) {
    return work_.candidates.names_of(work_.candidates.inodes[inode]);
  }
  void leave(std::uint32_t inode, Verdict verdict) { judge(work_.scan, names_of(inode), verdict); }

  void take(const CandidateGroup& group, std::span<const Known> known) {
    if (work_.stop.requested()) {
      for (auto i = group.first; i < group.first + group.count; ++i) leave(i, Verdict::not_reached);
      return;
    }
    const auto reading = clock_now();
    proven_ = 0;
    const auto left = layouts_.sort(group, known);
    for (const auto& one : left) leave(one.inode, one.verdict);
    compare(left.empty() ? Verdict::not_shareable : Verdict::twin_busy);
    for (const auto* layout : layouts_.all()) settle(*layout, group, known, reading);
    work_.counters.files += group.count - std::min<std::uint64_t>(group.count, proven_);
  }

  // others: what there is to say of one file where no other is left.
  void compare(Verdict others) {
    const auto sharable = layouts_.sharable();
    if (sharable.size() == 1) return leave_lone(*sharable.front(), others);
    const bool several = contents_of(sharable).size() > 1;
    if (several || sharable.size() > most_open_)
      for (auto* layout : sharable)
        if (!layout->is_read()) read(*layout);
    const auto verdict = lone_verdict(sharable);
    for (const auto& [content, layouts] : by_content(sharable)) {
      if (layouts.size() == 1)
        leave_lone(*layouts.front(), verdict);
      else
        share_class(layouts);
    }
  }

  Verdict lone_verdict(const std::vector<Layout*>& layouts) const {
    if (work_.stop.requested()) return Verdict::not_reached;
    return std::ranges::any_of(layouts, &Layout::is_busy) ? Verdict::twin_busy : Verdict::content_differs;
  }

  // A layout of several inodes stays shared, whatever else differs from it.
  void leave_lone(const Layout& layout, Verdict verdict) {
    if (layout.inodes.size() == 1) leave(layout.inodes.front(), verdict);
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
    std::vector<LeftAlone> left;
    if (const auto learnt = prover_.learn(layout.inodes.front(), left)) layout.digest = learnt->digest;
    layout.is_busy = !layout.is_read();
    for (const auto& one : left) note_left(layout, one);
  }

  // One inode of each layout is opened; the first, which most others lie with already, comes again in each round.
  void share_class(std::vector<Layout*> layouts) {
    std::ranges::stable_sort(layouts, std::greater{}, [](const Layout* layout) { return layout->inodes.size(); });
    for (std::size_t at = 1; at < layouts.size(); at += most_open_ - 1) {
      const auto end = std::min(layouts.size(), at + most_open_ - 1);
      std::vector<Layout*> round{layouts.front()};
      round.insert(round.end(), layouts.begin() + static_cast<std::ptrdiff_t>(at),
                   layouts.begin() + static_cast<std::ptrdiff_t>(end));
      prove(round);
    }
  }

  void prove(const std::vector<Layout*>& layouts) {
    std::map<std::uint32_t, Layout*> stands_for;
    std::vector<std::uint32_t> inodes;
    for (auto* layout : layouts) {
      if (layout->inodes.empty()) continue;
      inodes.push_back(layout->inodes.front());
      stands_for[inodes.back()] = layout;
    }
    proven_ += inodes.size();
    auto proof = prover_.prove(inodes);
    for (const auto& one : proof.left) note_left(*stands_for[one.inode], one);
    for (const auto& proven : proof.classes) {
      for (const auto& held : proven) note_held(*stands_for[held.inode], held);
      for (std::size_t i = 1; i < proven.size(); ++i)
        share(proven[0], *stands_for[proven[0].inode], proven[i], *stands_for[proven[i].inode]);
    }
  }

  void note_left(Layout& layout, const LeftAlone& one) {
    if (one.verdict == Verdict::unreadable) note_failure(one.inode, one.reason);
    if (one.learnt) note_digest(layout, one.learnt->digest);
    leave_lone(layout, one.verdict);
  }

  void note_failure(std::uint32_t inode, const std::string& reason) {
    const auto name = names_of(inode).front();
    tally_.failed.push_back({work_.guests[name.guest].name, work_.scan.trees[name.guest].path(name.file), reason});
  }

  // What was known of the layout, and is true no longer, is known of its other inodes no longer.
  void note_held(Layout& layout, const Held& held) {
    const bool look = !layout.is_seen && !work_.rules.dry_run;
    const auto fold = look ? layouts_.fold(layouts_.places(held.fd.get())) : layout.fold;
    if (fold != layout.fold) forget_followers(layout);
    layout.fold = fold;
    layout.is_seen = true;
    note_digest(layout, held.digest);
  }

  void note_digest(Layout& layout, const Digest& digest) {
    if (digest == Digest{}) return;
    if (layout.is_read() && layout.digest != digest) forget_followers(layout);
    layout.digest = digest;
  }

  void forget_followers(Layout& layout) {
    for (std::size_t i = 1; i < layout.inodes.size(); ++i) forget(layout.inodes[i]);
    layout.inodes.resize(1);
  }

  // All inodes of a layout, not only the one that stood for them: else they would be shared one a night.
  void share(const Held& keeper, Layout& to, const Held& victim, Layout& from) {
    for (const auto inode : std::exchange(from.inodes, {})) {
      const bool is_at_place = from.fold == to.fold;
      if (!is_at_place && work_.stop.requested())
        from.inodes.push_back(inode);
      else if (is_at_place || share_one(keeper, victim, inode))
        to.inodes.push_back(inode);
    }
  }

  bool share_one(const Held& keeper, const Held& victim, std::uint32_t inode) {
    try {
      const Fd own = inode == victim.inode ? Fd() : layouts_.open(inode);
      const int fd = own ? own.get() : victim.fd.get();
      const auto before = extents_of(fd);
      const bool shared = work_.rules.dry_run || share_quietly(keeper, fd);
      if (shared) tally_.count_link(names_of(inode), alone(before));
      if (!shared) leave(inode, Verdict::changed), forget(inode);
      return shared;
    } catch (const std::system_error& error) {
      leave(inode, Verdict::not_shareable);
      if (is_refusal(error)) layouts_.refused(Verdict::not_shareable).inodes.push_back(inode);
      return false;
    }
  }

  // The kernel reads both sides to compare them: fetched ahead (its own reading does not), and forgotten again.
  static bool share_quietly(const Held& keeper, int victim) {
    const PageCacheGuard keep_keeper(keeper.fd.get()), keep_victim(victim);
    return share_data(keeper.fd.get(), victim, keeper.seen.stamp.size);
  }

  void settle(const Layout& layout, const CandidateGroup& group, std::span<const Known> known, Timestamp reading) {
    for (const auto inode : layout.inodes) {
      if (layout.refused) leave(inode, *layout.refused);
      if (known.empty() || known[inode - group.first] != Known{layout.digest, layout.fold})
        learn(inode, layout, reading);
    }
  }

  // As the walk saw it, before the reading: whatever changed it since has moved its ctime on, so that this is never
  // taken for what it is then. That goes for sharing, too, should a filesystem move a ctime for it (XFS and btrfs do
  // not): nobody can tell then whether a writer used the same tick, and the file is looked at once more.
  void learn(std::uint32_t inode, const Layout& layout, Timestamp reading) {
    if (!work_.rules.learns() || work_.candidates.inodes[inode].shared) return;
    const auto& file = work_.candidates.file_of(work_.scan, inode);
    Learnt learnt;
    learnt.digest = layout.digest;
    learnt.policy = layout.fold;
    learnt.by_place = true;
    learnt.seen.ino = file.ino;
    learnt.seen.stamp = file.stamp.full();
    learnt.reading = reading;
    work_.rules.index->learn_private(work_.candidates.guest_of(inode), learnt);
  }

  void forget(std::uint32_t inode) {
    if (!work_.rules.learns()) return;
    work_.rules.index->forget(work_.candidates.guest_of(inode), work_.candidates.file_of(work_.scan, inode).ino);
  }

  Work& work_;
  ProofScene scene_;
  std::size_t most_open_;
  Prover prover_;
  Layouts layouts_;           // of the group at hand
  std::uint64_t proven_ = 0;  // inodes of it that the prover has counted
  Tally tally_;
};

}  // namespace

Tally share_groups(const std::vector<Guest>& guests, Scan& scan, Candidates& candidates, const LinkRules& rules,
                   const Stop& stop, Counters& counters) {
  Work work{guests, scan, candidates, rules, stop, counters, rules.key(), rules.look_up(scan, candidates, true)};
  counters.begin(Phase::prove);
  std::vector<Tally> tallies(rules.jobs, Tally(guests.size()));
  tbb::parallel_for(0U, rules.jobs, [&](unsigned i) { tallies[i] = Worker(work).run(); });
  Tally total(guests.size());
  for (const auto& tally : tallies) total.add(tally);
  return total;
}

}  // namespace vunify
