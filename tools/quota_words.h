// SPDX-License-Identifier: Apache-2.0
// vquota --set: "space=200M,inodes=10k". Space in K, M, G, T of 1024, inodes in k and M of 1000; -1: no limit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "account/limit.h"

namespace vunify {

class QuotaWords {
 public:
  // May be called again with another word. Throws std::invalid_argument for one that is unknown, given twice, or no
  // number that it can have.
  void take(const std::string& given);
  bool empty() const { return !space_ && !inodes_; }
  // What is not named stays.
  Amount on(const Amount& limit) const { return {space_.value_or(limit.space), inodes_.value_or(limit.inodes)}; }

 private:
  void take_word(const std::string& word);
  std::optional<std::uint64_t> space_, inodes_;
};

}  // namespace vunify
