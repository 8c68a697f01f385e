// SPDX-License-Identifier: Apache-2.0
#include "unify/summarize.h"

#include <gmock/gmock.h>

#include "tests/scene.h"

namespace vunify::test {
namespace {

std::uint64_t skipped(const GuestOutcome& guest, Verdict verdict) {
  return guest.skipped[static_cast<std::size_t>(verdict)];
}

class Summary : public testing::Test {
 protected:
  // a/f and b/f are one now, whichever of them stays.
  void share() {
    for (const auto* name : {"a/f", "b/f"}) scene_.candidates.inodes[scene_.inode(name)].shared = true;
    count_shared(scene_.survey, outcome_);
  }

  Scratch dir_{{"a/f", "same"}, {"a/empty", ""}, {"a/alone", "lonely"}, {"b/f", "same"}};
  Scene scene_{dir_, {"a", "b"}};
  Places places_{under(by_flag(), scene_.guests), true};
  Outcome outcome_;
};

TEST_F(Summary, CountsEveryFileOnce) {
  share();
  summarize(scene_.guests, scene_.scan, places_, Tally(2), outcome_);
  const auto& guest = outcome_.guests[0];
  EXPECT_EQ(guest.name, "a");
  EXPECT_EQ(guest.protection, flag_name());
  EXPECT_EQ(guest.files, 3u);
  EXPECT_EQ(guest.bytes, guest.shared_bytes + guest.private_bytes);
  EXPECT_EQ(skipped(guest, Verdict::empty), 1u);
  EXPECT_EQ(skipped(guest, Verdict::no_twin), 1u);
  EXPECT_EQ(skipped(guest, Verdict::shared), 0u);
}

TEST_F(Summary, TellsWhatWasDoneForEachGuest) {
  share();
  Tally tally(2);
  tally.linked_files[1] = 1;
  tally.freed_bytes[1] = 4096;
  tally.failed.push_back({"b", "f", "why"});
  summarize(scene_.guests, scene_.scan, places_, tally, outcome_);
  EXPECT_EQ(outcome_.guests[1].freed_bytes, 4096u);
  EXPECT_EQ(outcome_.linked_files(), 1u);
  EXPECT_EQ(outcome_.failed.size(), 1u);
}

TEST_F(Summary, CountsASharedInodesBytesOnce) {
  scene_.candidates.inodes[scene_.inode("b/f")].given_up = true;
  share();
  EXPECT_EQ(outcome_.shared_files, 2u);
  EXPECT_EQ(outcome_.shared_bytes, 4096u);
}

TEST_F(Summary, OfADryRunTellsWhatWouldBeFree) {
  outcome_.dry_run = true;
  share();
  outcome_.filesystems = measure_space(scene_.guests);
  ASSERT_EQ(outcome_.filesystems.size(), 1u);
  Tally tally(2);
  tally.freed_bytes[1] = 4096;
  summarize(scene_.guests, scene_.scan, places_, tally, outcome_);
  measure_space_after(scene_.guests, outcome_);
  EXPECT_EQ(outcome_.filesystems[0].free_after, outcome_.filesystems[0].free_before + 4096);
}

}  // namespace
}  // namespace vunify::test
