// SPDX-License-Identifier: Apache-2.0
// What the guest may still use of the disk: asked before anything is taken, told what came of it, and what df(1) in the
// guest shows. A guest without a limit has all that the filesystem has, and costs one load a request.
//
// Of a guest with a limit the kernel reads and writes by itself (passthrough) shared files only, which nobody writes
// to: whatever grows comes through here, and not a byte goes beyond the limit but what the filesystem needs for itself,
// a directory's next block or an extent tree's.
//
// What a file that is open for writing takes is followed: blocks come and go by themselves (allocated late, trimmed at
// close). A file whose name is gone takes its place until nobody has it any more.
#pragma once

#include <sys/statvfs.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <thread>
#include <unordered_map>

#include "account/holding.h"
#include "fuse/nodes.h"

namespace vunify {

inline constexpr std::uint64_t block_bytes = 4096;  // a directory's next, a symlink's own

class Allowance {
 public:
  Allowance() = default;
  ~Allowance();
  Allowance(const Allowance&) = delete;

  // Before the first request, from the only thread. count: all that the guest uses, while it changes nothing. Counts
  // where the ledger does not know. Throws std::system_error, Damaged.
  void begin(const std::string& state_dir, const AccountKey& key, std::function<Amount(Count)> count);
  // Looks each second whether the limit is another, or a count is wanted; inside the sandbox.
  void keep_up();

  bool is_limited() const { return holding_ && holding_->is_limited(); }
  bool counts_shared() const { return is_limited() && holding_->count() == Count::logical; }
  // So much can be taken several times over.
  bool has_plenty(std::uint64_t bytes) const;
  struct statvfs show(const struct statvfs& filesystem) const;

  // Open for writing, with so many bytes on disk; and no more.
  void follow(NodeId id, std::uint64_t bytes);
  void unfollow(NodeId id);
  // Its last name is gone, or it never had one: it takes this much until gone(). named(): it has a name again.
  void outlive(NodeId id, std::uint64_t bytes);
  void named(NodeId id);
  void gone(NodeId id);
  // By how much an inode has grown that had `before` when it was not followed.
  std::int64_t moved(NodeId id, std::uint64_t before, std::uint64_t now);

 private:
  friend class Taking;
  struct Followed {
    std::uint64_t bytes = 0;
    bool is_nameless = false;
  };
  bool take(const Amount& most);
  bool take_once_removed(const Amount& most, bool by_root);
  void look_again();
  void count_all();

  std::optional<Ledger> ledger_;
  std::optional<Holding> holding_;
  std::function<Amount(Count)> count_;
  std::mutex gate_;                  // who wants to count is not overtaken by ever more changes
  std::shared_mutex changing_;       // held shared from taking until settling; alone while all is counted
  std::mutex mutex_;                 // of what follows
  std::condition_variable removed_;  // something nameless is gone
  std::unordered_map<NodeId, Followed> followed_;
  std::size_t nameless_ = 0;
  bool is_over_ = false;
  std::condition_variable over_;
  std::thread ticking_;
};

// One change, from before anything is taken until it is known what it came to: nothing, unless it is told.
class Taking {
 public:
  // Throws std::system_error, ENOSPC, where the guest may not have so much more.
  Taking(Allowance& allowance, const Amount& most);
  ~Taking();
  Taking(const Taking&) = delete;

  bool counts() const { return allowance_ != nullptr; }
  void came_to(const Growth& growth);

 private:
  Allowance* allowance_ = nullptr;  // none: no limit
  Amount most_;
  Growth came_to_;
  std::shared_lock<std::shared_mutex> changing_;
};

}  // namespace vunify
