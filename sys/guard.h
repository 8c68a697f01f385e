// SPDX-License-Identifier: Apache-2.0
// The guard (kernel-cow/guard.bpf.c): a program in the kernel that refuses whatever would change an inode in its map,
// whoever asks, and lets its names be added, moved and removed. What loads it is sys/guard_programs.h; here is the map,
// which everybody asks. An inode's entry goes when the inode does. A process looks for it once, and keeps what it
// found. Without the guard nothing here costs a call more.
//
// Not on btrfs: what stat(2) tells there as device is no superblock's, and snapshots repeat inode numbers and
// generations. A probe finds that nothing is kept (change/choose_protection.h).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "sys/inode.h"

namespace vunify {

// Its programs are there, and its map can be had (not without CAP_BPF or CAP_SYS_ADMIN) and is of this version.
bool is_guard_loaded();

// How many inodes it can have at most: what it was loaded with. Of one that is loaded.
std::uint64_t guard_room();

// Throws where the guard is not loaded (ENODEV), has no room (E2BIG), or the filesystem tells no generation (ENOTTY).
// It stays until it is taken out: from then on its owner's metadata, too, can be changed by nobody.
// Who has it open for writing by then goes on: a lease that is held meanwhile tells of him (Lease::is_unwritten).
void put_under_guard(int fd);
void take_from_guard(int fd);  // nothing where it is not there
bool is_guarded(int fd);
void empty_guard();  // what is put there meanwhile may stay

// All that are in the map now, those of filesystems that are not mounted any more among them. The answer for a name
// that was not opened.
class GuardedInodes {
 public:
  static GuardedInodes now();

  // By device and number, which another inode may have by now: a hint.
  bool contains(const Inode& inode) const;
  // The one that has the name, and the number, in that directory. leaf: a NUL behind it.
  bool contains(const Inode& inode, int dir, std::string_view leaf) const;
  std::size_t count() const { return inodes_.size(); }

 private:
  struct Guarded {
    std::uint64_t dev;
    std::uint64_t ino;
    std::uint32_t generation;
    auto operator<=>(const Guarded&) const = default;
  };
  std::vector<Guarded> inodes_;  // in order
};

}  // namespace vunify
