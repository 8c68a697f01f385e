// SPDX-License-Identifier: Apache-2.0
// What a guest may still use, after the daemon that served it was killed in the middle of a change.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <future>

#include "fuse/allowance.h"
#include "tests/scratch.h"

namespace vunify::test {
namespace {

constexpr std::uint64_t a_block = 4096;
constexpr AccountKey root{{{7, 9, 0}, 42}, 0, 256, {}};
constexpr NodeId removed = 9;

class AllowanceAfterAKill : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto child = ::fork(); child == 0) {
      use_and_be_killed();
    } else {
      int status = 0;
      ::waitpid(child, &status, 0);
      ASSERT_TRUE(WIFSIGNALED(status));
    }
  }
  // Of ten blocks; the one that counts finds nine, and one that was removed and is open still.
  void use_and_be_killed() const {
    {
      const Ledger ledger(dir_.root(), lmdb::Access::write);
      auto change = ledger.change();
      change.put(root.of, Limit{{10 * a_block, no_limit}});
      change.commit();
    }
    Allowance allowance;
    allowance.begin(dir_.root(), root, {[](Count) { return Uses{}; }, {}, {}, {}});
    Taking taking(allowance);
    taking.take({{9 * a_block, 1}, {}});
    ::raise(SIGKILL);
  }
  Seen seen() {
    return {[this](Count) {
              is_counted_ = true;
              return Uses{{8 * a_block, 1}, {}};
            },
            [] { return std::vector<NodeId>{}; },
            [](NodeId) {
              return Takes{a_block, {}};
            },
            [] { return std::vector<NodeId>{removed}; }};
  }
  bool may_take(Allowance& allowance, std::uint64_t blocks) const {
    try {
      Taking taking(allowance);
      taking.take({{blocks * a_block, 0}, {}});
      EXPECT_TRUE(is_counted_);
      return true;
    } catch (const std::system_error&) {
      return false;
    }
  }
  Account account() const { return Ledger(dir_.root(), lmdb::Access::write).read().account(root).value_or(Account{}); }

  const Scratch dir_;
  std::atomic<bool> is_counted_ = false;
};

TEST_F(AllowanceAfterAKill, IsCountedBeforeAnythingIsTaken) {
  EXPECT_FALSE(account().is_settled());
  {
    Allowance allowance;
    allowance.go_on(dir_.root(), root, seen());
    EXPECT_FALSE(is_counted_) << "who only reads does not wait";
    allowance.keep_up();
    EXPECT_FALSE(may_take(allowance, 2));
    EXPECT_TRUE(may_take(allowance, 1));
  }
  EXPECT_TRUE(account().is_settled());
}

TEST_F(AllowanceAfterAKill, CountsWhatHasNoNameUntilItIsGone) {
  {
    Allowance allowance;
    allowance.go_on(dir_.root(), root, seen());
    allowance.keep_up();
    EXPECT_FALSE(may_take(allowance, 2));
    allowance.gone(removed);
    EXPECT_TRUE(may_take(allowance, 2));
  }
  EXPECT_EQ(account().used, (Amount{8 * a_block, 1}));
}

TEST_F(AllowanceAfterAKill, IsCountedByTheNextWhereThatWasKilledToo) {
  if (const auto child = ::fork(); child == 0) {
    Allowance allowance;
    auto killed_counting = seen();
    killed_counting.count = [](Count) -> Uses { ::_exit(0); };
    allowance.go_on(dir_.root(), root, std::move(killed_counting));
    allowance.keep_up();
    may_take(allowance, 1);
    ::_exit(1);
  } else {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  Allowance allowance;
  allowance.go_on(dir_.root(), root, seen());
  allowance.keep_up();
  EXPECT_FALSE(may_take(allowance, 2));
  EXPECT_TRUE(may_take(allowance, 1));
}

TEST_F(AllowanceAfterAKill, LetsNobodyTakeWhereItCannotBeCounted) {
  auto failing = seen();
  std::atomic<int> tries = 0;
  failing.count = [&](Count) -> Uses {
    if (++tries == 1) throw std::system_error(EMFILE, std::generic_category());
    is_counted_ = true;
    return Uses{{8 * a_block, 1}, {}};
  };
  Allowance allowance;
  allowance.go_on(dir_.root(), root, failing);
  allowance.keep_up();
  EXPECT_TRUE(may_take(allowance, 1));
  EXPECT_EQ(tries, 2);
}

}  // namespace
}  // namespace vunify::test
