// SPDX-License-Identifier: Apache-2.0
#include "account/wrong_tags.h"

#include <algorithm>
#include <array>
#include <mutex>

#include "account/carried_tag.h"
#include "guest/tag.h"
#include "sys/inode_attr.h"

namespace vunify {
namespace {

class TagCheck {
 public:
  TagCheck(const RootDir& tree, std::uint32_t xid)
      : tree_(tree), fs_(fs_id(tree.fd())), expected_(tag_of(tree.fd()) != 0 ? xid : 0) {}

  WrongTags run(const std::function<bool()>& stop) {
    Visitor visitor;
    visitor.visit = [this](const Listing& listing) { visit(listing); };
    visitor.failed = [this](const std::string&, const std::system_error& error) {
      const std::lock_guard lock(finding_);
      if (!is_error(error, EXDEV)) found_.is_whole = false;
    };
    visitor.stop = stop;
    const std::array visits = {RootVisit{&tree_, std::move(visitor)}};
    walk(visits);
    std::ranges::sort(found_.wrong, {}, &WrongTag::path);
    return std::move(found_);
  }

 private:
  void visit(const Listing& listing) {
    check_directory(listing);
    for (auto& entry : listing.entries) {
      entry.enter = entry.inode.is_directory();
      if (entry.enter) continue;
      const std::string leaf(entry.leaf);
      const auto [project, is_shared] = carried_tag(tree_, fs_, listing, leaf, entry.inode);
      if (project != (is_shared ? 0 : expected_))
        add({.path = join_path(listing.path, leaf), .project = project, .is_shared = is_shared});
    }
  }

  void check_directory(const Listing& listing) {
    const auto project = project_id(listing.fd);
    const bool is_passed_on = inherited_project(listing.fd).value_or(0) != 0;
    if (project != expected_ || is_passed_on)
      add({.path = std::string(listing.path), .project = project, .is_passed_on = is_passed_on});
  }

  void add(WrongTag wrong) {
    const std::lock_guard lock(finding_);
    found_.wrong.push_back(std::move(wrong));
  }

  const RootDir& tree_;
  FsId fs_;
  std::uint32_t expected_;
  std::mutex finding_;  // guards found_
  WrongTags found_;
};

}  // namespace

WrongTags find_wrong_tags(const RootDir& tree, std::uint32_t xid, const std::function<bool()>& stop) {
  return TagCheck(tree, xid).run(stop);
}

}  // namespace vunify
