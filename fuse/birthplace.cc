// SPDX-License-Identifier: Apache-2.0
#include "fuse/birthplace.h"

#include <fcntl.h>
#include <stdio.h>

#include "sys/directory.h"
#include "sys/inode.h"
#include "sys/link.h"
#include "sys/xattr.h"

namespace vunify {
namespace {

constexpr auto default_acl = "system.posix_acl_default";
constexpr auto itself = ".";
constexpr auto leaf = "new";

// EXT4_FL_INHERITED, and xfs_inode_inherit_flags().
constexpr std::uint32_t inherited_flags = FS_SECRM_FL | FS_UNRM_FL | FS_COMPR_FL | FS_NOCOMP_FL | FS_JOURNAL_DATA_FL |
                                          FS_NOTAIL_FL | FS_DIRSYNC_FL | FS_CASEFOLD_FL;
constexpr std::uint32_t own_xflags = FS_XFLAG_IMMUTABLE | FS_XFLAG_APPEND | FS_XFLAG_HASATTR | FS_XFLAG_PROJINHERIT;

Fd open_dir(At at) { return open_at(at, O_RDONLY | O_DIRECTORY | O_NOATIME); }

void remove_any(At at) {
  const auto there = find_at(at);
  if (!there) return;
  S_ISDIR(there->st_mode) ? remove_directory_at(at) : remove_at(at);
}

Heritage heritage_of(int dir) {
  const auto inode = stat_fd(dir);
  const auto attributes = inode_attributes(dir);
  Heritage heritage{.group = {}, .acl = get_xattr(dir, default_acl).value_or("")};
  if ((inode.mode & S_ISGID) != 0) heritage.group = inode.gid;
  heritage.flags = inode_flags(dir) & (inherited_flags | FS_ENCRYPT_FL);
  heritage.xflags = attributes.fsx_xflags & ~own_xflags;
  heritage.extsize = attributes.fsx_extsize;
  heritage.cowextsize = attributes.fsx_cowextsize;
  return heritage;
}

void cease_to_pass_on(int dir) {
  auto attributes = inode_attributes(dir);
  attributes.fsx_xflags &= ~static_cast<std::uint32_t>(FS_XFLAG_PROJINHERIT);
  set_inode_attributes(dir, attributes);
}

}  // namespace

void clear_birthplace(int staging) {
  if (!find_at({staging, birthplace_leaf})) return;
  const Fd dir = open_dir({staging, birthplace_leaf});
  for (const auto& name : list_names(dir.get())) remove_any({dir.get(), name.c_str()});
  remove_directory_at({staging, birthplace_leaf});
}

// Staging itself is to take inodes of any project: a break exchanges a shared one out of the guest.
Birthplace::Birthplace(int staging, std::uint32_t tag) : staging_(staging), tag_(tag) {
  clear_birthplace(staging);
  if (!is_tagging()) return;
  cease_to_pass_on(staging);
  make_directory_at({staging, birthplace_leaf}, 0700);
  fd_ = open_dir({staging, birthplace_leaf});
  make_private(fd_.get());
  take_over({});
}

Birthplace::~Birthplace() {
  try {
    clear_birthplace(staging_);
  } catch (const std::system_error&) {  // the next mount does
  }
}

// Half taken over, it is taken over anew.
void Birthplace::take_over(const Heritage& heritage) {
  if (now_ == heritage) return;
  now_.reset();
  const std::uint32_t setgid = heritage.group ? S_ISGID : 0;
  set_owner_and_mode(fd_.get(), 0, heritage.group.value_or(0), 0700 | setgid);
  heritage.acl.empty() ? remove_xattr(fd_.get(), default_acl) : set_xattr(fd_.get(), default_acl, heritage.acl);
  auto attributes = inode_attributes(fd_.get());
  attributes.fsx_xflags = heritage.xflags | FS_XFLAG_PROJINHERIT;
  attributes.fsx_projid = tag_;
  attributes.fsx_extsize = heritage.extsize;
  attributes.fsx_cowextsize = heritage.cowextsize;
  set_inode_attributes(fd_.get(), attributes);
  change_inode_flags(fd_.get(), heritage.flags, inherited_flags & ~heritage.flags);
  now_ = heritage;
}

Fd Birthplace::make_unnamed() {
  if (!is_tagging()) return vunify::make_unnamed(staging_);
  const std::lock_guard alone(mutex_);
  take_over({});
  return vunify::make_unnamed(fd_.get());
}

void Birthplace::tag(int copy) const {
  if (is_tagging()) set_project_id(copy, tag_);
}

Birth::Birth(Birthplace& place, At name) : name_(name), dir_(name.dir), leaf_(name.leaf) {
  if (!place.is_tagging()) return;
  const auto heritage = heritage_of(open_dir({name.dir, itself}).get());
  if ((heritage.flags & FS_ENCRYPT_FL) != 0) return;  // which takes nothing that was made outside
  alone_ = std::unique_lock(place.mutex_);
  place.take_over(heritage);
  dir_ = place.fd_.get();
  if (leaf_ != itself) leaf_ = leaf;
}

Birth::~Birth() {
  if (!alone_ || leaf_ == itself) return;
  try {
    remove_any(at());
  } catch (const std::system_error&) {  // the next mount does
  }
}

void Birth::move_out() {
  if (!alone_) return;
  if (S_ISDIR(stat_at(at()).st_mode)) cease_to_pass_on(open_dir(at()).get());
  rename_at(at(), name_, RENAME_NOREPLACE);
  alone_.unlock();
}

}  // namespace vunify
