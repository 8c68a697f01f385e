// SPDX-License-Identifier: Apache-2.0
// Nights over guests that share data, not inodes: what did not change is not opened.
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "sys/fd.h"
#include "tests/nights.h"
#include "tests/root_test.h"

namespace vunify::test {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class DataNightOn : public RootTestOn {
 protected:
  void SetUp() override {
    nights_ = std::make_unique<Nights>(GetParam(), Nights::Words{"a", "b", "c"}, "reflink");
    if (!nights_->ok()) GTEST_SKIP() << nights_->reason();
  }

  // Shared by all, by two; of one size and several contents; too small to be shared on btrfs; alone; nobody's.
  void fill() const {
    for (const std::string guest : {"a/", "b/", "c/"}) {
      for (std::size_t i = 0; i < 6; ++i) write(guest + "same" + std::to_string(i), text('s', 30'000 + i));
      for (std::size_t i = 0; i < 6; ++i) write(guest + "own" + std::to_string(i), text(guest[0], 9'000 + i));
      write(guest + "mixed", text(guest[0] == 'c' ? 'c' : 'm', 20'000));
      write(guest + "small", text('i', 50));
    }
    write("a/alone", text('x', 12'345));
    ASSERT_EQ(shell("chattr +i " + *nights_ / "b/same5").status, 0);
    for (const auto* path : {"a/nocow", "b/nocow"}) {
      if (GetParam() == std::string("btrfs")) shell("touch " + *nights_ / path + "; chattr +C " + *nights_ / path);
      write(path, text(*path, 7'000));
    }
    nights_->rest();
  }
  void write(const std::string& path, const std::string& content) const { nights_->write(path, content); }

  std::uint64_t used() const {
    const auto df = shell("sync -f " + nights_->root() + "; df -B1 --output=used " + nights_->root() + " | tail -1");
    return std::stoull(df.out);
  }

  void expect_nothing_is_opened(const char* when) const {
    const auto before = used();
    const auto quiet = nights_->night();
    EXPECT_EQ(quiet.finished.status, 0) << when << quiet.finished.err;
    EXPECT_THAT(quiet.opened, IsEmpty()) << when;
    EXPECT_EQ(quiet.report["read_files"], 0) << when;
    EXPECT_EQ(quiet.report["linked_files"], 0) << when;
    EXPECT_EQ(used(), before) << when;
  }

  std::unique_ptr<Nights> nights_;
};
INSTANTIATE_TEST_SUITE_P(Each, DataNightOn, testing::Values("xfs", "btrfs"), name_of_each);

TEST_P(DataNightOn, OpensNothingWhereNothingChanged) {
  fill();
  const auto before = nights_->images();
  const auto dry = nights_->night({"-n"});
  const auto full = used();
  const auto first = nights_->night();
  ASSERT_EQ(first.finished.status, 0) << first.finished.err;
  const int small = GetParam() == std::string("btrfs") ? 0 : 2;
  EXPECT_EQ(first.report["linked_files"], 6 * 2 - 1 + 1 + small);
  EXPECT_EQ(dry.report["linked_files"], 6 * 2 - 1 + 1 + small);
  EXPECT_GE(full - used(), 11 * 28'672u + 20'000);
  EXPECT_GE(first.opened.size(), 41u) << "else the trace shows nothing";
  expect_nothing_is_opened("directly after the run that shared");
  EXPECT_THAT(nights_->night({"-n"}).opened, IsEmpty());
  EXPECT_EQ(nights_->images(), before);
  nights_->mount_elsewhere();
  expect_nothing_is_opened("mounted elsewhere");
}

TEST_P(DataNightOn, OpensWhatChangedAndOneTwinOfItsContent) {
  fill();
  ASSERT_EQ(nights_->run().status, 0);
  write("b/same1", text('n', 30'000 + 1));  // new, where all were one: who stands for the others is read, too
  write("b/own2", text('c', 9'002));        // like c's, where contents are known to be several
  nights_->rest();
  const auto before = nights_->images();
  const auto night = nights_->night();
  EXPECT_EQ(night.finished.status, 0) << night.finished.err;
  EXPECT_THAT(night.opened, UnorderedElementsAre("b/same1", AnyOf("a/same1", "c/same1"), "b/own2", "c/own2"));
  EXPECT_EQ(night.report["linked_files"], 1);
  EXPECT_EQ(nights_->images(), before);
  expect_nothing_is_opened("after the change");
  write("b/same1", text('N', 30'000 + 1));  // the others' content is known now
  nights_->rest();
  EXPECT_THAT(nights_->night().opened, Contains("b/same1"));
  expect_nothing_is_opened("after another");
}

TEST_P(DataNightOn, KnowsAReflinkedGuestByItsPlaces) {
  fill();
  ASSERT_EQ(nights_->run().status, 0);
  ASSERT_EQ(shell("cp -a --reflink=auto " + *nights_ / "a/. " + *nights_ / "c/new").status, 0);
  nights_->rest();
  const auto night = nights_->night();
  EXPECT_EQ(night.report["linked_files"], 0);
  EXPECT_LE(night.report["read_bytes"], 20'000) << "looked at, not read";
  expect_nothing_is_opened("after that");
}

TEST_P(DataNightOn, SharesAgainWhatWasWrittenAnew) {
  fill();
  ASSERT_EQ(nights_->run().status, 0);
  write("b/same1", text('s', 30'000 + 1));
  nights_->rest();
  const auto before = nights_->images();
  EXPECT_EQ(nights_->night().report["linked_files"], 1);
  EXPECT_EQ(nights_->images(), before);
  expect_nothing_is_opened("after it");
}

// Else only the one that stands for the others would be led to the keeper's data, one a night.
TEST_P(DataNightOn, LeadsAllWhoLieTogetherToTheKeeper) {
  for (const std::string guest : {"a/", "c/"}) write(guest + "f", text('f', 50'000));
  ASSERT_EQ(shell("sync -f " + nights_->root() + "; cd " + nights_->root() +
                  "; for i in 1 2 3; do cp -p --reflink=always a/f a/f$i; done;"
                  "for i in 1 2; do cp -p --reflink=always c/f c/f$i; done; sync -f .")
                .status,
            0);
  nights_->rest();
  const auto full = used();
  EXPECT_EQ(nights_->night().report["linked_files"], 3);
  EXPECT_GE(full - used(), 50'000u);
  expect_nothing_is_opened("at once");
}

// What inodes that share were known by is said of another kind of sharing.
TEST_P(DataNightOn, TellsNothingToARunThatSharesInodes) {
  fill();
  ASSERT_EQ(nights_->run().status, 0);
  auto command = nights_->command();
  for (auto& word : command)
    if (word == "reflink") word = flag_name();
  EXPECT_EQ(run(command).status, 0);
  EXPECT_TRUE(nights_->are_one("a/same1", "b/same1"));
  EXPECT_TRUE(nights_->are_one("a/same1", "c/same1"));
}

// Places may move, and no ctime tells: then what is known of them is wrong.
TEST_P(DataNightOn, SharesWhatItTookForAnotherOnlyOnceCompared) {
  fill();
  ASSERT_EQ(nights_->run().status, 0);
  const auto moved = GetParam() == std::string("btrfs")
                         ? shell("btrfs filesystem defragment -czlib " + *nights_ / "a/same1 " + *nights_ / "b/same1")
                         : shell("xfs_fsr " + *nights_ / "a/same1");
  if (moved.status != 0) GTEST_SKIP() << moved.err;
  write("c/same1", text('s', 30'000 + 1));
  nights_->rest();
  const auto before = nights_->images();
  EXPECT_EQ(nights_->run().status, 0);
  EXPECT_EQ(nights_->run().status, 0);
  EXPECT_EQ(nights_->images(), before);
  expect_nothing_is_opened("in the end");
}

// Owners moved by a constant: told, and not read again.
TEST(ShiftedNight, OpensNothingWhereNothingChanged) {
  Nights nights("ext4");
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  for (const std::string guest : {"a/", "b/"}) {
    for (std::size_t i = 0; i < 4; ++i) nights.write(guest + "f" + std::to_string(i), text('s', 5'000 + i));
    nights.write(guest + "own", text(guest[0], 7'000));
  }
  ASSERT_EQ(shell("chown -R 100000:100000 " + nights / "b").status, 0);
  nights.rest();
  const auto first = nights.night();
  EXPECT_EQ(first.report["skipped"]["shifted-owner"], 8) << first.finished.err;
  EXPECT_EQ(first.opened.size(), 10u);
  const auto second = nights.night();
  EXPECT_THAT(second.opened, IsEmpty());
  EXPECT_EQ(second.report["skipped"]["shifted-owner"], 8);
  ASSERT_EQ(shell("chown 0:0 " + nights / "b/f1").status, 0);  // a twin now, and its match is not the one known
  nights.rest();
  const auto third = nights.night();
  EXPECT_THAT(third.opened, UnorderedElementsAre("a/f1", "b/f1"));
  EXPECT_TRUE(nights.are_one("a/f1", "b/f1"));
}

}  // namespace
}  // namespace vunify::test
