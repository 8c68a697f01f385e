// SPDX-License-Identifier: Apache-2.0
#include "account/find_names.h"

#include <algorithm>
#include <mutex>
#include <set>

#include "sys/walk.h"

namespace vunify {

std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<HeldName>> find_names(
    const HeldFilesystem& held, const std::vector<HeldInode>& inodes, const Stop& stop) {
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<HeldName>> names;
  std::set<std::uint64_t> roots;
  for (const auto& inode : inodes) names[{inode.dev, inode.ino}];
  for (const auto& holder : held.holders) roots.insert(holder.root.ino);
  std::mutex adding;  // guards names
  std::vector<RootVisit> visits;
  for (std::size_t i = 0; i < held.holders.size(); ++i) {
    Visitor visitor;
    visitor.failed = [](const std::string&, const std::system_error&) {};  // it was told of when it was measured
    visitor.stop = [&] { return stop.requested(); };
    visitor.visit = [&, i, dev = held.holders[i].root.dev](const Listing& listing) {
      for (auto& entry : listing.entries) {
        entry.enter = entry.inode.is_directory() && !roots.contains(entry.inode.ino);
        entry.unseen = true;
        const auto found = names.find({dev, entry.inode.ino});
        if (found == names.end()) continue;
        const std::lock_guard lock(adding);
        found->second.push_back({i, join_path(listing.path, entry.leaf)});
      }
    };
    visits.push_back({&held.holders[i].tree, std::move(visitor)});
  }
  walk(visits);
  for (auto& [inode, found] : names) std::ranges::sort(found);
  return names;
}

}  // namespace vunify
