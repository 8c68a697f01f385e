// SPDX-License-Identifier: Apache-2.0
#include "unify/changed_shared.h"

#include <tbb/parallel_for.h>
#include <tbb/parallel_sort.h>

#include <algorithm>
#include <mutex>

#include "hashindex/recorded.h"
#include "unify/prove.h"

namespace vunify {
namespace {

constexpr std::uint32_t suspects_at_once = 4096;  // inodes looked up in one go

struct Suspect {
  std::uint32_t inode = 0;
  Recorded recorded;
};

// By what the walk saw: nothing is opened.
std::vector<Suspect> find_suspects(const Survey& survey, const Store& store) {
  std::vector<Suspect> suspects;
  std::mutex adding;  // guards suspects
  const auto end = static_cast<std::uint32_t>(survey.candidates.inodes.size());
  tbb::parallel_for(0U, end, suspects_at_once, [&](std::uint32_t first) {
    RecordedShared records(store);
    for (auto inode = first; inode < std::min(end, first + suspects_at_once); ++inode) {
      if (!survey.inode(inode).shared || survey.inode(inode).name_count == 0) continue;
      const auto& file = survey.file_of(inode);
      const auto recorded = records.find(survey.guest_of(inode).fs, file);
      const bool is_protected = file.immutable || survey.guest_of(inode).is_adopted();
      if (!recorded || (recorded->is_as_seen && is_protected)) continue;
      const std::lock_guard lock(adding);
      suspects.push_back({inode, *recorded});
    }
  });
  tbb::parallel_sort(suspects.begin(), suspects.end(),
                     [](const Suspect& a, const Suspect& b) { return a.inode < b.inode; });
  return suspects;
}

bool is_changed(const Recorded& recorded, const Learnt& now) {
  if (now.seen.born != recorded.record.changed) return false;  // a later inode of its number
  return !recorded.is_as_seen || now.digest != recorded.record.digest || now.match != recorded.record.match;
}

}  // namespace

std::vector<std::uint32_t> find_changed_shared(const Survey& survey, const Run& run) {
  std::vector<std::uint32_t> changed;
  if (run.index == nullptr) return changed;
  const auto key = run.key();
  Prover prover(survey, key, run.stop, run.counters, {.leases = !run.dry_run});
  for (const auto& [inode, recorded] : find_suspects(survey, run.index->store())) {
    const auto learning = prover.learn(inode);
    if (const auto* now = std::get_if<Learnt>(&learning); now != nullptr && is_changed(recorded, *now))
      changed.push_back(inode);
  }
  return changed;
}

}  // namespace vunify
