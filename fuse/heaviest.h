// SPDX-License-Identifier: Apache-2.0
// The heaviest of however many names, in bounded memory: a guest chooses the names. While there is room each has a
// counter; after that a new one takes the lightest's, with its weight (Metwally, Agrawal, El Abbadi: space-saving,
// 2005). So a name with more than 1/room of all weight always has one. What is told of it was counted since it has: it
// is never too much.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace vunify {

// What one name has come to.
struct Heavy {
  std::string name;
  std::uint64_t count = 0, bytes = 0;
};

// Not for several threads at once.
class Heaviest {
 public:
  explicit Heaviest(std::size_t room) : room_(room) {}

  void add(const std::string& name, std::uint64_t bytes);
  // By bytes, the heaviest first.
  std::vector<Heavy> first(std::size_t most) const;

 private:
  struct Counter {
    std::uint64_t weight = 0;  // with that of those who had it before
    std::uint64_t count = 0, bytes = 0;
  };
  std::uint64_t take_lightest();

  std::size_t room_;
  std::unordered_map<std::string, Counter> counters_;
};

}  // namespace vunify
