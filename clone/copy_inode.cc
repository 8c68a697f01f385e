// SPDX-License-Identifier: Apache-2.0
#include "clone/copy_inode.h"

#include <fcntl.h>

#include <algorithm>
#include <vector>

#include "guest/tag.h"
#include "sys/clone.h"
#include "sys/inode_attr.h"
#include "sys/link.h"
#include "sys/mark.h"
#include "sys/quiet_read.h"
#include "sys/xattr.h"

namespace vunify {
namespace {

constexpr std::size_t piece_bytes = 1 << 20;
constexpr int most_tries = 100;  // of a name that is renamed over all the time

// Read and written: copy_file_range(2) is a reflink on XFS.
void copy_pieces(int from, int to, std::uint64_t size, const std::function<bool()>& stop) {
  std::vector<char> buffer(std::min<std::uint64_t>(size, piece_bytes));
  QuietReader reader(from);
  for (std::uint64_t at = 0; (at = next_data(from, at)) < size;) {
    if (stop()) throw std::system_error(EINTR, std::generic_category(), "copy");
    const auto got = reader.read_at(at, buffer);
    if (got == 0) break;
    write_at(to, at, {buffer.data(), got}, "a copy in staging");
    at += got;
  }
  resize(to, size, "a copy in staging");
}

void copy_apart(int from, int to, int dir, const std::function<bool()>& stop) {
  const Fd still = make_unnamed(dir);
  copy_contents(from, still.get(), stop);
  copy_pieces(still.get(), to, stat_fd(still.get()).stamp.size, stop);
}

bool copy_file(const GuestLeaf& from, const Inode& seen, At to, Bytes bytes, const std::function<bool()>& stop) {
  const Fd source = from.root.open_to_read(from.path);
  const auto there = stat_fd(source.get());
  if (there.ino != seen.ino || !there.is_regular()) return false;
  const Fd copy = open_at(to, O_RDWR | O_CREAT | O_EXCL, 0600);
  if (bytes == Bytes::shared) copy_contents(source.get(), copy.get(), stop);
  if (bytes == Bytes::apart) copy_apart(source.get(), copy.get(), to.dir, stop);
  copy_metadata(source.get(), copy.get());
  leave_tag(from.root, copy.get());
  return true;
}

void copy_attributes(At from, At to) {
  const auto names = list_xattrs_at(from.dir, from.leaf);
  for (std::size_t at = 0; at < names.size();) {
    const std::string name(names.c_str() + at);
    at += name.size() + 1;
    const auto value = get_xattr_at(from.dir, from.leaf, name.c_str());
    if (value && !is_mark(name)) set_xattr_at(to.dir, to.leaf, name.c_str(), *value, 0);
  }
}

// Neither opened nor woken: all of it by name.
bool copy_node(At from, const Inode& seen, At to) {
  const auto st = stat_at(from);
  if (st.st_ino != seen.ino) return false;
  if (S_ISLNK(st.st_mode))
    make_symlink_at(read_link_at(from).c_str(), to);
  else
    make_node_at(to, st.st_mode, st.st_rdev);
  set_owner_at(to, st.st_uid, st.st_gid);
  if (!S_ISLNK(st.st_mode)) set_mode_at(to, st.st_mode & 07777);
  copy_attributes(from, to);
  const timespec times[2] = {st.st_atim, st.st_mtim};
  set_times_at(to, times);
  return true;
}

// False, and nothing is made, where it is another inode by now.
bool copy_inode(const GuestLeaf& from, const Inode& seen, At to, Bytes bytes, const std::function<bool()>& stop) {
  return seen.is_regular() ? copy_file(from, seen, to, bytes, stop) : copy_node(from.at, seen, to);
}

// What a name that leads elsewhere meanwhile answers: gone, now a symlink, no symlink any more, no regular file.
bool is_replaced(const std::system_error& error) {
  return is_error(error, ENOENT) || is_error(error, ELOOP) || is_error(error, EINVAL);
}

}  // namespace

void leave_tag(const RootDir& from, int copy) {
  if (project_id(copy) == tag_of(from.fd())) set_project_id(copy, 0);
}

bool copy_name(const GuestLeaf& from, Inode& seen, At to, Bytes bytes, const std::function<bool()>& stop) {
  for (int tries = 0; tries < most_tries; ++tries) {
    try {
      if (copy_inode(from, seen, to, bytes, stop)) return true;
    } catch (const std::system_error& error) {
      if (!is_replaced(error)) throw;
    }
    if (find_at(to)) remove_at(to);
    const auto now = stat_name(from.at.dir, from.at.leaf);
    if (!now || now->is_directory()) return false;
    seen = *now;
  }
  throw std::system_error(EBUSY, std::generic_category(), from.path);
}

}  // namespace vunify
