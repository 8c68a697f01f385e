// SPDX-License-Identifier: Apache-2.0
#include "guest/protection.h"

#include <stdexcept>

namespace vunify {

std::optional<Protection> parse_protection(const std::string& word) {
  if (word == "auto") return std::nullopt;
  for (const auto protection :
       {Protection::cow, Protection::iunlink, Protection::guard, Protection::reflink, Protection::immutable})
    if (word == name_of(protection)) return protection;
  throw std::invalid_argument("not one of auto, cow, iunlink, guard, reflink, immutable");
}

}  // namespace vunify
