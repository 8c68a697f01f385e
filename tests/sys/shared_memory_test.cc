// SPDX-License-Identifier: Apache-2.0
#include "sys/shared_memory.h"

#include <gtest/gtest.h>

namespace vunify::test {
namespace {

constexpr std::size_t page = 4096;

TEST(SharedMemory, IsOpenedAgainByItsNumberAndReadsAsZerosWhereItWasGivenBack) {
  constexpr std::size_t most = std::size_t{1} << 38;
  SharedMemory ours(most);
  ours.use(most / 2, 2 * page);
  *ours.at(most / 2) = *ours.at(most / 2 + page) = std::byte{1};
  SharedMemory theirs(duplicate(ours.fd()));
  EXPECT_EQ(theirs.bytes(), most);
  theirs.give_back(most / 2, page);
  EXPECT_EQ(*ours.at(most / 2), std::byte{0});
  EXPECT_EQ(*theirs.at(most / 2 + page), std::byte{1});
}

TEST(SharedMemory, CannotBeMadeShorterBeneathWhoHasItMapped) {
  const SharedMemory memory(16 * page);
  EXPECT_THROW(resize(memory.fd(), page, "memfd"), std::system_error);
}

TEST(SharedMemory, TellsWhatOfItHasMemory) {
  SharedMemory memory(16 * page);
  *memory.at(3 * page) = *memory.at(4 * page) = *memory.at(9 * page) = std::byte{1};
  const auto first = memory.next_used(0, 16 * page);
  EXPECT_EQ(first.begin, 3 * page);
  EXPECT_EQ(first.end, 5 * page);
  EXPECT_EQ(memory.next_used(first.end, 9 * page).begin, 9 * page);
  EXPECT_EQ(memory.next_used(10 * page, 16 * page).begin, 16 * page);
}

}  // namespace
}  // namespace vunify::test
