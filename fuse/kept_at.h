// SPDX-License-Identifier: Apache-2.0
// Where in the memory that outlives a worker (sys/shared_memory) what lies. Most of it is never used: it is addresses.
#pragma once

#include <cstddef>

#include "fuse/undo.h"

namespace vunify::kept_at {

inline constexpr std::size_t mebibyte = 1 << 20, gibibyte = 1 << 30;

inline constexpr std::size_t handover = 0;
inline constexpr std::size_t undo = 1 * mebibyte;
inline constexpr std::size_t requests = 2 * mebibyte;
inline constexpr std::size_t handles = 64 * mebibyte;      // of open files, by their descriptors (fuse/nodes)
inline constexpr std::size_t node_table = 128 * mebibyte;  // what is said of all nodes
inline constexpr std::size_t nodes = 64 * gibibyte;
inline constexpr std::size_t names = 128 * gibibyte;  // five times as much as a slab has: by their lengths
inline constexpr std::size_t slab_bytes = 64 * gibibyte;
inline constexpr std::size_t bytes = names + 5 * slab_bytes;

static_assert(undo + Undo::bytes <= requests);

}  // namespace vunify::kept_at
