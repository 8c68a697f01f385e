// SPDX-License-Identifier: Apache-2.0
// Where what a tagged guest makes is born: `born` in its staging (fuse/break_staging). A guest's tag is the project id
// of its root (guest/tag); where its own inodes carry it the kernel counts them, and holds the guest to a project's
// limit.
//
// The kernel gives a project to what is made in a directory that passes its own on, and lets no inode of another into
// such a directory: none of a guest's can be one, for what guests share is of no project. So a new inode is made in a
// directory of ours that passes the tag on, and is moved out when it is whole; a directory ceases to pass it on before.
// What else a directory gives to what is made in it - group, default ACL, flags - ours takes from it first.
//
// A guest without a tag makes everything where it is to be, without a system call more.
#pragma once

#include <mutex>
#include <optional>

#include "sys/at.h"
#include "sys/fd.h"
#include "sys/inode_attr.h"

namespace vunify {

inline constexpr auto birthplace_leaf = "born";

// What a killed daemon left in a guest's staging.
void clear_birthplace(int staging);

// What a directory gives to what is made in it.
struct Heritage {
  std::optional<std::uint32_t> group;  // of a setgid directory
  std::string acl;
  std::uint32_t flags = 0;  // FS_IOC_GETFLAGS
  std::uint32_t xflags = 0, extsize = 0, cowextsize = 0;
  bool operator==(const Heritage&) const = default;
};

class Birthplace {
 public:
  // staging: the guest's, to which nobody else comes. What a killed daemon left is removed: nobody was told of it. tag:
  // 0 for none. Throws std::system_error where the filesystem keeps no projects.
  Birthplace(int staging, std::uint32_t tag);
  ~Birthplace();
  Birthplace(const Birthplace&) = delete;

  bool is_tagging() const { return tag_ != 0; }
  // An empty file without a name for a copy that will be the guest's: what is written to it counts at once. Any name on
  // the filesystem may lead to it that is not in a directory which passes another project on.
  Fd make_unnamed();
  // Whatever else the copy took over from another inode.
  void tag(int copy) const;

 private:
  friend class Birth;
  void take_over(const Heritage& heritage);

  int staging_;
  std::uint32_t tag_;
  Fd fd_;
  std::mutex mutex_;  // one is born at a time
  std::optional<Heritage> now_;
};

// One inode that is born.
class Birth {
 public:
  // name: which it is to have; "." for one that is to have none, in this directory.
  Birth(Birthplace& place, At name);
  ~Birth();  // what is not out is gone
  Birth(const Birth&) = delete;

  // Where it is to be made.
  At at() const { return {dir_, leaf_.c_str()}; }
  // Once it is made. Throws as rename_at() does: EEXIST where the name is taken.
  void move_out();

 private:
  At name_;
  int dir_;
  std::string leaf_;
  std::unique_lock<std::mutex> alone_;  // empty where it is born in its place
};

}  // namespace vunify
