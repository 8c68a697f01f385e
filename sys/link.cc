// SPDX-License-Identifier: Apache-2.0
#include "sys/link.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <mutex>
#include <string_view>

#include "kernel-cow/cowlink.h"
#include "sys/clone.h"
#include "sys/directory_watch.h"
#include "sys/inode_attr.h"
#include "sys/xattr.h"

namespace vunify {
namespace {

// The kernel looks at each name of a directory when it is watched (fsnotify_set_children_dentry_flags): what a guest
// made larger than this keeps the time of our exchange.
constexpr std::uint64_t most_directory_bytes = 256 << 10;

// The time a directory had, to be given back after a change of ours that is none for the guest.
class DirectoryTime {
 public:
  DirectoryTime(int dir, std::uint64_t size)
      : dir_(dir), watched_(size <= most_directory_bytes && DirectoryWatch::of_this_thread().begin(dir)) {
    if (watched_) before_ = stat_fd(dir).stamp.mtime;
  }

  // Only where nothing else happened in it. A guest's change that came in between after all is told by the time of now.
  void restore(std::string_view leaf) const {
    auto& watch = DirectoryWatch::of_this_thread();
    if (!watched_ || !watch.saw_one_exchange(leaf)) return;
    set_times(dir_, std::nullopt, before_);
    if (!watch.saw_no_change()) touch(dir_);
  }

 private:
  int dir_;
  bool watched_;
  Timestamp before_{};
};

// Of two workers that exchange in one directory at a time, one would take the other's change for the guest's time.
std::mutex& exchanging_in(std::uint64_t directory) {
  static std::array<std::mutex, 64> mutexes;
  return mutexes[directory % mutexes.size()];
}

}  // namespace

// O_TMPFILE files and read-only descriptors alike. AT_EMPTY_PATH spares the way through /proc, and wants a capability
// more: ENOENT where it is missing.
void prepare_link(int fd, const StagedName& staged) {
  if (::linkat(fd, "", staged.dir, staged.leaf.c_str(), AT_EMPTY_PATH) == 0) return;
  if (errno != ENOENT) throw_errno("linkat", staged.leaf);
  const auto path = proc_path(fd);
  check(::linkat(AT_FDCWD, path.c_str(), staged.dir, staged.leaf.c_str(), AT_SYMLINK_FOLLOW), "linkat", staged.leaf);
}

Fd make_unnamed(int dir) { return open_host(proc_path(dir), O_TMPFILE | O_RDWR); }

// Attributes after the owner (chown clears capabilities), times last.
void copy_metadata(int from, int to) {
  const auto inode = stat_fd(from);
  set_owner_and_mode(to, inode.uid, inode.gid, inode.mode);
  for (const auto& [name, value] : read_xattrs(from, VUNIFY_MARK_XATTR)) set_xattr(to, name, value);
  set_project_id(to, project_id(from));
  const auto flags = inode_flags(from) & metadata_flags & ~static_cast<std::uint32_t>(FS_VERITY_FL);
  if (flags != 0) change_inode_flags(to, flags, 0);
  set_times(to, access_time(from), inode.stamp.mtime);
}

void prepare_copy(int fd, const StagedName& staged, std::optional<std::uint32_t> project) {
  const Fd copy = make_unnamed(staged.dir);
  copy_contents(fd, copy.get());
  copy_metadata(fd, copy.get());
  if (project) set_project_id(copy.get(), *project);
  prepare_link(copy.get(), staged);
}

void exchange(const StagedName& staged, const Name& name) { exchange(staged, name, stat_fd(name.dir.get())); }

void exchange(const StagedName& staged, const Name& name, const Inode& seen) {
  exchange(staged, At{name.dir.get(), name.leaf.c_str()}, seen);
}

void exchange(const StagedName& staged, At name, const Inode& seen) {
  const std::lock_guard lock(exchanging_in(seen.ino));
  const DirectoryTime time(name.dir, seen.stamp.size);
  rename_at({staged.dir, staged.leaf.c_str()}, name, RENAME_EXCHANGE);
  time.restore(name.leaf);
}

void remove_staged(const StagedName& staged) {
  check(::unlinkat(staged.dir, staged.leaf.c_str(), 0), "unlinkat", staged.leaf);
}

Fd hold_staged(const StagedName& staged) {
  return Fd(check(::openat(staged.dir, staged.leaf.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC), "openat", staged.leaf));
}

Fd open_staged(const StagedName& staged) { return reopen_regular(hold_staged(staged).get(), staged.leaf); }

Inode stat_staged(const StagedName& staged) {
  if (auto inode = stat_name(staged.dir, staged.leaf.c_str())) return *inode;
  errno = ENOENT;
  throw_errno("statx", staged.leaf);
}

}  // namespace vunify
