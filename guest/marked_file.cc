// SPDX-License-Identifier: Apache-2.0
#include "guest/marked_file.h"

#include <atomic>
#include <map>
#include <mutex>
#include <system_error>

#include "sys/inode.h"
#include "sys/mark.h"
#include "sys/walk.h"

namespace vunify {
namespace {

// Of which files the names are counted.
enum class Counted { stale, all };

// Walks with many threads.
class Search {
 public:
  Search(const RootDir& root, Counted counted) : root_(root), fs_(fs_id(root.fd())), counted_(counted) {}

  std::optional<std::string> run() {
    Visitor visitor;
    visitor.visit = [this](const Listing& listing) { look(listing); };
    visitor.failed = [this](const std::string&, const std::system_error& error) {
      if (counted_ == Counted::stale && is_error(error, EXDEV)) return;  // a mount, or a subvolume: not of this guest
      const std::lock_guard lock(noting_);
      failed_ = error;
    };
    visitor.stop = [this] { return is_found_.load(); };
    const RootVisit visit{&root_, std::move(visitor)};
    walk({&visit, 1});
    if (failed_ && !is_found_) throw std::system_error(*failed_);
    return is_found_ ? found_ : with_names_elsewhere();
  }

 private:
  struct Linked {
    std::string path{};
    std::uint32_t links = 0, found = 0;
  };

  void look(const Listing& listing) {
    for (auto& entry : listing.entries) {
      entry.enter = entry.inode.is_directory();
      if (!entry.inode.is_regular()) continue;
      const std::string leaf(entry.leaf);
      const auto mark = mark_at(listing.fd, leaf, {fs_, entry.inode.ino});
      if (mark != Mark::none || (counted_ == Counted::all && entry.inode.nlink > 1))
        note(mark, join_path(listing.path, leaf), entry.inode);
    }
  }

  void note(Mark mark, const std::string& path, const Inode& inode) {
    const std::lock_guard lock(noting_);
    if (mark == Mark::valid) {
      found_ = path;
      is_found_ = true;
      return;
    }
    ++linked_.try_emplace(inode.ino, Linked{path, inode.nlink}).first->second.found;
  }

  std::optional<std::string> with_names_elsewhere() const {
    for (const auto& [ino, linked] : linked_)
      if (linked.found < linked.links) return linked.path;
    return std::nullopt;
  }

  const RootDir& root_;
  const FsId fs_;
  const Counted counted_;
  std::mutex noting_;  // guards all below
  std::optional<std::string> found_;
  std::map<std::uint64_t, Linked> linked_;
  std::optional<std::system_error> failed_;
  std::atomic<bool> is_found_ = false;
};

}  // namespace

std::optional<std::string> find_marked_file(const RootDir& root) { return Search(root, Counted::stale).run(); }

std::optional<std::string> find_file_known_elsewhere(const RootDir& root) { return Search(root, Counted::all).run(); }

}  // namespace vunify
