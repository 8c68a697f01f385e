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

#include "account/chunk.h"
#include "tests/scratch.h"

namespace vunify {
namespace {

using lmdb::Access;
using test::Scratch;

constexpr LimitKey guest{{7, 9, 0}, 42};
constexpr std::uint64_t block = 4096;

AccountKey root(std::uint64_t number) { return {guest, 0, 256 + number}; }

void set_limit(const Ledger& ledger, const Limit& limit) {
  auto change = ledger.change();
  change.put(guest, limit);
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

class HoldingOf : public testing::Test {
 protected:
  const Scratch dir;
  const Ledger ledger{dir.root(), Access::write};
};

// As a daemon does it. False: refused.
bool write_block(Holding& holding) {
  if (!holding.take({block, 0}, true)) return false;
  holding.settle({block, 0}, {block, 0});
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
  holding.counted({block, 1});
  const auto before = dir.inode("ledger").stamp;
  EXPECT_FALSE(holding.take({1, 0}, true));
  EXPECT_EQ(dir.inode("ledger").stamp, before);
}

TEST_F(HoldingOf, WhoGivesBackMayTakeItAgain) {
  set_limit(ledger, blocks(1000));
  Holding holding(ledger, root(1));
  holding.counted({1000 * block, 1});
  ASSERT_FALSE(write_block(holding));
  holding.settle({}, {-static_cast<std::int64_t>(block), 0});
  EXPECT_TRUE(write_block(holding));
  EXPECT_FALSE(write_block(holding));
}

TEST_F(HoldingOf, RootHasItsShareForItself) {
  auto limit = blocks(100);
  limit.reserved = 10;
  set_limit(ledger, limit);
  Holding holding(ledger, root(1));
  holding.counted({90 * block, 1});
  EXPECT_FALSE(holding.take({block, 0}, false));
  EXPECT_TRUE(holding.take({block, 0}, true));
  EXPECT_EQ(holding.left().for_users, 0u);
  EXPECT_EQ(holding.left().free.space, 9 * block);
}

TEST_F(HoldingOf, InodesAreCountedByThemselves) {
  Limit limit;
  limit.total = {no_limit, 3};
  set_limit(ledger, limit);
  Holding holding(ledger, root(1));
  holding.counted({0, 2});
  EXPECT_TRUE(holding.take({block, 1}, true));
  EXPECT_FALSE(holding.take({0, 1}, true));
  EXPECT_TRUE(holding.take({1 << 30, 0}, true));
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

TEST_F(HoldingOf, ALimitThatIsLoweredRefusesGrowthAlone) {
  set_limit(ledger, blocks(100));
  Holding holding(ledger, root(1));
  holding.counted({90 * block, 5});
  set_limit(ledger, blocks(10));
  holding.refresh(), holding.refresh();
  EXPECT_TRUE(holding.take({}, false));
  EXPECT_FALSE(write_block(holding));
  EXPECT_EQ(holding.left().free.space, 0u);
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
  holding.counted({static_cast<std::uint64_t>(truth.space.load()), 0});
  std::mt19937 random(seed);
  for (;; ++truth.steps) {
    const auto space = static_cast<std::int64_t>(random() % most_at_once);
    const bool gives = random() % 2 == 0 && truth.space >= space;
    const Amount most{gives ? 0 : static_cast<std::uint64_t>(space), 0};
    if (!holding.take(most, true)) continue;
    truth.space += gives ? -space : space;
    holding.settle(most, {gives ? -space : space, 0});
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
      holding.counted({truth, 0});
      EXPECT_FALSE(holding.is_to_be_counted());
    }
    EXPECT_TRUE(account(ledger, i).is_settled());
    EXPECT_EQ(account(ledger, i).used.space, truth);
  }
}

}  // namespace
}  // namespace vunify
