// SPDX-License-Identifier: Apache-2.0
// A new guest from one that is there: built aside, in a directory of its own in staging, and moved to its place in one
// step once it is whole and on disk. Killed before, it is nowhere, and what is left in staging goes with the next run
// (change/half_clones.h). The guest it is cloned from stays as it is, but that files of its own may be shared then.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "clone/clone_tree.h"
#include "guest/guest.h"

namespace vunify {

struct CloneRequest {
  const Guest* guest = nullptr;
  std::string path{};    // of the new guest: absolute, no symlink on the way
  std::string inside{};  // its tree's name in there; empty: it is its tree
  ExcludeList exclude{};
  Conffiles conffiles{};
  std::optional<Protection> protect{};  // nothing: auto
  bool may_link = true;                 // its inodes may be shared
  bool runs = false;                    // by what its provider knows
  bool dry_run = false;
  std::string state_dir{};                       // locked, and recovered
  std::function<void(int new_guest)> furnish{};  // what else is to be in `path`, written before it is in its place
};

// The refusal is returned, and nothing has changed, where `path` will not do, or the guest does not stand still on a
// filesystem without reflinks. Throws std::system_error for what cannot be cloned, a full disk, and EINTR where stop
// says so: then, too, nothing of the clone is left. Runs in the caller's tbb::task_arena.
std::optional<Refusal> clone_guest(const CloneRequest& request, const std::function<bool()>& stop, Cloned& cloned);

}  // namespace vunify
