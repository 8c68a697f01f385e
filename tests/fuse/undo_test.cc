// SPDX-License-Identifier: Apache-2.0
#include "fuse/undo.h"

#include <array>
#include <optional>

#include "tests/fuse/each_store.h"

namespace vunify::test {
namespace {

constexpr std::size_t data = Undo::bytes;  // behind the log

class UndoLog : public testing::Test {
 protected:
  using Numbers = std::array<std::uint64_t, 40>;
  static Numbers& numbers_in(SharedMemory& memory) {
    return *static_cast<Numbers*>(static_cast<void*>(memory.at(data)));
  }
  // As the next process finds them.
  static Numbers after_kill(const MemoryImage& image) {
    SharedMemory memory(2 * Undo::bytes);
    image.write_to(memory);
    Undo(memory, 0).roll_back();
    return numbers_in(memory);
  }

  SharedMemory memory_{2 * Undo::bytes};
  Undo undo_{memory_, 0};
  Numbers& numbers_ = numbers_in(memory_);
};

TEST_F(UndoLog, KeepsAStepWholeOrNotAtAllAtEachStore) {
  const auto change = [&] {
    const Undo::Step step(undo_);
    undo_.set(numbers_[0], std::uint64_t{1});
    undo_.keep(numbers_);  // more than one piece, and the first of it once more
    for (auto& number : numbers_) number += 7;
  };
  change();
  const auto before = numbers_;
  auto after = before;
  after[0] = 1;
  for (auto& number : after) number += 7;
  int seen_before = 0, seen_after = 0;
  const int stores = at_each_store(memory_, change, [&](const MemoryImage& image) {
    const auto found = after_kill(image);
    ++(found == before ? seen_before : seen_after);
    EXPECT_TRUE(found == before || found == after);
    EXPECT_TRUE(found == before || seen_after != 0);
  });
  EXPECT_GT(stores, 40);
  EXPECT_GT(seen_before, 40);
  EXPECT_EQ(seen_after, 1);
  EXPECT_EQ(numbers_, after);
}

TEST_F(UndoLog, RollsBackAgainWhereItIsKilledAtEachStore) {
  const auto before = numbers_;
  undo_.keep(numbers_);
  numbers_.fill(9);
  EXPECT_GT(
      at_each_store(
          memory_, [&] { undo_.roll_back(); }, [&](const MemoryImage& image) { EXPECT_EQ(after_kill(image), before); }),
      5);
}

TEST_F(UndoLog, HasNothingToRollBackOnceAStepHasEnded) {
  {
    const Undo::Step step(undo_);
    undo_.set(numbers_[3], std::uint64_t{5});
  }
  EXPECT_FALSE(undo_.roll_back());
  EXPECT_EQ(numbers_[3], 5u);
}

}  // namespace
}  // namespace vunify::test
