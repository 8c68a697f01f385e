// SPDX-License-Identifier: Apache-2.0
// A table of nodes without a mount: the memory that it lies in, and whoever works on it, one process after the other.
#pragma once

#include <sys/stat.h>

#include <optional>

#include "fuse/kept_at.h"
#include "fuse/nodes.h"

namespace vunify::test {

inline struct stat file_of(std::uint64_t ino, mode_t type = S_IFREG) {
  struct stat seen {};
  seen.st_ino = ino;
  seen.st_mode = type | 0600;
  return seen;
}

struct NodeTable {
  // As the first process opens it, or the next one.
  Nodes& open() {
    undo.roll_back();
    nodes.emplace(memory, undo, file_of(2, S_IFDIR), [](const Gone&) {});
    return *nodes;
  }

  SharedMemory memory{kept_at::bytes};
  Undo undo{memory, kept_at::undo};
  std::optional<Nodes> nodes;
};

}  // namespace vunify::test
