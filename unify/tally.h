// SPDX-License-Identifier: Apache-2.0
// What one worker did, added up while it works and merged when it is done.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "survey/survey.h"
#include "unify/outcome.h"

namespace vunify {

struct Tally {
  explicit Tally(std::size_t guests) : linked_files(guests), freed_bytes(guests) {}

  std::vector<std::uint64_t> linked_files;  // by guest
  std::vector<std::uint64_t> freed_bytes;   // by guest
  std::uint64_t freed_when_closed = 0;
  std::uint64_t read_files = 0;
  std::uint64_t read_bytes = 0;
  std::uint64_t linking_nanoseconds = 0;
  bool disk_full = false;
  bool has_broken_off = false;  // a linker, in the middle of its work
  std::vector<Failure> failed;

  void add(const Tally& other);
  // An inode given up: its names are counted for their guests, its bytes for the first of them.
  void count_link(std::span<const NameRef> names, std::uint64_t bytes);
};

// At a name of a guest.
Failure failure_at(const Survey& survey, NameRef name, const std::string& reason);

}  // namespace vunify
