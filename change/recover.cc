// SPDX-License-Identifier: Apache-2.0
#include "change/recover.h"

#include <fcntl.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>

#include "change/directory_time.h"
#include "change/put_back.h"
#include "change/remove_names.h"
#include "guest/staging.h"
#include "sys/directory.h"
#include "sys/handle.h"
#include "sys/mark.h"

namespace vunify {
namespace {

std::optional<Fd> open_inode(const std::string& root, const std::string& path, std::uint64_t ino) {
  try {
    auto fd = RootDir(root).open_regular(path);
    if (stat_fd(fd.get()).ino == ino) return fd;
  } catch (const std::system_error&) {
  }
  return std::nullopt;
}

// Through its handle; else through whatever name still leads to it. Nothing where it is gone.
std::optional<Fd> open_keeper(const JournaledSet& set, int staging) {
  if (!set.handle.empty()) return open_handle(staging, set.handle);
  if (auto fd = open_inode(set.root, set.path, set.keeper)) return fd;
  for (const auto& name : set.names)
    if (auto fd = open_inode(name.root, name.path, set.keeper)) return fd;
  return std::nullopt;
}

bool is_marked_now(int fd) { return is_marked(fd, {fs_id(fd), stat_fd(fd).ino}); }

// Whoever is marked and has several names is shared still: protected again. A last name is its guest's own. What is not
// marked was never protected by us.
void protect_again(int fd, Protection protection) {
  if (!is_marked_now(fd)) return;
  if (stat_fd(fd).nlink > 1) return protect(fd, protection);
  unprotect(fd);
  clear_mark(fd);
}

// The guest's name, where its directory is still there.
std::optional<Name> open_guest_name(const JournaledName& name) {
  try {
    return open_name(RootDir(name.root), name.path);
  } catch (const std::system_error& error) {
    if (is_error(error, ENOENT) || is_error(error, ENOTDIR) || is_error(error, ELOOP)) return std::nullopt;
    throw;
  }
}

bool leads_to(const Name& name, std::uint64_t ino) {
  const auto now = stat_name(name.dir.get(), name.leaf.c_str());
  return now && now->ino == ino;
}

class SetRecovery {
 public:
  SetRecovery(const JournaledSet& set, const Staging& staging, Recovery& recovery)
      : set_(set), staging_(staging), recovery_(recovery), keeper_(open_keeper(set, staging.fd())) {}

  // Returns the names that could not be dealt with: the next start tries again.
  std::vector<JournaledName> run() {
    std::vector<JournaledName> later;
    // Of a batch that is long over nothing is staged, and its keeper is in guests' use.
    if (keeper_ && must_lift(set_.protection) && any_is_staged() && is_marked_now(keeper_->get()))
      unprotect(keeper_->get());
    for (const auto& name : set_.names) {
      try {
        recover(name);
      } catch (const std::system_error& error) {
        keep(name.staged, error.what());
        later.push_back(name);
      }
    }
    if (keeper_) protect_again(keeper_->get(), set_.protection);
    if (set_.intent == Intent::link) protect_victims_again();
    return later;
  }

 private:
  bool any_is_staged() const {
    return std::ranges::any_of(set_.names, [this](const JournaledName& name) {
      return stat_name(staging_.fd(), name.staged.c_str()).has_value();
    });
  }

  void recover(const JournaledName& name) {
    const StagedName staged{staging_.fd(), name.staged};
    const auto held = stat_name(staged.dir, staged.leaf.c_str());
    if (!held) return;
    if (set_.intent == Intent::keep)
      return keep(name.staged,
                  "was kept at an earlier start: " + (name.root.empty() ? "unknown" : name.root + "/" + name.path));
    ++recovery_.names;
    const bool untouched = name.before == 0 || held->ino == name.before;
    if (untouched || (set_.intent == Intent::copy && held->ino == name.after)) return remove_staged(staged);
    if (held->ino != name.after) return keep(name.staged, "is not what the journal says");
    if (held->immutable) lift(staged);
    undo_link(staged, name);
  }

