// SPDX-License-Identifier: Apache-2.0
#include "account/walk_holders.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

namespace vunify {

void HolderWalk::run(const Visit& visit, const Failed& failed) {
  for (std::uint32_t i = 0; i < held_.holders.size(); ++i)
    tops_.push_back({i, volume_of(held_.holders[i].root.dev), {}, &held_.holders[i].tree});
  for (std::size_t begin = 0; begin < tops_.size() && !stop_.requested();) {
    const auto end = tops_.size();
    walk_tops(begin, end, visit, failed);
    for (const auto& found : std::exchange(found_, {})) add_subvolume(found, failed);
    begin = end;
  }
}

std::uint32_t HolderWalk::volume_of(std::uint64_t dev) {
  const auto found = std::ranges::find(devs_, dev);
  const auto number = static_cast<std::uint32_t>(found - devs_.begin());
  if (found == devs_.end()) devs_.push_back(dev);
  return number;
}

// Nothing is mounted on what we look at: another device is a subvolume.
void HolderWalk::walk_tops(std::size_t begin, std::size_t end, const Visit& visit, const Failed& failed) {
  std::vector<RootVisit> visits;
  for (auto i = begin; i < end; ++i) {
    const auto& top = tops_[i];
    Visitor visitor;
    visitor.visit = [this, &top, &visit](const Listing& listing) {
      for (auto& entry : listing.entries)
        entry.enter = entry.inode.is_directory() && !is_others_root(listing.fd, entry);
      visit(top, listing);
    };
    visitor.failed = [this, &top, &failed](const std::string& path, const std::system_error& error) {
      if (!is_error(error, EXDEV)) return failed(top.holder, top.prefix + path, error);
      const std::lock_guard lock(finding_);
      found_.push_back({&top, path});
    };
    visitor.stop = [this] { return stop_.requested(); };
    visits.push_back({top.tree, std::move(visitor)});
  }
  walk(visits);
}

void HolderWalk::add_subvolume(const Subvolume& found, const Failed& failed) {
  const auto& [top, path] = found;
  try {
    Fd dir = top->tree->open(path, O_RDONLY | O_DIRECTORY | O_NOATIME);
    const auto inode = stat_fd(dir.get());
    if (is_root(inode)) return;
    const auto& tree = subtrees_.emplace_back(top->tree->host_path() + "/" + path, std::move(dir));
    tops_.push_back({top->holder, volume_of(inode.dev), join_path(top->prefix + path, ""), &tree});
  } catch (const std::system_error& error) {
    failed(top->holder, top->prefix + path, error);
  }
}

bool HolderWalk::is_root(const Inode& inode) const {
  return std::ranges::any_of(held_.holders,
                             [&](const Holder& one) { return one.root.dev == inode.dev && one.root.ino == inode.ino; });
}

// A number alone may be a subvolume's.
bool HolderWalk::is_others_root(int dir, const Entry& entry) const {
  const auto has_number = [&](const Holder& one) { return one.root.ino == entry.inode.ino; };
  if (std::ranges::none_of(held_.holders, has_number)) return false;
  const auto inode = stat_name(dir, entry.leaf.data());
  return inode && is_root(*inode);
}

}  // namespace vunify
