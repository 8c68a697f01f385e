// SPDX-License-Identifier: Apache-2.0
#include "unify/share_groups.h"

#include <fcntl.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>

#include "sys/clone.h"
#include "sys/quiet_read.h"

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
  std::atomic<std::size_t> next{0};
};

ProofRules proof_rules(const LinkRules& rules) {
  ProofRules proof;
  proof.leases = false;  // the kernel compares under its own locks
  proof.metadata = false;
  proof.max_open = std::clamp<std::size_t>(rules.open_files / rules.jobs / 2, 16, most_open);
  return proof;
}

// Bytes of these extents that no other file lies on.
std::uint64_t alone(const std::vector<Extent>& extents) {
  std::uint64_t bytes = 0;
  for (const auto& extent : extents) bytes += extent.shared ? 0 : extent.length;
  return bytes;
}

bool has_no_place(const std::vector<Extent>& extents) {
  return extents.empty() || std::ranges::any_of(extents, &Extent::in_metadata);
}

// Inodes of one group that lie at the same places: all but the first are shared already.
struct Layout {
  std::vector<Extent> extents;
  std::vector<std::uint32_t> inodes;
};

class Worker {
 public:
  explicit Worker(Work& work)
      : work_(work),
        scene_{work.guests, work.scan, work.candidates, work.key, work.stop, work.counters},
        prover_(scene_, proof_rules(work.rules)),
        tally_(work.guests.size()) {}

  Tally run() {
    for (std::size_t i; (i = work_.next++) < work_.candidates.groups.size();) take(work_.candidates.groups[i]);
    tally_.read_files = prover_.read_files();
    tally_.read_bytes = prover_.read_bytes();
    return std::move(tally_);
  }

 private:
  std::span<const NameRef> names_of(std::uint32_t inode) {
    return work_.candidates.names_of(work_.candidates.inodes[inode]);
  }
  void leave(std::uint32_t inode, Verdict verdict) { judge(work_.scan, names_of(inode), verdict); }

  void take(const CandidateGroup& group) {
    if (work_.stop.requested()) {
      for (auto i = group.first; i < group.first + group.count; ++i) leave(i, Verdict::not_reached);
      return;
    }
    std::vector<LeftAlone> left;
    for (const auto& part : parts_of(group, left)) prove(part);
    for (const auto& one : left) note_left(one);
  }

  // One inode of each layout stands for all of it.
  std::vector<std::vector<std::uint32_t>> parts_of(const CandidateGroup& group, std::vector<LeftAlone>& left) {
    layouts_.clear();
    stand_for_more_.clear();
    for (auto i = group.first; i < group.first + group.count; ++i) add_to_layouts(i);
    std::vector<std::uint32_t> first;
    for (const auto& [start, layout] : layouts_) first.push_back(layout.inodes.front());
    std::ranges::sort(first);
    work_.counters.files += group.count - first.size();
    if (first.size() < 2) {
      if (group.count == 1) leave(group.first, Verdict::no_twin);
      return {};
    }
    if (first.size() <= proof_rules(work_.rules).max_open) return {first};
    return prover_.cut(group, left);
  }

  void add_to_layouts(std::uint32_t inode) {
    const auto name = names_of(inode).front();
    try {
      const Fd fd = work_.guests[name.guest].root.open_regular(work_.scan.trees[name.guest].path(name.file));
      auto extents = extents_of(fd.get());
      if (has_no_place(extents)) return leave(inode, Verdict::not_shareable);
      const auto start = extents.front().physical;
      const auto [begin, end] = layouts_.equal_range(start);
      auto found =
          std::find_if(begin, end, [&](const auto& entry) { return same_places(entry.second.extents, extents); });
      if (found == end) found = layouts_.insert({start, {std::move(extents), {}}});
      found->second.inodes.push_back(inode);
      if (found->second.inodes.size() == 2) stand_for_more_.insert(found->second.inodes.front());
    } catch (const std::system_error&) {
      leave(inode, Verdict::vanished);
    }
  }

  void prove(const std::vector<std::uint32_t>& inodes) {
    auto proof = prover_.prove(inodes);
    for (const auto& one : proof.left) note_left(one);
    for (auto& proven : proof.classes)
      for (std::size_t i = 1; i < proven.size(); ++i) share(proven[0], proven[i]);
  }

  // A layout of several inodes stays shared, whatever else differs from it.
  void note_left(const LeftAlone& one) {
    if (one.verdict == Verdict::unreadable) note_failure(one.inode, one.reason);
    if (!stand_for_more_.contains(one.inode)) leave(one.inode, one.verdict);
  }

  void note_failure(std::uint32_t inode, const std::string& reason) {
    const auto name = names_of(inode).front();
    tally_.failed.push_back({work_.guests[name.guest].name, work_.scan.trees[name.guest].path(name.file), reason});
  }

  void share(const Held& keeper, const Held& victim) {
    try {
      const auto before = extents_of(victim.fd.get());
      if (same_places(before, extents_of(keeper.fd.get()))) return;
      if (!work_.rules.dry_run && !share_quietly(keeper, victim)) return leave(victim.inode, Verdict::changed);
      tally_.count_link(names_of(victim.inode), alone(before));
    } catch (const std::system_error& error) {
      leave(victim.inode, Verdict::not_shareable);
    }
  }

  // The kernel reads both sides to compare them: fetched ahead (its own reading does not), and forgotten again.
  bool share_quietly(const Held& keeper, const Held& victim) {
    const PageCacheGuard keep_keeper(keeper.fd.get()), keep_victim(victim.fd.get());
    return share_data(keeper.fd.get(), victim.fd.get(), victim.seen.stamp.size);
  }

  Work& work_;
  ProofScene scene_;
  Prover prover_;
  std::multimap<std::uint64_t, Layout> layouts_;  // of the group at hand, by the place of their first extent
  std::set<std::uint32_t> stand_for_more_;        // first inodes of layouts that others have, too
  Tally tally_;
};

}  // namespace

Tally share_groups(const std::vector<Guest>& guests, Scan& scan, Candidates& candidates, const LinkRules& rules,
                   const Stop& stop, Counters& counters) {
  Work work{guests, scan, candidates, rules, stop, counters, {}};
  counters.begin(Phase::prove);
  std::vector<Tally> tallies(rules.jobs, Tally(guests.size()));
  tbb::parallel_for(0U, rules.jobs, [&](unsigned i) { tallies[i] = Worker(work).run(); });
  Tally total(guests.size());
  for (const auto& tally : tallies) total.add(tally);
  return total;
}

}  // namespace vunify
