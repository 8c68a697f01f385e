// SPDX-License-Identifier: Apache-2.0
#include "account/count_tree.h"

#include <oneapi/tbb/task_arena.h>

#include <optional>
#include <unordered_set>

#include "sys/mark.h"
#include "sys/walk.h"

namespace vunify {
namespace {

class Counting {
 public:
  Counting(Count count, const std::string& hidden) : count_(count), hidden_(hidden) {}

  void visit(const Listing& listing) {
    for (auto& entry : listing.entries) {
      if (listing.path.empty() && entry.leaf == hidden_) continue;
      entry.enter = entry.inode.is_directory();
      const auto inode = entry.inode.is_regular() ? entry.inode : stat_name(listing.fd, entry.leaf.data());
      if (inode) add(listing.fd, std::string(entry.leaf), *inode);
    }
  }

  void add(const Inode& inode) { used_.add({inode.uid, inode.gid}, {inode.bytes_on_disk(), 1}); }

  const Uses& used() const { return used_; }

 private:
  void add(int dir, const std::string& leaf, const Inode& inode) {
    const bool has_names = !inode.is_directory() && inode.nlink > 1;
    if (has_names && !seen_.insert(inode.ino).second) return;
    const bool may_be_shared = count_ == Count::exclusive && inode.is_regular();
    if (!may_be_shared || mark_at(dir, leaf, {}) == Mark::none) add(inode);
  }

  Count count_;
  std::string hidden_;
  std::unordered_set<std::uint64_t> seen_;  // of inodes with several names
  Uses used_;
};

}  // namespace

Uses count_tree(const RootDir& root, Count count, const std::string& hidden) {
  Counting counting(count, hidden);
  counting.add(stat_fd(root.fd()));
  std::optional<std::system_error> failed;
  Visitor visitor;
  visitor.visit = [&](const Listing& listing) { counting.visit(listing); };
  visitor.failed = [&](const std::string&, const std::system_error& error) {
    if (!is_error(error, EXDEV)) failed = error;
  };
  visitor.stop = [] { return false; };
  const RootVisit whole{&root, visitor};
  tbb::task_arena(1).execute([&] { walk(std::span(&whole, 1)); });
  if (failed) throw *failed;
  return counting.used();
}

}  // namespace vunify
