// SPDX-License-Identifier: Apache-2.0
#include "tools/linked_inodes.h"

#include <algorithm>
#include <deque>
#include <vector>

#include "guest/adopted.h"
#include "sys/mount.h"

namespace vunify {

void LinkedInodes::add(const Inode& inode, const std::string& path, const HostGuest* guest) {
  auto& names = inodes_[key_of(inode)];
  names.links = inode.nlink;
  ++names.added;
  if (guest != nullptr) names.by_guest.emplace(guest->root, path);
}

// Of one guest; finding: guards inodes_.
Visitor LinkedInodes::seeker(const HostGuest& guest, std::mutex& finding) {
  Visitor visitor;
  visitor.visit = [this, &finding, &guest](const Listing& listing) {
    const auto device = stat_fd(listing.fd).dev;
    for (auto& entry : listing.entries) {
      entry.enter = entry.inode.is_directory();
      const std::lock_guard lock(finding);
      const auto found = inodes_.find({device, entry.inode.ino});
      if (found != inodes_.end())
        found->second.by_guest.emplace(guest.root, join_path(guest.root, join_path(listing.path, entry.leaf)));
    }
  };
  visitor.failed = [](const std::string&, const std::system_error&) {};  // what is not found is no other's
  visitor.stop = [] { return false; };
  return visitor;
}

void LinkedInodes::find_others(const HostGuests& host) {
  const auto is_whole = [](const auto& inode) { return inode.second.added >= inode.second.links; };
  if (std::ranges::all_of(inodes_, is_whole)) return;
  const auto mounts = read_mounts();
  std::mutex finding;
  std::deque<RootDir> roots;
  std::vector<RootVisit> visits;
  for (const auto& guest : host.guests) {
    try {
      if (!guest.root.empty())
        visits.push_back({&roots.emplace_back(find_guest(guest.root, mounts).root), seeker(guest, finding)});
    } catch (const std::system_error&) {
      continue;  // it has no tree now
    }
  }
  walk(visits);
}

std::optional<std::pair<std::string, std::string>> LinkedInodes::names_of_two(const Inode& inode) const {
  const auto found = inodes_.find(key_of(inode));
  if (found == inodes_.end() || found->second.by_guest.size() < 2) return std::nullopt;
  const auto& names = found->second.by_guest;
  return std::pair(names.begin()->second, std::next(names.begin())->second);
}

}  // namespace vunify
