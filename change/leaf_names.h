// SPDX-License-Identifier: Apache-2.0
// Names for staging that no run had before: what an earlier one had to keep there is never taken for ours.
#pragma once

#include <cstdint>
#include <string>

#include "sys/inode.h"

namespace vunify {

class LeafNames {
 public:
  // who keeps the workers of one run apart.
  explicit LeafNames(const std::string& who) {
    const auto now = clock_now();
    prefix_ = who + "-" + std::to_string(now.sec) + "." + std::to_string(now.nsec) + "-";
  }
  std::string next() { return prefix_ + std::to_string(next_++); }

 private:
  std::string prefix_;
  std::uint64_t next_ = 0;
};

}  // namespace vunify
