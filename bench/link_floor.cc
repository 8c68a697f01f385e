// SPDX-License-Identifier: Apache-2.0
// The floor of linking: for each file that is equal in several of these trees, the three calls that lead its names to
// one inode and can be undone up to the last of them: linkat, renameat2 (RENAME_EXCHANGE), unlinkat. On as many threads
// as vunify has workers; nothing is leased, looked at, marked, protected or journalled meanwhile. Which files are equal
// is found out before, and not counted.
//
//   link_floor [--jobs N] STAGING DIR DIR...    links for good; prints "seconds SECONDS links N"
#include <fcntl.h>
#include <fmt/core.h>
#include <stdio.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for_each.h>
#include <unistd.h>
#include <xxhash.h>

#include <atomic>
#include <chrono>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "bench/walk_files.h"

namespace {

using namespace vunify;

using Group = std::vector<Found>;

// What vunify would ask to be equal, but for extended attributes.
auto likeness(const Found& file) {
  const auto& inode = file.inode;
  return std::tuple(inode.stamp.size, inode.mode, inode.uid, inode.gid, inode.stamp.mtime.sec);
}

std::uint64_t digest(const Found& file) {
  const Fd fd = file.root->open(file.path, O_RDONLY | O_NOATIME | O_NOFOLLOW);
  const auto bytes = read_all(fd.get(), file.path);
  return XXH3_64bits(bytes.data(), bytes.size());
}

// Equal files, one of each tree.
std::vector<Group> groups_of(const std::vector<Found>& found) {
  std::map<decltype(likeness(found[0])), Group> alike;
  for (const auto& file : found)
    if (file.inode.nlink == 1 && file.inode.stamp.size > 0) alike[likeness(file)].push_back(file);
  std::vector<Group> groups;
  for (auto& [key, files] : alike) {
    if (files.size() < 2) continue;
    std::map<std::uint64_t, Group> equal;
    for (auto& file : files) equal[digest(file)].push_back(std::move(file));
    for (auto& [content, group] : equal) {
      std::set<const RootDir*> seen;
      std::erase_if(group, [&](const Found& file) { return !seen.insert(file.root).second; });
      if (group.size() > 1) groups.push_back(std::move(group));
    }
  }
  return groups;
}

void link_group(const Group& group, int staging, const std::string& leaf) {
  const auto& keeper = group.front();
  for (std::size_t i = 1; i < group.size(); ++i) {
    const auto& victim = group[i];
    const auto* path = victim.path.c_str();
    check(::linkat(keeper.root->fd(), keeper.path.c_str(), staging, leaf.c_str(), 0), "linkat", keeper.path);
    check(::renameat2(staging, leaf.c_str(), victim.root->fd(), path, RENAME_EXCHANGE), "renameat2", victim.path);
    check(::unlinkat(staging, leaf.c_str(), 0), "unlinkat", leaf);
  }
}

int measure(int argc, char** argv) {
  int first = 1;
  const tbb::global_control threads(tbb::global_control::max_allowed_parallelism, take_jobs(argc, argv, first));
  const RootDir staging(argv[first]);
  const std::vector<RootDir> roots(argv + first + 1, argv + argc);
  const auto groups = groups_of(walk_files(roots));
  std::atomic<std::uint64_t> links{0};
  const auto start = std::chrono::steady_clock::now();
  tbb::parallel_for_each(groups, [&](const Group& group) {
    link_group(group, staging.fd(), std::to_string(links.fetch_add(group.size() - 1)));
  });
  const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  fmt::print("seconds {:.3f} links {}\n", seconds, links.load());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return measure(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "link_floor: {}\n", error.what());
    return 2;
  }
}
