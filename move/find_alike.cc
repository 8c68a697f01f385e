// SPDX-License-Identifier: Apache-2.0
#include "move/find_alike.h"

#include <mutex>
#include <set>

#include "move/pieces.h"
#include "sys/walk.h"

namespace vunify {
namespace {

class Search {
 public:
  explicit Search(const Likes* wanted) : wanted_(wanted) {}

  std::vector<AlikeFile> run(const std::vector<RootDir>& roots) {
    std::vector<RootVisit> visits;
    for (const auto& root : roots) {
      Visitor visitor;
      visitor.visit = [this, &root](const Listing& listing) { visit(root, listing); };
      visitor.failed = [](const std::string&, const std::system_error&) {};
      visitor.stop = [] { return false; };
      visits.push_back({&root, std::move(visitor)});
    }
    walk(visits);
    return std::move(found_);
  }

 private:
  void visit(const RootDir& root, const Listing& listing) {
    for (auto& entry : listing.entries) {
      entry.enter = entry.inode.is_directory();
      if (!entry.inode.is_regular() || entry.inode.stamp.size == 0) continue;
      const auto size = entry.inode.stamp.size;
      const FileLook look{size, has_holes(size, entry.inode.bytes_on_disk()), entry.inode.stamp.mtime.sec, entry.leaf};
      if (wanted_ == nullptr || wanted_->has_like(look))
        add(root, join_path(listing.path, entry.leaf), entry.inode, look);
    }
  }

  void add(const RootDir& root, std::string path, const Inode& inode, const FileLook& look) {
    const std::lock_guard lock(adding_);
    if (inode.nlink > 1 && !seen_.emplace(inode.dev, inode.ino).second) return;
    found_.push_back({&root, std::move(path), look.size, look.is_sparse, look.mtime});
  }

  const Likes* wanted_;
  std::mutex adding_;  // guards those below
  std::vector<AlikeFile> found_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> seen_;  // dev and ino of those with several names
};

}  // namespace

std::vector<AlikeFile> find_alike(const std::vector<RootDir>& roots, const Likes* wanted) {
  return Search(wanted).run(roots);
}

}  // namespace vunify
