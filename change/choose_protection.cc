// SPDX-License-Identifier: Apache-2.0
#include "change/choose_protection.h"

#include <fcntl.h>

#include "change/protection.h"
#include "sys/capability.h"
#include "sys/clone.h"
#include "sys/fd.h"
#include "sys/guard.h"
#include "sys/inode.h"
#include "sys/inode_attr.h"
#include "sys/link.h"

namespace vunify {
namespace {

// True where opening for writing is refused, gives another inode (the link was broken), or takes the flags off: so does
// iunlink, of a last name.
bool write_is_kept_off(int fd, const std::string& path, Protection protection) {
  try {
    const auto ino = stat_fd(open_host(path, O_WRONLY).get()).ino;
    return ino != stat_fd(fd).ino || !is_protected(fd, protection);
  } catch (const std::system_error& error) {
    for (const int refusal : {EPERM, EACCES, ESTALE})  // ESTALE: kernel-cow breaks no link in staging
      if (is_error(error, refusal)) return true;
    if (is_disk_full(error)) return true;
    throw;
  }
}

bool takes(int fd, const std::string& path, Protection protection) {
  try {
    protect(fd, protection);
  } catch (const std::system_error&) {
    return false;
  }
  return is_protected(fd, protection) && write_is_kept_off(fd, path, protection);
}

bool is_removable(const StagedName& name) {
  try {
    remove_staged(name);
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

// One that a killed run left.
void remove_left_probe(const StagedName& probe, const std::string& path) {
  if (!stat_name(probe.dir, probe.leaf.c_str())) return;
  unprotect(open_host(path, O_RDONLY | O_NOFOLLOW).get());
  remove_staged(probe);
}

// True where the flags are taken and kept, a write does not reach the inode, and, but for immutable, its name can be
// removed all the same.
bool holds(int staging, Protection protection) {
  const StagedName probe{staging, std::string(probe_leaf)};
  const auto path = proc_path(staging) + "/" + probe.leaf;
  remove_left_probe(probe, path);
  open_host(path, O_RDWR | O_CREAT | O_EXCL);
  const Fd fd = open_host(path, O_RDONLY | O_NOFOLLOW);  // what is open for writing takes no iunlink
  const bool kept = takes(fd.get(), path, protection);
  if (kept) protect(fd.get(), protection);  // what a write took off
  const bool removed = is_removable(probe);
  if (has_inode_flags(fd.get())) unprotect(fd.get());
  if (!removed) remove_staged(probe);
  return kept && (removed || !row_of(protection).may_remove);
}

// Where there is no room for a file: by what the kernel tells of its filesystem, or by staging itself, in which no name
// can be made then.
bool holds_on_directory(int staging, Protection protection) {
  if (protection == Protection::iunlink)
    return (known_cowlink_flags(staging) & FS_IUNLINK_FL) != 0 && has_capability(linux_immutable);
  if (!must_lift(protection)) return false;
  protect(staging, protection);
  bool refused = false;
  try {
    open_host(proc_path(staging) + "/" + std::string(probe_leaf), O_RDWR | O_CREAT | O_EXCL);
  } catch (const std::system_error& error) {
    refused = is_error(error, EPERM);
  }
  unprotect(staging);
  return refused;
}

bool holds_or_is_full(int staging, Protection protection) {
  try {
    return holds(staging, protection);
  } catch (const std::system_error& error) {
    if (!is_disk_full(error)) throw;
    return holds_on_directory(staging, protection);
  }
}

Fd reopened(const Fd& file) { return open_host(proc_path(file.get()), O_RDONLY); }

bool holds_unnamed(int parent, Protection protection) {
  const Fd fd = reopened(open_host(proc_path(parent), O_TMPFILE | O_RDWR));
  const bool kept = takes(fd.get(), proc_path(fd.get()), protection);
  if (has_inode_flags(fd.get())) unprotect(fd.get());
  return kept;
}

Protection choose(int dir, std::optional<Protection> wanted, bool (*holds_here)(int, Protection)) {
  if (wanted && wanted != Protection::reflink) return holds_here(dir, *wanted) ? *wanted : Protection::none;
  if (!wanted)
    for (const auto better : {Protection::iunlink, Protection::guard})
      if (holds_here(dir, better)) return better;
  return has_reflink(dir) ? Protection::reflink : Protection::none;
}

}  // namespace

Protection choose_protection(int staging, std::optional<Protection> wanted) {
  return choose(staging, wanted, holds_or_is_full);
}

Protection guess_protection(int parent, std::optional<Protection> wanted) {
  return choose(parent, wanted, holds_unnamed);
}

std::string what_would_help(const std::string& fs_type, std::optional<Protection> wanted) {
  const bool by_flag = wanted && row_of(*wanted).flags != 0;
  if (by_flag && !has_capability(linux_immutable))
    return "vunify may not make files immutable here: it lacks CAP_LINUX_IMMUTABLE; run it on the host";
  if (wanted == Protection::cow) return "it is not adopted: stop it, and then vcow adopt it";
  if (wanted == Protection::guard && !is_guard_loaded()) return "the guard is not loaded: vguard load";
  if (wanted == Protection::guard && GuardedInodes::now().count() >= guard_room())
    return "the guard is full: while no guest runs, vguard unload and vguard load give it room";
  if (wanted == Protection::guard)
    return "the guard keeps nothing on " + fs_type +
           " here (it can on ext4 and XFS); where there are reflinks (btrfs), --protect=reflink would help";
  if (wanted == Protection::iunlink)
    return "this kernel keeps no iunlink on " + fs_type +
           " here: one with kernel-cow does, on ext4 and tmpfs; --protect=auto takes what is there";
  if (wanted == Protection::immutable)
    return fs_type +
           " here keeps no file immutable: a filesystem that does (ext4, XFS, btrfs), or one with reflinks, would help";
  return "nothing on " + fs_type +
         " here keeps guests apart: vcow (vcow adopt DIR), the guard (vguard load), a kernel with kernel-cow, a "
         "filesystem with reflinks (XFS, btrfs), or, for guests that never upgrade, --protect=immutable would";
}

}  // namespace vunify
