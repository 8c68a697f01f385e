// SPDX-License-Identifier: Apache-2.0
#include "account/holding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <random>
#include <thread>

#include "account/chunk.h"
#include "tests/eventually.h"
#include "tests/scratch.h"

namespace vunify {
namespace {

using lmdb::Access;
using test::Scratch;

constexpr LimitKey holder{{7, 9, 0}, 42};
constexpr std::uint64_t block = 4096;

AccountKey root(std::uint64_t number) { return {holder, 0, 256 + number, {}}; }

void set_limit(const Ledger& ledger, const Limit& limit) {
  auto change = ledger.change();
  change.put(holder, limit);
  change.commit();
}

Account account(const Ledger& ledger, std::uint64_t ino) {
  return ledger.read().account(root(ino)).value_or(Account{});
}

Limit blocks(std::uint64_t count) {
  Limit limit;
  limit.total = {count * block, no_limit};
  return limit;
}

bool takes(Holding& holding, const Amount& most, bool by_root) {
  return holding.take({most, {}}, by_root) == Answer::given;
}

void settle(Holding& holding, const Amount& taken, const Growth& came_to) {
  holding.settle({taken, {}}, {came_to, {}});
}

class HoldingOf : public testing::Test {
 protected:
  const Scratch dir;
  const Ledger ledger{dir.root(), Access::write};
};

// As a daemon does it. False: refused.
bool write_block(Holding& holding) {
  if (!takes(holding, {block, 0}, true)) return false;
  settle(holding, {block, 0}, {block, 0});
  return true;
}

TEST_F(HoldingOf, AGuestWithoutALimitHoldsNothing) {
  Holding holding(ledger, root(1));
  EXPECT_FALSE(holding.is_limited());
  EXPECT_EQ(account(ledger, 1), Account{});
}

TEST_F(HoldingOf, ALimitGivesAllOfItAndNotAByteMore) {
  for (const auto& [bytes, fit] : {std::pair{100 * block, 100}, {100 * block - 1, 99}, {100 * block + 1, 100}}) {
    set_limit(ledger, {{bytes, no_limit}, 0, Count::exclusive, 1});
    {
      Holding holding(ledger, root(bytes));
      holding.counted({});
      int done = 0;
      while (write_block(holding)) ++done;
      EXPECT_EQ(done, fit);
    }
    auto change = ledger.change();
    change.remove(root(bytes));
    change.commit();
  }
}

TEST_F(HoldingOf, ALimitRefusesWithoutAWrite) {
  set_limit(ledger, blocks(1));
  Holding holding(ledger, root(1));
  holding.counted({{block, 1}, {}});
  const auto before = dir.inode("ledger").stamp;
  EXPECT_FALSE(takes(holding, {1, 0}, true));
  EXPECT_EQ(dir.inode("ledger").stamp, before);
}

TEST_F(HoldingOf, WhoGivesBackMayTakeItAgain) {
  set_limit(ledger, blocks(1000));
  Holding holding(ledger, root(1));
  holding.counted({{1000 * block, 1}, {}});
  ASSERT_FALSE(write_block(holding));
  settle(holding, {}, {-static_cast<std::int64_t>(block), 0});
  EXPECT_TRUE(write_block(holding));
  EXPECT_FALSE(write_block(holding));
}

TEST_F(HoldingOf, RootHasItsShareForItself) {
  auto limit = blocks(100);
  limit.reserved = 10;
  set_limit(ledger, limit);
  Holding holding(ledger, root(1));
  holding.counted({{90 * block, 1}, {}});
  EXPECT_FALSE(takes(holding, {block, 0}, false));
  EXPECT_TRUE(takes(holding, {block, 0}, true));
  EXPECT_EQ(holding.left().for_users, 0u);
  EXPECT_EQ(holding.left().free.space, 9 * block);
}

TEST_F(HoldingOf, InodesAreCountedByThemselves) {
  Limit limit;
  limit.total = {no_limit, 3};
  set_limit(ledger, limit);
  Holding holding(ledger, root(1));
  holding.counted({{0, 2}, {}});
  EXPECT_TRUE(takes(holding, {block, 1}, true));
  EXPECT_FALSE(takes(holding, {0, 1}, true));
  EXPECT_TRUE(takes(holding, {1 << 30, 0}, true));
}

TEST_F(HoldingOf, WhoRestsHoldsNothingAndOwesNothing) {
  set_limit(ledger, blocks(100'000));
  Holding holding(ledger, root(1));
  holding.counted({});
  write_block(holding);
  holding.refresh();
  EXPECT_FALSE(account(ledger, 1).is_settled());
  holding.refresh();
  EXPECT_TRUE(account(ledger, 1).is_settled());
  EXPECT_EQ(account(ledger, 1).used.space, block);
}

TEST_F(HoldingOf, TwoDaemonsShareWhatIsLeftButForAChunk) {
  set_limit(ledger, blocks(1000));
  Holding one(ledger, root(1)), other(ledger, root(2));
  one.counted({}), other.counted({});
  for (bool goes_on = true; goes_on;) {
    goes_on = write_block(one);
    goes_on = write_block(other) || goes_on;
  }
  const auto used = account(ledger, 1).claimed().space + account(ledger, 2).claimed().space;
  EXPECT_LE(used, 1000 * block);
  EXPECT_GT(used, 1000 * block - static_cast<std::uint64_t>(least_chunk));
}

TEST_F(HoldingOf, WhatOthersHoldAndDoNotSpendIsGivenBackBeforeOneIsRefused) {
  set_limit(ledger, blocks(16));
  Holding one(ledger, root(1)), other(ledger, root(2));
  one.counted({}), other.counted({});
  ASSERT_TRUE(write_block(other));
  std::atomic<bool> is_over = false;
  std::thread answers([&] {
    for (auto rung = ledger.bell().rung(); !is_over; rung = ledger.bell().rung()) {
      ledger.bell().wait(rung, std::chrono::seconds(1));
      other.answer_recall();
    }
  });
  int done = 1;
  // On a machine that stands still for longer than recall_takes one is refused, and asks again.
  EXPECT_TRUE(test::eventually([&] {
    while (write_block(one)) ++done;
    return done == 16;
  }));
  is_over = true;
  ledger.bell().ring();
  answers.join();
}

TEST_F(HoldingOf, WhoDoesNotAnswerIsNotWaitedForLong) {
  set_limit(ledger, blocks(16));
  Holding one(ledger, root(1)), silent(ledger, root(2));
  one.counted({}), silent.counted({});
  ASSERT_TRUE(write_block(silent));
  int done = 0;
  while (write_block(one)) ++done;
  EXPECT_LT(done, 15);
}

TEST_F(HoldingOf, WhoHasSomethingUnderWayRestsButTellsIt) {
  set_limit(ledger, blocks(1000));
  Holding holding(ledger, root(1));
  holding.counted({});
  holding.begin_change();
  write_block(holding);
  holding.refresh(), holding.refresh();
  EXPECT_EQ(account(ledger, 1).granted, Amount{});
  EXPECT_FALSE(account(ledger, 1).is_settled());
  holding.end_change();
  holding.refresh();
  EXPECT_TRUE(account(ledger, 1).is_settled());
}

TEST_F(HoldingOf, ALimitThatIsLoweredRefusesGrowthAlone) {
  set_limit(ledger, blocks(100));
  Holding holding(ledger, root(1));
  holding.counted({{90 * block, 5}, {}});
  set_limit(ledger, blocks(10));
  holding.refresh(), holding.refresh();
  EXPECT_TRUE(takes(holding, {}, false));
  EXPECT_FALSE(write_block(holding));
  EXPECT_EQ(holding.left().free.space, 0u);
}

// By one who has a file of this user and this group.
Answer write_block_of(Holding& holding, const Owners& owners) {
  const auto most = most_for(owners, {block, 0});
  const auto answer = holding.take(most, true);
  CameTo came_to;
  came_to.add(owners, {block, 0});
  if (answer == Answer::given) holding.settle(most, came_to);
  return answer;
}

TEST_F(HoldingOf, AUsersLimitIsHisAloneAndAllUsersAddUpToTheGuest) {
  set_limit(ledger, {});
  auto change = ledger.change();
  change.put(holder, user(7), {10 * block, no_limit});
  change.put(holder, group(8), {15 * block, no_limit});
  change.commit();
  {
    Holding holding(ledger, root(1));
    holding.counted({});
    for (int i = 0; i < 10; ++i) EXPECT_EQ(write_block_of(holding, {7, 8}), Answer::given);
    EXPECT_EQ(write_block_of(holding, {7, 9}), Answer::over_quota);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(write_block_of(holding, {0, 8}), Answer::given);
    EXPECT_EQ(write_block_of(holding, {0, 8}), Answer::over_quota) << "of the group";
    EXPECT_EQ(write_block_of(holding, {0, 0}), Answer::given);
  }
  EXPECT_EQ(account(ledger, 1).used.space, 16 * block);
  std::map<Whose, std::uint64_t> used;
  for (const auto& [at, is] : ledger.read().user_accounts(holder)) used[at.whose] = is.used.space / block;
  EXPECT_EQ(used, (std::map<Whose, std::uint64_t>{{user(0), 6}, {user(7), 10}, {group(0), 1}, {group(8), 15}}));
}

TEST_F(HoldingOf, WhoBeginsToChangeTellsThatHeMayNotBeBelieved) {
  set_limit(ledger, blocks(1000));
  Holding holding(ledger, root(1));
  holding.counted({{500 * block, 5}, {}});
  holding.refresh(), holding.refresh();
  ASSERT_TRUE(account(ledger, 1).is_settled());
  EXPECT_TRUE(takes(holding, {}, false)) << "he may remove all there is";
  EXPECT_FALSE(account(ledger, 1).is_settled());
}

TEST_F(HoldingOf, OneDaemonSpendsFromAnAccount) {
  Holding holding(ledger, root(1));
  EXPECT_THROW(Holding(ledger, root(1)), std::system_error);
  EXPECT_TRUE(LockFile::is_taken(lock_path(dir.root(), root(1))));
  EXPECT_FALSE(LockFile::is_taken(lock_path(dir.root(), root(2))));
}

// What each process has done in truth, where a kill leaves it.
struct Truth {
  std::atomic<std::int64_t> space, steps;
};

constexpr std::int64_t most_at_once = 16 << 10;

// Takes and gives back at random, for good.
[[noreturn]] void spend(const std::string& dir, std::uint64_t ino, Truth& truth, unsigned seed) {
  const Ledger ledger(dir, Access::write);
  Holding holding(ledger, root(ino));
  holding.counted({{static_cast<std::uint64_t>(truth.space.load()), 0}, {}});
  std::mt19937 random(seed);
  for (;; ++truth.steps) {
    const auto space = static_cast<std::int64_t>(random() % most_at_once);
    const bool gives = random() % 2 == 0 && truth.space >= space;
    const Amount most{gives ? 0 : static_cast<std::uint64_t>(space), 0};
    if (!takes(holding, most, true)) continue;
    truth.space += gives ? -space : space;
    settle(holding, most, {gives ? -space : space, 0});
    if (random() % 50 == 0) holding.refresh();
  }
}

class Spenders {
 public:
  static constexpr std::uint64_t count = 6;
  Spenders()
      : truths_(static_cast<Truth*>(
            ::mmap(nullptr, sizeof(Truth) * count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  ~Spenders() { ::munmap(truths_, sizeof(Truth) * count); }

  std::int64_t space(std::uint64_t i) const { return truths_[i].space; }
  // All at a time, each killed once it has done so many steps.
  void run_and_kill(const std::string& dir, std::mt19937& random) {
    pid_t children[count];
    std::int64_t ends[count];
    for (std::uint64_t i = 0; i < count; ++i) {
      ends[i] = truths_[i].steps + random() % 300;
      const auto seed = static_cast<unsigned>(random());
      if ((children[i] = ::fork()) == 0) spend(dir, i, truths_[i], seed);
    }
    for (std::uint64_t i = 0; i < count; ++i) {
      while (truths_[i].steps < ends[i] && ::waitpid(children[i], nullptr, WNOHANG) == 0) ::sched_yield();
      EXPECT_GE(truths_[i].steps, ends[i]) << "it ended by itself";
      ::kill(children[i], SIGKILL);
    }
    for (const auto child : children) ::waitpid(child, nullptr, 0);
  }

 private:
  Truth* truths_;
};

TEST(Ledger, IsWithinAChunkOfTheTruthWhoeverIsKilledAndTellsIt) {
  const Scratch dir;
  const auto limit = blocks(500);
  set_limit(Ledger(dir.root(), Access::write), limit);
  Spenders spenders;
  std::mt19937 random(20261128);
  for (int round = 0; round < 5; ++round) {
    spenders.run_and_kill(dir.root(), random);
    const Ledger ledger(dir.root(), Access::read);
    std::int64_t all = 0;
    for (std::uint64_t i = 0; i < Spenders::count; ++i) {
      const auto is = account(ledger, i);
      const auto truth = spenders.space(i), used = static_cast<std::int64_t>(is.used.space);
      EXPECT_LE(truth, used + static_cast<std::int64_t>(is.granted.space));
      EXPECT_GE(truth, used - static_cast<std::int64_t>(is.slack.space) - most_at_once);
      EXPECT_LE(is.granted.space + is.slack.space, static_cast<std::uint64_t>(greatest_chunk));
      EXPECT_TRUE(!is.is_settled() || truth <= used) << "not told";
      all += truth;
    }
    EXPECT_LE(all, static_cast<std::int64_t>(limit.total.space));
  }
}

TEST(Ledger, IsExactOnceEachIsCounted) {
  const Scratch dir;
  set_limit(Ledger(dir.root(), Access::write), blocks(500));
  Spenders spenders;
  std::mt19937 random(1);
  spenders.run_and_kill(dir.root(), random);
  const Ledger ledger(dir.root(), Access::write);
  for (std::uint64_t i = 0; i < Spenders::count; ++i) {
    const auto truth = static_cast<std::uint64_t>(spenders.space(i));
    {
      Holding holding(ledger, root(i));
      EXPECT_TRUE(holding.is_to_be_counted() || account(ledger, i).is_settled());
      holding.counted({{truth, 0}, {}});
      EXPECT_FALSE(holding.is_to_be_counted());
    }
    EXPECT_TRUE(account(ledger, i).is_settled());
    EXPECT_EQ(account(ledger, i).used.space, truth);
  }
}

}  // namespace
}  // namespace vunify
