// SPDX-License-Identifier: Apache-2.0
#include "account/parts.h"

namespace vunify {

Share Parts::part_of(std::uint32_t holder, std::string name) {
  const std::lock_guard lock(adding_);
  const auto next = static_cast<std::uint32_t>(parts_.size());
  const auto [found, is_new] = numbers_.try_emplace({holder, name}, next);
  if (is_new) parts_.push_back({holder, std::move(name), {}});
  return {holder, found->second};
}

void Parts::add(const Sums& sums) {
  const std::lock_guard lock(adding_);
  for (const auto& [part, usage] : sums) parts_[part].usage += usage;
}

}  // namespace vunify
