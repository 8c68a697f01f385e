// SPDX-License-Identifier: Apache-2.0
// Names that vunify leads elsewhere just now (fuse/name_hold): who wants to look at one waits until it is let go. All
// others are looked at as ever.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>

#include "fuse/nodes.h"

namespace vunify {

class HeldNames {
 public:
  explicit HeldNames(const Nodes& nodes) : nodes_(nodes) {}
  HeldNames(const HeldNames&) = delete;

  // Before a name is looked at, and until there is a node for what it leads to: shares Nodes::breaking(). Throws
  // std::system_error, ESTALE, where the kernel does not know the directory any more.
  std::shared_lock<std::shared_mutex> look(NodeId directory, std::string_view name) const;

  // directory: the inode's number. Whoever looked at it has his node. False where it is held already.
  bool hold(std::uint64_t directory, const std::string& name);
  void let_go(std::uint64_t directory, const std::string& name);

 private:
  const Nodes& nodes_;
  std::set<std::pair<std::uint64_t, std::string>> held_;  // changed by who has breaking() alone
  mutable std::condition_variable_any let_go_;
};

}  // namespace vunify
