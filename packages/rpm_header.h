// SPDX-License-Identifier: Apache-2.0
// The header of one installed package as rpm's database keeps it: two numbers, il and dl, then il entries of {tag,
// type, offset, count}, then dl bytes of data; all numbers of 32 bits, the highest byte first. Every number in it may
// be forged: none is believed before it was held against what is there.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

namespace vunify {

// Of rpm's rpmtag.h.
enum class RpmTag : std::uint32_t {
  name = 1000,
  version = 1001,
  release = 1002,
  old_filenames = 1027,  // before rpm 4: whole paths
  file_states = 1029,
  file_flags = 1037,
  file_verify_flags = 1045,
  dir_indexes = 1116,
  basenames = 1117,
  dirnames = 1118,
};

// Stands on the bytes it was made from.
class RpmHeader {
 public:
  // Throws std::runtime_error where the bytes are no header; so do the others where an entry is not what it should be.
  explicit RpmHeader(std::string_view bytes);

  // Empty where there is no such tag.
  std::vector<std::string_view> strings(RpmTag tag) const;
  std::vector<std::uint32_t> numbers(RpmTag tag) const;  // of 8, 16 or 32 bits
  std::string_view string(RpmTag tag) const;

 private:
  struct Value {
    std::uint32_t type = 0;
    std::uint32_t offset = 0;
    std::uint32_t count = 0;
  };
  const Value* find(RpmTag tag) const;

  std::map<std::uint32_t, Value> values_;
  std::string_view data_;
};

}  // namespace vunify
