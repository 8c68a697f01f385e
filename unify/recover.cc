// SPDX-License-Identifier: Apache-2.0
#include "unify/recover.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>

#include "guest/staging.h"
#include "sys/mark.h"
#include "unify/put_back.h"

namespace vunify {
namespace {

// The keeper, opened through whatever name still leads to it; nothing where none does.
std::optional<Fd> open_keeper(const JournaledSet& set) {
  const auto open = [&](const std::string& root, const std::string& path) -> std::optional<Fd> {
    try {
      auto fd = RootDir(root).open_regular(path);
      if (stat_fd(fd.get()).ino == set.keeper) return fd;
    } catch (const std::system_error&) {
    }
    return std::nullopt;
  };
  if (auto fd = open(set.root, set.path)) return fd;
  for (const auto& name : set.names)
    if (auto fd = open(name.root, name.path)) return fd;
  return std::nullopt;
}

class SetRecovery {
 public:
  SetRecovery(const JournaledSet& set, const Staging& staging, Recovery& recovery)
      : set_(set), staging_(staging), recovery_(recovery) {}

  void run() {
    auto keeper = open_keeper(set_);
    if (keeper) lift(keeper->get());
    for (const auto& name : set_.names) {
      try {
        recover(name, keeper);
      } catch (const std::system_error& error) {
        keep(name.staged, error.what());
      }
    }
    if (keeper) settle(keeper->get());
  }

 private:
  void lift(int keeper) const {
    if (must_lift(set_.protection)) unprotect(keeper);
  }

  void recover(const JournaledName& name, const std::optional<Fd>& keeper) {
    const StagedName staged{staging_.fd(), name.staged};
    const auto held = stat_name(staged.dir, staged.leaf.c_str());
    if (!held) return;
    ++recovery_.names;
    const bool untouched = name.before == 0 || held->ino == name.before;
    if (untouched || (set_.intent == Intent::copy && held->ino == name.after)) return remove_staged(staged);
    if (held->ino != name.after) return keep(name.staged, "is not what the journal says");
    undo_link(staged, name, keeper);
  }

  // The victim is in staging. Does its guest's name still lead to the keeper?
  void undo_link(const StagedName& staged, const JournaledName& name, const std::optional<Fd>& keeper) {
    const RootDir root(name.root);
    std::optional<Inode> now;
    std::optional<Name> guest;
    try {
      guest = open_name(root, name.path);
      now = stat_name(guest->dir.get(), guest->leaf.c_str());
    } catch (const std::system_error& error) {
      if (!is_error(error, ENOENT) && !is_error(error, ENOTDIR)) throw;
    }
    if (!now || now->ino != set_.keeper) return remove_staged(staged);
    if (!keeper || !is_unwritten(keeper->get())) return keep_both(staged, *guest, name, keeper);
    if (!put_back(staged, *guest, name.after, set_.keeper)) keep(name.staged, "its guest keeps changing the name");
  }

  // The journal knows the keeper's size and mtime: nobody wrote to it while nothing protected it.
  bool is_unwritten(int keeper) const {
    const auto stamp = stat_fd(keeper).stamp;
    return stamp.size == set_.size && stamp.mtime == set_.mtime;
  }

  // Somebody wrote to the keeper before we came back, and nobody can tell through whose name. Each name keeps what it
  // shows now, on an inode of its own, and the victim is kept for the admin.
  void keep_both(const StagedName& staged, const Name& guest, const JournaledName& name,
                 const std::optional<Fd>& keeper) {
    keep(name.staged, "its twin was written to after the interruption; this is " + name.root + "/" + name.path +
                          " as it was before");
    if (!keeper) return;
    const StagedName copy{staged.dir, staged.leaf + ".copy"};
    prepare_copy(keeper->get(), copy);
    exchange(copy, guest);
    if (stat_staged(copy).ino == set_.keeper) remove_staged(copy);
  }

  // Shared with somebody still: protected again. Else it is its guest's own, as before.
  void settle(int keeper) const {
    if (stat_fd(keeper).nlink > 1 && is_marked(keeper, {fs_id(keeper), set_.keeper}))
      return protect(keeper, set_.protection);
    unprotect(keeper);
    clear_mark(keeper);
  }

  void keep(const std::string& leaf, const std::string& reason) {
    recovery_.kept.push_back({staging_.path() + "/" + leaf, reason});
  }

  const JournaledSet& set_;
  const Staging& staging_;
  Recovery& recovery_;
};

// True where nothing of these sets is left to do.
bool recover_staging(const std::string& path, const std::vector<JournaledSet>& sets, Recovery& recovery) {
  try {
    Staging staging(path);
    const auto kept_before = recovery.kept.size();
    for (const auto& set : sets) SetRecovery(set, staging, recovery).run();
    staging.remove_if_empty();
    return recovery.kept.size() == kept_before;
  } catch (const std::system_error& error) {
    if (!is_error(error, ENOENT)) throw;
    return false;  // its filesystem is not mounted now
  }
}

}  // namespace

Recovery recover(const std::string& state_dir) {
  Recovery recovery;
  std::map<std::string, std::vector<JournaledSet>> by_staging;
  for (auto& set : read_journals(state_dir)) by_staging[set.staging].push_back(std::move(set));
  std::vector<JournaledSet> unresolved;
  for (auto& [path, sets] : by_staging)
    if (!recover_staging(path, sets, recovery)) std::ranges::move(sets, std::back_inserter(unresolved));
  replace_journals(state_dir, unresolved);
  return recovery;
}

}  // namespace vunify
