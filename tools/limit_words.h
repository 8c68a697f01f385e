// SPDX-License-Identifier: Apache-2.0
// vdlimit --set: "space_total=20480,reserved=5", numbers as strtol(3) reads them, -1 no limit, space in KiB as ever.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "account/limit.h"

namespace vunify {

inline constexpr std::uint64_t kib = 1024;  // bytes

// In the order in which they are printed.
inline constexpr std::array limit_words = {"space_used", "space_total", "inodes_used", "inodes_total", "reserved"};

class WantedWords {
 public:
  // May be called again with other words. Throws std::invalid_argument for one that is unknown, given twice, or no
  // number that it can have.
  void take(const std::string& given);
  // All were taken: throws std::invalid_argument where more is used than there is.
  void check() const;

  bool empty() const { return values_.empty(); }
  bool has_used() const { return values_.contains("space_used") || values_.contains("inodes_used"); }
  // What is not named stays.
  Limit on(const Limit& limit) const;
  Amount used() const;  // nothing, where it is not named

 private:
  void take_word(const std::string& word);
  std::map<std::string, std::uint64_t> values_;  // bytes, inodes, percent; no_limit
};

std::string to_words(const Amount& used, const Limit& limit);  // a line each

}  // namespace vunify
