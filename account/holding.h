// SPDX-License-Identifier: Apache-2.0
// What a daemon holds of its guest's limit: granted by the ledger in chunks, spent from memory.
//
//     take       before something is done: enough for the worst it can come to
//     settle     after it: what it came to, or nothing where it failed
//     counted    what all of it is in truth
//
// A chunk is a quarter of what the limit has left, shared between the daemons that spend from it; 64 KiB at least, 16
// MiB at most. Half of it is granted, half may come back before the ledger is told. Who does nothing for a second holds
// nothing.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>

#include "account/ledger.h"
#include "sys/lock_file.h"

namespace vunify {

// What df(1) may say of it.
struct Left {
  Amount total;                 // no_limit: none
  Amount free;                  // what others were granted is not
  std::uint64_t for_users = 0;  // of free.space, where not root asks
};

// All functions may be called by many threads, and wait for the ledger where they say so.
class Holding {
 public:
  // Throws EBUSY where another daemon spends from the same account.
  Holding(const Ledger& ledger, const AccountKey& key);
  ~Holding();  // gives back what it holds
  Holding(const Holding&) = delete;

  // Is there a limit? As of the last refresh(), or take(): asked before each request, at the price of a load.
  bool is_limited() const { return is_limited_.load(std::memory_order_relaxed); }
  Count count() const;
  // What the ledger has is no truth yet: never counted, a daemon was killed, or somebody asked for a count.
  bool is_to_be_counted() const;

  // False where it is not there, and nothing was taken. try_take never waits, and may say so of what take() would give.
  bool try_take(const Amount& most, bool by_root);
  // May write to the ledger. Throws std::system_error where that cannot be written to, and what is held is not enough.
  bool take(const Amount& most, bool by_root);
  // May write; a ledger that cannot be written to is told later.
  void settle(const Amount& taken, const Growth& came_to);
  // Nothing is taken and not settled meanwhile.
  void counted(const Amount& used);
  // To be called each second: looks at the limit again, and gives back what was not needed since the last time.
  void refresh();

  Left left() const;

 private:
  struct Held {
    Growth spent;    // since the ledger was told
    Amount granted;  // by it
    Amount slack;    // that may be given back before it is told
  };
  Growth unspent() const;
  bool fits(const Amount& most, bool by_root) const;
  void spend(const Growth& growth);
  void see(const std::optional<Limit>& limit, const Account& account, const Amount& claimed_by_all);
  bool can_be_had(const Amount& most, bool by_root);
  void write(const Amount& wanted, bool rests, const Amount* counted);
  void try_to_write(const Amount& wanted, bool rests);

  const Ledger& ledger_;
  const AccountKey key_;
  std::optional<LockFile> lock_;
  std::atomic<bool> is_limited_ = false;
  mutable std::mutex mutex_;
  Held held_;
  Limit limit_;
  std::uint64_t counts_ = 0;
  bool is_lost_ = false;  // the daemon before us was killed
  bool is_used_ = false;  // since the last refresh()
  Growth unclaimed_;      // of the limit, by anybody: less than nothing where the limit was lowered
};

}  // namespace vunify
