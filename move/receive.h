// SPDX-License-Identifier: Apache-2.0
// A guest received. Nothing that comes is believed but for what it is: the bytes, names and metadata of one new guest,
// which appears once all of it has come. Broken off at any point, what has come is kept beside its place, and the next
// attempt goes on from there (move/arrival.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "move/stream.h"
#include "sys/root_dir.h"

namespace vunify {

struct Received {
  std::string name{};                      // as the other host calls it
  std::optional<std::uint32_t> context{};  // that its configuration gave it there
  bool is_two_way = false;
  std::uint64_t names = 0;
  std::uint64_t files = 0, bytes = 0;            // all that have a content
  std::uint64_t here_files = 0, here_bytes = 0;  // of these: not sent
  std::vector<std::string> told{};               // "path: reason": what could not be kept of it
};

// path: of the new guest, as for Arrival. guests: whose files may be copied; they outlive the call. answers: written to
// only where the other side wants it. Runs in the caller's tbb::task_arena. Throws BadStream; std::system_error for a
// full disk and the like; PlaceInUse.
Received receive_guest(const std::string& path, const std::vector<RootDir>& guests, StreamIn& in, StreamOut& answers);

}  // namespace vunify
