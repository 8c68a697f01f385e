// SPDX-License-Identifier: Apache-2.0
#include "hashindex/delta.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <thread>

#include "tests/scratch.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Seen = std::vector<std::pair<std::uint64_t, std::uint64_t>>;  // inode, size

Finding finding(std::uint64_t ino, std::uint64_t size) {
  Finding found{{0, ino}, {}, false, 0, {}};
  found.record.size = size;
  return found;
}

Seen all_of(Delta& delta) {
  Seen seen;
  delta.for_each([&](const Finding& found) { seen.emplace_back(found.key.ino, found.record.size); });
  return seen;
}

class FreshFindings : public testing::Test {
 protected:
  void batch(const Seen& findings) {
    for (const auto& [ino, size] : findings) delta_.add(finding(ino, size));
    delta_.flush();
  }

  const Scratch dir_;
  Delta delta_{dir_ / "index"};
};

TEST_F(FreshFindings, ComeInTheOrderOfTheirKeys) {
  batch({{3, 0}, {256, 1}, {1, 2}});
  batch({{2, 3}, {255, 4}});
  delta_.add({{1, 0}, {}, false, 0, {}});
  EXPECT_THAT(all_of(delta_),
              (Seen{{1, 2}, {2, 3}, {3, 0}, {255, 4}, {256, 1}, {0, 0}}));  // the last is of the next filesystem
}

TEST_F(FreshFindings, OfOneInodeTheLastInABatchCounts) {
  batch({{7, 1}, {8, 1}, {7, 2}, {7, 3}});
  EXPECT_EQ(all_of(delta_), (Seen{{7, 3}, {8, 1}}));
}

TEST_F(FreshFindings, OfOneInodeTheLatestBatchCounts) {
  for (std::uint64_t i = 0; i < 300; ++i) batch({{7, i}, {8 + i, 1}});
  const auto seen = all_of(delta_);
  EXPECT_EQ(seen.size(), 301u);
  EXPECT_EQ(seen[0], (Seen::value_type{7, 299}));
}

TEST_F(FreshFindings, KeepAllThatWasLearnt) {
  Finding shared = finding(7, 5);
  shared.record.shared = true;
  shared.stat_hash = ~std::uint64_t{0};
  shared.handle = std::string("a\0handle", 8);
  delta_.add(shared);
  Finding gone{{0, 8}, {}, true, 0, {}};
  delta_.add(gone);
  std::vector<Finding> seen;
  delta_.for_each([&](const Finding& found) { seen.push_back(found); });
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].record, shared.record);
  EXPECT_EQ(seen[0].stat_hash, shared.stat_hash);
  EXPECT_EQ(seen[0].handle, shared.handle);
  EXPECT_FALSE(seen[0].is_gone);
  EXPECT_TRUE(seen[1].is_gone);
}

TEST_F(FreshFindings, OfAnInterruptedRunAreGoneOnWith) {
  {
    Delta interrupted(dir_ / "index");
    interrupted.add(finding(7, 1));
    interrupted.add(finding(8, 1));
    interrupted.flush();
  }
  EXPECT_FALSE(delta_.is_empty());
  batch({{7, 2}});
  EXPECT_EQ(all_of(delta_), (Seen{{7, 2}, {8, 1}}));
}

TEST_F(FreshFindings, LeaveNoFileWhereThereAreNone) {
  EXPECT_TRUE(delta_.is_empty());
  delta_.flush();
  EXPECT_THAT(all_of(delta_), IsEmpty());
  EXPECT_THAT(dir_.names(), IsEmpty());
}

TEST_F(FreshFindings, GoWithTheirFiles) {
  batch({{7, 1}});
  EXPECT_THAT(dir_.names(), ElementsAre("index.delta", "index.delta-lock"));
  delta_.remove();
  EXPECT_TRUE(delta_.is_empty());
  EXPECT_THAT(dir_.names(), IsEmpty());
  batch({{9, 1}});
  EXPECT_EQ(all_of(delta_), (Seen{{9, 1}}));
}

TEST_F(FreshFindings, MayBeMoreThanABatchHolds) {
  constexpr std::uint64_t many = 70'000;
  for (std::uint64_t i = many; i > 0; --i) delta_.add(finding(i, i));
  const auto seen = all_of(delta_);
  EXPECT_EQ(seen.size(), many);
  EXPECT_TRUE(std::ranges::is_sorted(seen));
}

TEST_F(FreshFindings, ComeFromManyThreads) {
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t)
    threads.emplace_back([this, t] {
      for (std::uint64_t i = 0; i < 1'000; ++i) delta_.add(finding(t * 1'000 + i, i));
      delta_.flush();
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(all_of(delta_).size(), 4'000u);
}

}  // namespace
}  // namespace vunify::test
