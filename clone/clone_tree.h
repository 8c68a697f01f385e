// SPDX-License-Identifier: Apache-2.0
// A guest's tree, built once more where nobody sees it: one parallel walk, in which each directory is made, and what it
// holds is copied; names of shared inodes are linked there and then where no flag keeps them, else after it.
// Directories get their times last.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "change/add_names.h"
#include "clone/clone_plan.h"

namespace vunify {

// One name, as it is told: from the guest's root, without a leading slash.
struct ClonedName {
  std::string path;
  std::string_view verb;  // linked, copied, reset, removed, reported, left
  std::string note{};
};

struct Cloned {
  std::uint64_t linked_files = 0, linked_bytes = 0;
  std::uint64_t copied_files = 0, copied_bytes = 0;  // files alone; bytes, whether the copies share them or not
  std::vector<ClonedName> told{};                    // in the order of their paths; all names only in a dry run
};

// Where it is built. Absent in a dry run.
struct CloneGround {
  const RootDir* tree = nullptr;  // an empty directory
  NameAdder* adder = nullptr;
  bool is_source_running = false;
};

// Runs in the caller's tbb::task_arena. Throws std::system_error for the first name that could not be cloned, or EINTR
// where stop says so: the tree is half built then. Names that a running guest removes meanwhile are passed over, mounts
// in it are empty directories.
Cloned clone_tree(const ClonePlan& plan, const CloneGround* ground, const std::function<bool()>& stop);

}  // namespace vunify
