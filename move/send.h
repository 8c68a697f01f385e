// SPDX-License-Identifier: Apache-2.0
// A guest sent, all of it or of its contents what the other host does not have. Nothing is changed.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "guest/guest.h"
#include "move/have_list.h"
#include "move/stream.h"

namespace vunify {

struct Sent {
  std::uint64_t names = 0;
  std::uint64_t files = 0, bytes = 0;            // all that have a content
  std::uint64_t sent_files = 0, sent_bytes = 0;  // of these
  std::uint64_t through_the_pipe = 0;            // bytes, both ways
  std::vector<std::string> left{};               // "path: reason", what is not taken along
};

// What was sent is not what is there now: the other host has nothing of it to show.
struct Changed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct SendRequest {
  const Guest* guest = nullptr;
  std::optional<std::uint32_t> context{};  // that its configuration gives it
  const HaveList* have = nullptr;          // what the other host has, where that is known beforehand
  std::function<std::string()> why_not{};  // why it does not stand still, asked before the end; empty: it does
};

// answers: where the other side answers; nullptr: nowhere. Runs in the caller's tbb::task_arena. Throws Changed;
// BadStream for what is no answer; std::system_error for what cannot be read, and EPIPE where nobody reads.
Sent send_guest(const SendRequest& request, StreamOut& out, StreamIn* answers);

}  // namespace vunify
