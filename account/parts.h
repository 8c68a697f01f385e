// SPDX-License-Identifier: Apache-2.0
// What holders are divided into while they are measured, and what each part uses so far. From any thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "account/shares.h"
#include "account/usage.h"

namespace vunify {

struct PartUsage {
  std::size_t holder = 0;
  std::string name;
  Usage usage;
};

class Parts {
 public:
  using Sums = std::map<std::uint32_t, Usage>;  // by part

  // The part that has this name of his.
  Share part_of(std::uint32_t holder, std::string name);
  void add(const Sums& sums);

  // Once nobody adds any more.
  Share share_of(std::uint32_t part) const { return {static_cast<std::uint32_t>(parts_[part].holder), part}; }
  std::vector<PartUsage>& all() { return parts_; }

 private:
  std::mutex adding_;
  std::vector<PartUsage> parts_;
  std::map<std::pair<std::uint32_t, std::string>, std::uint32_t> numbers_;
};

}  // namespace vunify
