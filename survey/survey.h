// SPDX-License-Identifier: Apache-2.0
// What is there now: the guests of a run, the files that the walk found in their trees, and which of these may hold the
// same bytes. Every stage of a run is handed one survey, reads in it, and writes its verdicts into it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "guest/guest.h"
#include "guest/guest_name.h"
#include "survey/candidates.h"
#include "survey/tree.h"

namespace vunify {

struct Survey {
  const std::vector<Guest>& guests;
  Trees& trees;  // trees[i] belongs to guests[i]
  Candidates candidates;

  // Of a name.
  File& file(NameRef name) const { return trees[name.guest].file(name.file); }
  std::string path(NameRef name) const { return trees[name.guest].path(name.file); }
  const Guest& guest(NameRef name) const { return guests[name.guest]; }
  GuestName guest_name(NameRef name) const {
    return {&guests[name.guest].root, path(name), guests[name.guest].live.get()};
  }

  // Of an inode, by its index in candidates.inodes. An unwalked keeper has no names; its guest is the one that it was
  // looked up for, which is on its filesystem and mount.
  Candidate& inode(std::uint32_t index) { return candidates.inodes[index]; }
  const Candidate& inode(std::uint32_t index) const { return candidates.inodes[index]; }
  std::span<const NameRef> names_of(std::uint32_t inode) const;
  std::vector<GuestName> guest_names(std::uint32_t inode) const;
  std::uint32_t guest_number(std::uint32_t inode) const;
  const Guest& guest_of(std::uint32_t inode) const { return guests[guest_number(inode)]; }
  const File& file_of(std::uint32_t inode) const;
  FileId id_of(std::uint32_t inode) const { return {guest_of(inode).fs, file_of(inode).ino}; }

  void judge(std::span<const NameRef> names, Verdict verdict) { vunify::judge(trees, names, verdict); }
  void judge(std::uint32_t inode, Verdict verdict) { judge(names_of(inode), verdict); }
};

}  // namespace vunify
