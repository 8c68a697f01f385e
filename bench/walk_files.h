// SPDX-License-Identifier: Apache-2.0
// What the floors have in common: all regular files of some trees, found as vunify finds them, in parallel, getdents
// and one statx a name; and by how many threads.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "sys/walk.h"

namespace vunify {

// "--jobs N" at argv[first], which then is behind it; else one a processor.
inline unsigned take_jobs(int argc, char** argv, int& first) {
  if (argc <= first + 1 || std::string_view(argv[first]) != "--jobs") return std::thread::hardware_concurrency();
  first += 2;
  return static_cast<unsigned>(std::stoul(argv[first - 1]));
}

struct Found {
  const RootDir* root;
  std::string path;
  Inode inode;
};

inline std::vector<Found> walk_files(const std::vector<RootDir>& roots) {
  std::vector<Found> found;
  std::mutex adding;
  std::vector<RootVisit> visits;
  for (const auto& root : roots) {
    Visitor visitor;
    visitor.stop = [] { return false; };
    visitor.failed = [](const std::string&, const std::system_error&) {};
    visitor.visit = [&adding, &found, &root](const Listing& listing) {
      std::vector<Found> here;
      for (auto& entry : listing.entries) {
        entry.enter = entry.inode.is_directory();
        if (entry.inode.is_regular()) here.push_back({&root, join_path(listing.path, entry.leaf), entry.inode});
      }
      const std::lock_guard lock(adding);
      std::ranges::move(here, std::back_inserter(found));
    };
    visits.push_back({&root, std::move(visitor)});
  }
  walk(visits);
  return found;
}

}  // namespace vunify
