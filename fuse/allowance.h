// SPDX-License-Identifier: Apache-2.0
// What the guest may still use of the disk: asked before anything is taken, told what came of it, and what df(1) in the
// guest shows. A guest without a limit has all that the filesystem has, and costs one load a request.
//
// Of a guest with a limit the kernel reads and writes by itself (passthrough) shared files only, which nobody writes
// to: whatever grows comes through here, and not a byte goes beyond the limit but what the filesystem needs for itself,
// a directory's next block or an extent tree's.
//
// What a file that is open for writing takes is followed: blocks come and go by themselves (allocated late, trimmed at
// close). A file whose name is gone takes its place until nobody has it any more. Users and groups of the guest may
// have limits of their own: an inode is on the account of who owns it, whoever writes to it.
#pragma once

#include <sys/statvfs.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <system_error>
#include <thread>
#include <unordered_map>

#include "account/holding.h"
#include "fuse/nodes.h"

namespace vunify {

inline constexpr std::uint64_t block_bytes = 4096;  // a directory's next, a symlink's own

// What an inode takes of the disk, and on whose account.
struct Takes {
  std::uint64_t bytes = 0;
  Owners owners;
};

// What is asked of the guest when it gets a limit, and is counted.
struct Seen {
  std::function<Uses(Count)> count;             // all that it uses, while it changes nothing
  std::function<std::vector<NodeId>()> opened;  // files that it may write to without us
  std::function<std::optional<Takes>(NodeId)> look;
  std::function<std::vector<NodeId>()> outliving;  // what takes its place without a name
};

class Allowance {
 public:
  Allowance() = default;
  ~Allowance();
  Allowance(const Allowance&) = delete;

  // Before the first request, from the only thread. Counts where the ledger does not know. Throws std::system_error,
  // Damaged.
  void begin(const std::string& state_dir, const AccountKey& key, Seen seen);
  // Likewise after a process of ours that was killed, or gave way to another program: what it had taken, and for what,
  // nobody knows. All is counted again, by keep_up(), and meanwhile changes wait, some microseconds a file of the
  // guest; who only reads does not.
  void go_on(const std::string& state_dir, const AccountKey& key, Seen seen);
  // Looks each second whether the limit is another, or a count is wanted; inside the sandbox. Before the first request
  // is served.
  void keep_up();

  bool is_limited() const { return holding_ && holding_->is_limited(); }
  bool counts_shared() const { return is_limited() && holding_->count() == Count::logical; }
  // So much can be taken several times over, of what is held.
  bool has_plenty(const Takes& takes) const;
  std::optional<Left> left() const;  // of the limit, where there is one
  struct statvfs show(const struct statvfs& filesystem) const;

  // Open for writing, as it is on disk; and no more.
  void follow(NodeId id, const Takes& takes);
  bool follows(NodeId id) const;
  void unfollow(NodeId id);
  // Its last name is gone, or it never had one: it takes this much until gone(). named(): it has a name again.
  void outlive(NodeId id, const Takes& takes);
  void named(NodeId id);
  void gone(NodeId id);
  // The same inode under another number.
  void move(NodeId from, NodeId to);
  // An inode takes this now. Returns what it is counted with: where it is not followed, what it took before.
  Takes moved(NodeId id, const Takes& before, const Takes& now);

 private:
  friend class Taking;
  struct Followed {
    Takes takes;
    bool is_nameless = false;
    bool is_unasked = false;  // open since before the limit: grows past us, and is looked at each second
  };
  Answer take(const Most& most);
  Answer take_once_removed(const Most& most, bool by_root, Answer refused, std::uint64_t removals);
  std::uint64_t removals();
  void look_again();
  void answer_recall();
  void tell_once(const char* why);
  void settle_gone(const Takes& takes);
  void open(const std::string& state_dir, const AccountKey& key, Seen seen);
  void count_all();
  void count();
  void count_before_changes(std::promise<void> nobody_is_let_in);
  void tick();
  void follow_all();
  void settle_unasked();

  std::optional<Ledger> ledger_;
  std::optional<Holding> holding_;
  Seen seen_;
  std::mutex gate_;                  // who wants to count is not overtaken by ever more changes
  std::shared_mutex changing_;       // held shared from taking until settling; alone while all is counted
  mutable std::mutex mutex_;         // of what follows
  std::condition_variable removed_;  // something nameless is gone
  std::unordered_map<NodeId, Followed> followed_;
  std::size_t nameless_ = 0;
  std::uint64_t removals_ = 0;                  // of what had no name
  std::atomic<bool> is_ledger_silent_ = false;  // and was told of
  std::atomic<bool> is_over_ = false;
  bool goes_on_ = false;  // nothing is known of what was taken before
  std::thread ticking_;
};

// One of whom it would be may not have so much more: EDQUOT, where the kernel's own (fuse/served, error_told) may be
// the guest's.
struct OverQuota : std::system_error {
  OverQuota() : std::system_error(EDQUOT, std::generic_category(), "over the limit of a user") {}
};

// One change, from before anything is taken until it is known what it came to: nothing, unless it is told.
class Taking {
 public:
  explicit Taking(Allowance& allowance);
  ~Taking();
  Taking(const Taking&) = delete;

  // Before the change, also in parts. Throws std::system_error, ENOSPC, where there is not so much more for the guest,
  // and OverQuota.
  void take(const Most& most);
  bool counts() const { return allowance_ != nullptr; }
  void came_to(const Owners& owners, const Growth& growth);
  // An inode that took this takes that now, on whosever account.
  void moved(const Takes& was, const Takes& now);

 private:
  Allowance* allowance_ = nullptr;  // none: no limit
  Most taken_;
  CameTo came_to_;
  std::shared_lock<std::shared_mutex> changing_;
};

}  // namespace vunify
