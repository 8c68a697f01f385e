// SPDX-License-Identifier: Apache-2.0
// Inodes with several names, and which guests have them: what two have is neither's.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "host/host_guest.h"
#include "sys/inode.h"
#include "sys/walk.h"

namespace vunify {

class LinkedInodes {
 public:
  // One of its names. guest: who has it; nullptr: the host.
  void add(const Inode& inode, const std::string& path, const HostGuest* guest);
  // Looks through all guests of the host for the names that were not added; not at all where none is missing.
  void find_others(const HostGuests& host);

  // Names of two guests that have the inode.
  std::optional<std::pair<std::string, std::string>> names_of_two(const Inode& inode) const;

 private:
  using Key = std::pair<std::uint64_t, std::uint64_t>;  // device, inode
  struct Names {
    std::uint32_t links = 0, added = 0;
    std::map<std::string, std::string> by_guest;  // by its root, one each
  };
  Visitor seeker(const HostGuest& guest, std::mutex& finding);
  static Key key_of(const Inode& inode) { return {inode.dev, inode.ino}; }

  std::map<Key, Names> inodes_;
};

}  // namespace vunify
