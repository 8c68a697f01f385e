// SPDX-License-Identifier: Apache-2.0
#include "change/recover.h"

#include <fcntl.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>

#include "change/choose_protection.h"
#include "change/directory_time.h"
#include "change/half_clones.h"
#include "change/lifted.h"
#include "change/recover_set.h"
#include "change/undo_link.h"
#include "guest/staging.h"
#include "sys/directory.h"

namespace vunify {
namespace {

const JournaledName* find_name(const std::vector<JournaledSet>& sets, const std::string& leaf) {
  for (const auto& set : sets)
    for (const auto& name : set.names)
      if (name.staged == leaf || name.staged + std::string(newer_suffix) == leaf) return &name;
  return nullptr;
}

// What is in staging after all is told again at the next start.
class Rest {
 public:
  Rest(const Staging& staging, const std::vector<JournaledSet>& sets, Recovery& recovery)
      : staging_(staging), sets_(sets), recovery_(recovery) {}

  JournaledSet keep(const std::string& fs, const std::vector<JournaledSet>& later) {
    JournaledSet kept{.intent = Intent::keep, .staging = staging_.path(), .fs = fs};
    for (const auto& leaf : staging_.names()) {
      if (leaf == probe_leaf || find_name(later, leaf) != nullptr) continue;
      tell(leaf);
      const auto* known = find_name(sets_, leaf);
      kept.names.push_back(known != nullptr ? *known : JournaledName{});
      kept.names.back().staged = leaf;
    }
    return kept;
  }

 private:
  void tell(const std::string& leaf) {
    const auto path = staging_.path() + "/" + leaf;
    if (std::ranges::none_of(recovery_.kept, [&](const Kept& one) { return one.path == path; }))
      recovery_.kept.push_back({path, "no journal knows what it is"});
  }

  const Staging& staging_;
  const std::vector<JournaledSet>& sets_;
  Recovery& recovery_;
};

// Of the directory in staging that a name is in.
Timestamp last_change(const Staging& staging, std::string_view staged) {
  const std::string directory(split_path(staged).parent);
  const auto inode = stat_name(staging.fd(), directory.empty() ? "." : directory.c_str());
  return inode ? inode->stamp.mtime : Timestamp{};
}

// Before anything in staging changes: the mtime of a worker's directory tells which directory the run, or a recovery,
// was killed in, and a recovery that has moved it and is killed in its turn leaves none that tells.
void restore_directory_times(const Staging& staging, const std::vector<JournaledSet>& sets) {
  for (const auto& set : sets) {
    if (set.intent == Intent::keep) continue;
    for (const auto& name : set.names)
      if (const auto held = stat_name(staging.fd(), name.staged.c_str()))
        restore_directory_time(name, last_change(staging, name.staged), held->stamp.ctime);
  }
}

// Takes out what has to do with guests whose vcow cannot be asked: it waits until they are not shown, or it can.
std::vector<JournaledSet> take_shown(std::vector<JournaledSet>& sets, LiveGuests& live) {
  const auto is_closed = [&](const JournaledName& name) { return live.is_left_alone(name.root); };
  const auto shown = std::stable_partition(
      sets.begin(), sets.end(), [&](const JournaledSet& set) { return std::ranges::none_of(set.names, is_closed); });
  std::vector<JournaledSet> taken(std::make_move_iterator(shown), std::make_move_iterator(sets.end()));
  sets.erase(shown, sets.end());
  return taken;
}

// Returns what is left to do.
std::vector<JournaledSet> recover_staging(const std::string& path, const std::string& fs, const std::string& state_dir,
                                          std::vector<JournaledSet> sets, Recovery& recovery) {
  Staging staging(path);
  LiveGuests live;
  auto later = take_shown(sets, live);
  restore_directory_times(staging, sets);
  const auto held = hold_leased_keepers(sets, staging.fd());
  for (const auto& set : sets)
    if (auto rest = recover_set(set, staging, live, recovery)) later.push_back(std::move(*rest));
  clear_half_clones(staging, state_dir, recovery);
  auto kept = Rest(staging, sets, recovery).keep(fs, later);
  if (!kept.names.empty()) later.push_back(std::move(kept));
  sync_filesystem(staging.fd(), path);  // before the journals go
  staging.remove_if_empty();
  return later;
}

// The directory that staging is in is there, and on the filesystem that the journal means.
bool is_mounted(const std::string& staging, const std::string& fs) {
  try {
    const std::string above(split_path(staging).parent);
    return to_string(fs_id(open_host(above.empty() ? "/" : above, O_RDONLY | O_DIRECTORY).get())) == fs;
  } catch (const std::system_error& error) {
    if (is_error(error, ENOENT) || is_error(error, ENOTDIR)) return false;
    throw;
  }
}

// Names that were to be removed for good: nothing of them is staged, but their inode may have lost its protection.
// Returns those that were not dealt with.
std::vector<JournaledSet> protect_all_lifted(std::vector<JournaledSet>& sets, const std::string& staging,
                                             Recovery& recovery) {
  const Fd above = open_host(std::string(split_path(staging).parent) + "/", O_RDONLY | O_DIRECTORY);
  std::vector<JournaledSet> later;
  for (const auto& set : sets) {
    if (!set.names.empty()) continue;
    try {
      protect_lifted(set, above.get());
    } catch (const std::system_error& error) {
      recovery.kept.push_back({set.root + "/" + set.path, error.code().message()});
      later.push_back(set);
    }
  }
  std::erase_if(sets, [](const JournaledSet& set) { return set.names.empty(); });
  return later;
}

bool is_there(const std::string& path) { return stat_name(AT_FDCWD, path.c_str()).has_value(); }

}  // namespace

Recovery recover(const std::string& state_dir) {
  Recovery recovery;
  std::map<std::pair<std::string, std::string>, std::vector<JournaledSet>> by_staging;
  auto journals = read_journals(state_dir);
  for (auto& set : journals.sets) by_staging[{set.staging, set.fs}].push_back(std::move(set));
  std::vector<JournaledSet> unresolved;
  for (auto& [place, sets] : by_staging) {
    const auto& [path, fs] = place;
    auto later = std::move(sets);
    if (is_mounted(path, fs)) {
      std::ranges::move(protect_all_lifted(later, path, recovery), std::back_inserter(unresolved));
      if (later.empty() || !is_there(path)) continue;
      later = recover_staging(path, fs, state_dir, later, recovery);
    }
    std::ranges::move(later, std::back_inserter(unresolved));
  }
  for (const auto& path : journals.damaged)
    recovery.kept.push_back(
        {set_damaged_aside(path), "is a damaged journal: what it does not tell is left in staging"});
  replace_journals(state_dir, unresolved);
  return recovery;
}

}  // namespace vunify