  // A victim that was shared itself, and was protected again before we were interrupted once more.
  void lift(const StagedName& staged) const {
    if (!must_lift(set_.protection)) return;
    const Fd fd = open_host(proc_path(staged.dir) + "/" + staged.leaf, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (is_marked_now(fd.get())) unprotect(fd.get());
  }

  // The victim is in staging. Does its guest's name still lead to the keeper?
  void undo_link(const StagedName& staged, const JournaledName& name) {
    const auto guest = open_guest_name(name);
    const bool linked = guest && leads_to(*guest, set_.keeper);
    if (keeper_ && !is_unwritten()) return keep_both(staged, linked ? &*guest : nullptr, name);
    if (!linked) return remove_staged(staged);
    if (!put_back(staged, *guest, name.after, set_.keeper)) keep(name.staged, "its guest keeps changing the name");
  }

  // The journal knows the keeper's size and mtime: nobody wrote to it while nothing protected it.
  bool is_unwritten() const {
    const auto stamp = stat_fd(keeper_->get()).stamp;
    return stamp.size == set_.size && stamp.mtime == set_.mtime;
  }

  // Somebody wrote to the keeper before we came back, and nobody can tell through whose name. Each name keeps what it
  // shows now, on an inode of its own, and the victim is kept for the admin.
  void keep_both(const StagedName& staged, const Name* guest, const JournaledName& name) {
    keep(name.staged, "its twin was written to after the interruption; this is " + name.root + "/" + name.path +
                          " as it was before");
    if (guest == nullptr) return;
    const StagedName copy{staged.dir, staged.leaf + ".copy"};
    if (stat_name(copy.dir, copy.leaf.c_str())) remove_staged(copy);  // of a recovery that was interrupted
    prepare_copy(keeper_->get(), copy);
    const Fd held = hold_staged(copy);
    const auto ours = stat_fd(held.get()).ino;
    sync_filesystem(staging_.fd(), staging_.path());
    exchange(copy, *guest);
    const auto came_out = stat_staged(copy).ino;
    if (came_out == set_.keeper)
      remove_staged(copy);
    else
      put_back(copy, *guest, came_out, ours);
  }

  // Two keepers were to become one: the one that was given up is shared still.
  void protect_victims_again() const {
    for (const auto& name : set_.names)
      if (const auto victim = open_inode(name.root, name.path, name.after))
        protect_again(victim->get(), set_.protection);
  }

  void keep(const std::string& leaf, const std::string& reason) {
    recovery_.kept.push_back({staging_.path() + "/" + leaf, reason});
  }

  const JournaledSet& set_;
  const Staging& staging_;
  Recovery& recovery_;
  std::optional<Fd> keeper_;
};

const JournaledName* find_name(const std::vector<JournaledSet>& sets, const std::string& leaf) {
  for (const auto& set : sets)
    for (const auto& name : set.names)
      if (name.staged == leaf) return &name;
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
      kept.names.push_back(known != nullptr ? *known : JournaledName{.staged = leaf});
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

// Returns what is left to do.
std::vector<JournaledSet> recover_staging(const std::string& path, const std::string& fs,
                                          const std::vector<JournaledSet>& sets, Recovery& recovery) {
  Staging staging(path);
  restore_directory_times(staging, sets);
  std::vector<JournaledSet> later;
  for (const auto& set : sets) {
    auto rest = set;
    rest.names = SetRecovery(set, staging, recovery).run();
    if (!rest.names.empty()) later.push_back(std::move(rest));
  }
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
  for (auto& set : read_journals(state_dir)) by_staging[{set.staging, set.fs}].push_back(std::move(set));
  std::vector<JournaledSet> unresolved;
  for (auto& [place, sets] : by_staging) {
    const auto& [path, fs] = place;
    auto later = std::move(sets);
    if (is_mounted(path, fs)) {
      std::ranges::move(protect_all_lifted(later, path, recovery), std::back_inserter(unresolved));
      if (later.empty() || !is_there(path)) continue;
      later = recover_staging(path, fs, later, recovery);
    }
    std::ranges::move(later, std::back_inserter(unresolved));
  }
  replace_journals(state_dir, unresolved);
  return recovery;
}

}  // namespace vunify
