// SPDX-License-Identifier: Apache-2.0
#include "fuse/breaks.h"

#include <exception>

namespace vunify {

std::string path_of(const Nodes& nodes, NodeId id) {
  std::string path;
  while (id != root_node && path.size() <= most_path_bytes) {
    const auto place = nodes.place_of(id);
    path.insert(0, "/" + (place.name.empty() ? "?" : place.name));
    if (place.name.empty()) break;
    id = place.node.parent;
  }
  return path.size() <= most_path_bytes ? path : "..." + path.substr(path.size() - most_path_bytes);
}

void Breaks::count(int process, NodeId node, std::uint64_t copied_bytes) noexcept {
  record_.count_break(copied_bytes);
  try {
    auto program = names_.of(process);
    auto path = path_of(nodes_, node);
    const std::lock_guard lock(mutex_);
    programs_.add(program, copied_bytes);
    paths_.add(path, copied_bytes);
    last_program_ = std::move(program);
    last_path_ = std::move(path);
  } catch (const std::exception&) {  // it is among the others
  }
}

BreaksTold Breaks::told() const {
  const std::lock_guard lock(mutex_);
  return {programs_.first(most_breakers), paths_.first(most_breakers), last_program_, last_path_};
}

}  // namespace vunify
