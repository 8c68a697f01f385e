// SPDX-License-Identifier: Apache-2.0
// The trees that `vhashify --manually` was given with one hash directory, and their exclude lists: a later call walks
// them beside its own, as an earlier vhashify found in its store what the others had put there.
#pragma once

#include <string>
#include <vector>

#include "guest/state_dir.h"

namespace vunify {

struct HashedPath {
  std::string path;  // both absolute, as they are resolved on the host
  std::string list;  // empty: none
  bool operator==(const HashedPath&) const = default;
};

// Throws std::system_error where either is not there.
HashedPath hashed_path(const std::string& path, const std::string& list);

// Of a hash directory, those whose tree and list are still there, but for the one at path. None where it is none yet.
// Throws Failed{fatal} where the list of them is damaged.
std::vector<HashedPath> other_hashed_paths(const std::string& directory, const std::string& path);

// Adds one, or replaces the one of its path; those that are gone are forgotten. state: the hash directory, locked.
void keep_hashed_path(const StateDir& state, const HashedPath& hashed);

}  // namespace vunify
