// SPDX-License-Identifier: Apache-2.0
#include "account/tagged.h"

#include <array>
#include <mutex>
#include <set>
#include <string>

#include "account/carried_tag.h"
#include "sys/inode_attr.h"
#include "sys/walk.h"

namespace vunify {
namespace {

class TagCount {
 public:
  TagCount(const RootDir& tree, std::uint32_t xid, const NumberOfPlace& place)
      : tree_(tree), xid_(xid), place_(place), fs_(fs_id(tree.open_directory("").get())) {}

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
    const auto place = place_(std::string(listing.path));
    if (number_of(project_id(listing.fd), place) == xid_) add(stat_fd(listing.fd));
    for (auto& entry : listing.entries) {
      entry.enter = entry.inode.is_directory();
      if (entry.enter) continue;
      const std::string leaf(entry.leaf);
      const auto inode = stat_name(listing.fd, leaf.c_str());
      if (inode && number_of(listing, leaf, *inode, place) == xid_) add(*inode);
    }
  }

  std::uint32_t number_of(const Listing& listing, const std::string& leaf, const Inode& inode, std::uint32_t place) {
    const auto tag = carried_tag(tree_, fs_, listing, leaf, inode);
    return tag.is_shared ? 0 : number_of(tag.project, place);
  }

  // By what it carries, and else by the place.
  std::uint32_t number_of(std::uint32_t project, std::uint32_t place) {
    if (project == 0) return place;
    const std::lock_guard lock(adding_);
    sum_.others += place != 0 && project != place;
    return project;
  }

  void add(const Inode& inode) {
    const std::lock_guard lock(adding_);
    if (inode.nlink > 1 && !inode.is_directory() && !seen_.insert(inode.ino).second) return;
    sum_.blocks += inode.blocks;
    ++sum_.inodes;
  }

  const RootDir& tree_;
  std::uint32_t xid_;
  const NumberOfPlace& place_;
  FsId fs_;
  std::mutex adding_;  // guards all below
  std::set<std::uint64_t> seen_;
  Tagged sum_;
};

}  // namespace

Tagged count_tagged(const RootDir& tree, std::uint32_t xid, const NumberOfPlace& place,
                    const std::function<bool()>& stop) {
  return TagCount(tree, xid, place).run(stop);
}

}  // namespace vunify
