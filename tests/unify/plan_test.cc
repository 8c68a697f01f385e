// SPDX-License-Identifier: Apache-2.0
#include "unify/plan.h"

#include <gmock/gmock.h>

namespace vunify {

bool operator==(const LinkSet& a, const LinkSet& b) { return a.keeper == b.keeper && a.victims == b.victims; }

void PrintTo(const LinkSet& set, std::ostream* out) {
  *out << "keeper " << set.keeper << ", victims " << testing::PrintToString(set.victims);
}

namespace test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using GuestNumbers = std::vector<std::uint32_t>;

Copy private_copy(std::uint32_t guest, std::int64_t mtime = 0) {
  return {.guests = {guest}, .complete = true, .nlink = 1, .mtime = {mtime, 0}};
}
Copy shared_by(const GuestNumbers& guests) {
  return {.guests = guests, .shared = true, .complete = true, .nlink = static_cast<std::uint32_t>(guests.size())};
}

Copy of_refserver(Copy copy, std::uint32_t rank) {
  copy.refserver = rank;
  return copy;
}

LinkSet keeper(std::size_t keeper, std::vector<std::size_t> victims) { return {keeper, std::move(victims)}; }

TEST(Plan, FirstGuestsCopyIsKept) {
  const auto plan = plan_links({private_copy(2), private_copy(0), private_copy(1)}, {});
  EXPECT_THAT(plan.sets, ElementsAre(keeper(1, {2, 0})));
}

TEST(Plan, SecondCopiesGoToASecondKeeper) {
  const auto plan = plan_links({private_copy(0), private_copy(0), private_copy(1), private_copy(1)}, {});
  EXPECT_THAT(plan.sets, ElementsAre(keeper(0, {2}), keeper(1, {3})));
}

TEST(Plan, ACopyWithoutCounterpartIsLeftAlone) {
  const auto plan = plan_links({private_copy(0), private_copy(0), private_copy(1)}, {});
  EXPECT_THAT(plan.sets, ElementsAre(keeper(0, {2})));
  EXPECT_THAT(plan.alone, ElementsAre(1));
}

TEST(Plan, CopiesOfOneGuestAreNeverLinked) {
  const auto plan = plan_links({private_copy(0), private_copy(0)}, {});
  EXPECT_THAT(plan.sets, IsEmpty());
  EXPECT_THAT(plan.alone, ElementsAre(0, 1));
}

TEST(Plan, SharedIsKeptBeforePrivate) {
  const auto plan = plan_links({private_copy(0), shared_by({1, 2})}, {});
  EXPECT_THAT(plan.sets, ElementsAre(keeper(1, {0})));
}

TEST(Plan, OfSharedOnesTheOneWithMoreNamesIsKept) {
  const auto plan = plan_links({shared_by({0, 1}), shared_by({2, 3, 4})}, {});
  EXPECT_THAT(plan.sets, ElementsAre(keeper(1, {0})));
}

TEST(Plan, RefserversCopyIsKeptBeforeAnyOther) {
  const auto plan =
      plan_links({private_copy(0), of_refserver(private_copy(1), 1), of_refserver(private_copy(2), 0)}, {});
  EXPECT_THAT(plan.sets, ElementsAre(keeper(2, {1, 0})));
}

TEST(Plan, OfSharedOnesTheRefserversIsKept) {
  const auto plan = plan_links({shared_by({2, 3, 4}), of_refserver(shared_by({0, 1}), 0)}, {});
  EXPECT_THAT(plan.sets, ElementsAre(keeper(1, {0})));
}

TEST(Plan, RefserversCopyIsKeptThoughAnotherIsOlder) {
  const auto plan = plan_links({private_copy(0, 100), of_refserver(private_copy(1, 200), 0)}, {.oldest = true});
  EXPECT_THAT(plan.sets, ElementsAre(keeper(1, {0})));
}

TEST(Plan, SharedOnesWithAGuestInCommonStayTwo) {
  const auto plan = plan_links({shared_by({0, 1}), shared_by({1, 2})}, {});
  EXPECT_THAT(plan.sets, IsEmpty());
  EXPECT_THAT(plan.alone, IsEmpty());
}

TEST(Plan, AnInodeWithNamesWeDoNotKnowIsAKeeperButNoVictim) {
  auto incomplete = shared_by({0, 1});
  incomplete.nlink = 3;
  incomplete.complete = false;
  EXPECT_THAT(plan_links({incomplete, private_copy(2)}, {}).sets, ElementsAre(keeper(0, {1})));
  EXPECT_THAT(plan_links({incomplete, shared_by({2, 3, 4, 5})}, {}).sets, IsEmpty());
}

TEST(Plan, AFullKeeperIsFollowedByTheNext) {
  const auto plan = plan_links({private_copy(0), private_copy(1), private_copy(2), private_copy(3)}, {.link_limit = 2});
  EXPECT_THAT(plan.sets, ElementsAre(keeper(0, {1}), keeper(2, {3})));
}

TEST(Plan, NamesThatWeDoNotKnowCountForTheLimit) {
  auto incomplete = shared_by({0, 1});
  incomplete.nlink = 10;
  incomplete.complete = false;
  EXPECT_THAT(plan_links({incomplete, private_copy(2)}, {.link_limit = 10}).sets, IsEmpty());
}

TEST(Plan, OldestPrivateCopyIsKeptWhereMtimesDiffer) {
  const std::vector<Copy> copies = {private_copy(0, 30), private_copy(1, 10), private_copy(2, 20)};
  EXPECT_THAT(plan_links(copies, {.oldest = true}).sets, ElementsAre(keeper(1, {0, 2})));
  EXPECT_THAT(plan_links(copies, {.oldest = false}).sets, ElementsAre(keeper(0, {1, 2})));
}

TEST(Plan, ASharedKeeperStaysThoughAPrivateCopyIsOlder) {
  auto shared = shared_by({0, 1});
  shared.mtime = {20, 0};
  const auto plan = plan_links({shared, private_copy(2, 10)}, {.oldest = true});
  EXPECT_THAT(plan.sets, ElementsAre(keeper(0, {1})));
}

}  // namespace
}  // namespace test
}  // namespace vunify
