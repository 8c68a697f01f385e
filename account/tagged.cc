// SPDX-License-Identifier: Apache-2.0
#include "account/tagged.h"

#include <fcntl.h>

#include <array>
#include <mutex>
#include <set>
#include <string>

#include "sys/held_attr.h"
#include "sys/inode_attr.h"
#include "sys/mark.h"
#include "sys/walk.h"

namespace vunify {
namespace {

class TagCount {
 public:
  TagCount(const RootDir& tree, std::uint32_t xid, std::uint32_t place)
      : tree_(tree), xid_(xid), place_(place), fs_(fs_id(tree.fd())) {}

  Tagged run(const std::function<bool()>& stop) {
    Visitor visitor;
    visitor.visit = [this](const Listing& listing) { visit(listing); };
    visitor.failed = [this](const std::string&, const std::system_error& error) {
      const std::lock_guard lock(adding_);
      if (!is_error(error, EXDEV)) sum_.is_whole = false;
    };
    visitor.stop = stop;
    const std::array visits = {RootVisit{&tree_, std::move(visitor)}};
    walk(visits);
    return sum_;
  }

 private:
  void visit(const Listing& listing) {
    if (or_place(project_id(listing.fd)) == xid_) add(stat_fd(listing.fd));
    for (auto& entry : listing.entries) {
      entry.enter = entry.inode.is_directory();
      if (entry.enter) continue;
      const std::string leaf(entry.leaf);
      const auto inode = stat_name(listing.fd, leaf.c_str());
      if (inode && tag_of(listing, leaf, *inode) == xid_) add(*inode);
    }
  }

  std::uint32_t tag_of(const Listing& listing, const std::string& leaf, const Inode& inode) const {
    if (inode.is_regular() && mark_at(listing.fd, leaf, {fs_, inode.ino}) == Mark::valid) return 0;
    return or_place(project_of(join_path(listing.path, leaf), inode));
  }

  // Before Linux 6.17 only what is opened tells its project.
  std::uint32_t project_of(const std::string& path, const Inode& inode) const {
    try {
      const Fd held = tree_.open(path, O_PATH | O_NOFOLLOW);
      if (const auto attr = held_attr(held.get())) return attr->project;
      return inode.is_regular() ? project_id(reopen_regular(held.get(), path).get()) : 0;
    } catch (const std::system_error&) {
      return 0;  // gone, or leased
    }
  }

  std::uint32_t or_place(std::uint32_t project) const { return project != 0 ? project : place_; }

  void add(const Inode& inode) {
    const std::lock_guard lock(adding_);
    if (inode.nlink > 1 && !inode.is_directory() && !seen_.insert(inode.ino).second) return;
    sum_.blocks += inode.blocks;
    ++sum_.inodes;
  }

  const RootDir& tree_;
  std::uint32_t xid_;
  std::uint32_t place_;
  FsId fs_;
  std::mutex adding_;  // guards all below
  std::set<std::uint64_t> seen_;
  Tagged sum_;
};

}  // namespace

Tagged count_tagged(const RootDir& tree, std::uint32_t xid, std::uint32_t place, const std::function<bool()>& stop) {
  return TagCount(tree, xid, place).run(stop);
}

}  // namespace vunify
