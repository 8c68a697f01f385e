// SPDX-License-Identifier: Apache-2.0
// Where the copies of a break get the name under which they are exchanged: `.vcow-breaks/NUMBER`, of the guest's root,
// in the directory that vunify's staging would be in (guest/staging): no guest sees it, and it is on the guest's mount.
// A guest whose root is all of its filesystem has it inside; then it is hidden from the guest.
//
// A copy has its own inode's number for a name. So whatever is found there at the next mount tells what it is: a copy
// that never was exchanged; a shared inode, marked, whose copy the guest has; a note, an empty file with a handle for
// its name, of a shared inode that is unprotected for a moment (fuse/lifted_flag); or else somebody's file that was put
// in the guest's way at that moment, natively, which is kept and told. Beside them a tagged guest has its birthplace
// (fuse/birthplace).
#pragma once

#include <array>
#include <string>
#include <vector>

#include "guest/guest.h"
#include "sys/link.h"

namespace vunify {

inline constexpr auto break_staging_leaf = ".vcow-breaks";

class BreakStaging {
 public:
  // parent: a directory on the mount that the guest is served from; root: the guest's number. Who holds the guest's
  // root locked (guest/adopted.h) has it for himself.
  BreakStaging(int parent, std::uint64_t root, bool commits_in_order);
  ~BreakStaging();
  BreakStaging(const BreakStaging&) = delete;

  int fd() const { return fd_.get(); }
  int parent() const { return parent_.get(); }
  std::array<int, 3> descriptors() const { return {parent_.get(), above_.get(), fd_.get()}; }
  StagedName name_of(int copy) const;
  // A copy is on disk before a name leads to it.
  void write_out(int copy) const;
  // Where its name still leads to it.
  void remove_copy(const StagedName& staged, int copy) const;

  // Returns the note's name; empty where there is no room for one: what is to be removed from a full disk is removed.
  std::string note_lifted(int fd) const;
  void forget_lifted(const std::string& note) const;

  // What a killed daemon left; returns what is kept.
  std::vector<std::string> sweep() const;

 private:
  bool try_to_open();
  void protect_noted(const std::string& note) const;
  bool is_leftover(const std::string& leaf) const;

  Fd parent_, above_, fd_;
  std::string leaf_;
  bool commits_in_order_;
};

}  // namespace vunify
