// SPDX-License-Identifier: Apache-2.0
// What a daemon holds of its guest's limit, and of those of users in it: granted by the ledger in chunks, spent from
// memory.
//
//     take       before something is done: enough for the worst it can come to
//     settle     after it: what it came to, or nothing where it failed
//     counted    what all of it is in truth
//
// A chunk is a quarter of what the limit has left, shared between the daemons that spend from it; 64 KiB at least, 16
// MiB at most. Half of it is granted, half may come back before the ledger is told. Who does nothing for a second holds
// nothing; before he does the first thing again the ledger is told that it may come to be wrong.
//
// Before a daemon is refused what others of the same limit hold and do not spend, they are asked to give it back: by a
// number in the limit's record, and a bell.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>

#include "account/ledger.h"
#include "account/purse.h"
#include "sys/lock_file.h"

namespace vunify {

// What df(1) may say of it.
struct Left {
  Amount total;                 // no_limit: none
  Amount free;                  // what others were granted is not
  std::uint64_t for_users = 0;  // of free.space, where not root asks
};

// Whose limit is in the way: the guest's, or a user's.
enum class Answer { given, over_limit, over_quota };

inline constexpr auto recall_takes = std::chrono::milliseconds(200);  // at the most: one of them may be stopped

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

  // Where not all of it is there nothing was taken. try_take never waits, and may say so of what take() would give.
  bool try_take(const Most& wanted, bool by_root);
  // Between these something may be in use, or not any more, that the ledger does not know of: meanwhile it says so.
  void begin_change() { ++under_way_; }
  void end_change() { --under_way_; }
  // May write to the ledger, and wait for other daemons. Throws std::system_error where that cannot be written to, and
  // what is held is not enough; who wants nothing is given it whatever comes.
  Answer take(const Most& wanted, bool by_root);
  // May write; a ledger that cannot be written to is told later.
  void settle(const Most& taken, const CameTo& came_to);
  // Nothing is taken and not settled meanwhile.
  void counted(const Uses& used);
  // To be called each second: looks at the limits again, and gives back what was not needed since the last time.
  void refresh();
  // To be called when the bell was rung: gives back what is not spent, where the limit's daemons are asked to.
  void answer_recall();

  Left left() const;
  // Bytes that a user of the guest may take without a word to the ledger.
  std::uint64_t left_for(const Owners& owners) const;

 private:
  using Purses = std::map<Whose, Purse>;

  Answer answer(const Most& wanted, bool by_root) const;
  Answer take_here(const Most& wanted, bool by_root);
  enum class Others { keep, give_back };
  Answer ask_ledger(const Most& wanted, bool by_root, Others others) const;
  Amount claimed(const LedgerTransaction& reading, Whose whose, Others others) const;
  bool recall(const Most& wanted, bool by_root);
  Pace at_rest() const { return under_way_ == 0 ? Pace::resting : Pace::waiting; }
  bool has_to_give() const;
  void spend(const Most& taken);
  void see(const LedgerTransaction& reading);
  Purse& guest() { return purses_[Whose{}]; }
  const Purse& guest() const { return purses_.at(Whose{}); }
  AccountKey key_of(Whose whose) const { return {key_.of, key_.subvolume, key_.ino, whose}; }
  void write(const Most& wanted, Pace pace, const Uses* counted);
  void tell(LedgerTransaction& change, Whose whose, Purse& purse, const Amount& wanted, Pace pace) const;
  void put_counted(LedgerTransaction& change, const Uses& counted, Purses& purses);
  void try_to_write(const Most& wanted, Pace pace);

  const Ledger& ledger_;
  const AccountKey key_;
  std::optional<LockFile> lock_;
  std::atomic<bool> is_limited_ = false;
  mutable std::mutex mutex_;
  Purses purses_{{Whose{}, Purse{}}};  // the guest's; and of users who have a limit, or of whom the ledger was not told
  Limit limit_;
  std::uint64_t counts_ = 0;
  std::uint64_t recalls_ = 0;  // that were answered
  std::atomic<int> under_way_ = 0;
  bool is_lost_ = false;  // the daemon before us was killed
  bool is_used_ = false;  // since the last refresh()
};

}  // namespace vunify
