// SPDX-License-Identifier: Apache-2.0
#include "fuse/held_names.h"

#include "fuse/workers.h"

namespace vunify {

std::shared_lock<std::shared_mutex> HeldNames::look(NodeId directory, std::string_view name) const {
  std::shared_lock no_break(nodes_.breaking());
  if (held_.empty()) return no_break;
  const std::pair key(nodes_.at(directory).ino, std::string(name));
  if (!held_.contains(key)) return no_break;
  const Workers::Away away;
  let_go_.wait(no_break, [&] { return !held_.contains(key); });
  return no_break;
}

bool HeldNames::hold(std::uint64_t directory, const std::string& name) {
  const std::lock_guard nobody_looks(nodes_.breaking());
  return held_.emplace(directory, name).second;
}

void HeldNames::let_go(std::uint64_t directory, const std::string& name) {
  {
    const std::lock_guard nobody_looks(nodes_.breaking());
    held_.erase({directory, name});
  }
  let_go_.notify_all();
}

}  // namespace vunify
