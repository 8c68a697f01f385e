// SPDX-License-Identifier: Apache-2.0
// What changed is never taken for what was known, whatever the clock, the inode number and the flags say.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/nights.h"
#include "tests/root_test.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;
using Words = Nights::Words;

class VunifyTrustOn : public RootTestOn {};
class VunifyTrustWhereNumbersComeAgain : public VunifyTrustOn {};  // btrfs gives each once

INSTANTIATE_TEST_SUITE_P(Each, VunifyTrustWhereNumbersComeAgain, testing::Values("ext4", "xfs"), name_of_each);
INSTANTIATE_TEST_SUITE_P(Each, VunifyTrustOn, testing::Values("ext4", "xfs", "btrfs"), name_of_each);

TEST_P(VunifyTrustOn, FindsWhatWasEditedThoughItsSizeAndMtimeAreTheOld) {
  Nights nights(GetParam());
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  fill(nights);
  ASSERT_EQ(nights.run().status, 0);
  nights.write("a/etc/own3", text('b', 903));  // touch -d is in it
  const auto night = nights.night();
  EXPECT_THAT(night.opened, UnorderedElementsAre("a/etc/own3", "b/etc/own3"));
  EXPECT_TRUE(nights.are_one("a/etc/own3", "b/etc/own3"));
}

TEST_P(VunifyTrustWhereNumbersComeAgain, TakesNoLaterInodeOfTheSameNumberForTheOneItKnew) {
  Nights nights(GetParam());
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  fill(nights);
  ASSERT_EQ(nights.run().status, 0);
  const auto own = nights.ino("a/etc/own3"), shared = nights.ino("a/usr/same3");
  const auto again = [&](const std::string& path, std::uint64_t ino, const std::string& content) {
    shell_or_fail("fsfreeze -f " + nights.root() + " && fsfreeze -u " + nights.root());  // XFS gives numbers up late
    std::vector<std::string> others;  // they hold their numbers meanwhile
    std::filesystem::create_directory(nights / "others");
    shell("chattr +T " + (nights / "others"));  // ext4: to have its directories, and their files, in all groups
    for (int i = 0; i < 4000 && (others.empty() || nights.ino(others.back()) != ino); ++i) {
      others.push_back((i % 2 == 0 ? path : "others/" + std::to_string(i % 39) + "/") + std::to_string(i));
      nights.write(others.back(), content);
    }
    const bool found = nights.ino(others.back()) == ino;
    if (found) std::filesystem::rename(nights / others.back(), nights / path);
    for (const auto& other : others) std::filesystem::remove(nights / other);
    std::filesystem::remove_all(nights / "others");
    return found;
  };
  std::filesystem::remove(nights / "a/etc/own3");
  const bool reused = again("a/etc/own3", own, text('b', 903));
  shell("chattr -i " + nights / "a/usr/same3" + "; rm -f " + nights / "a/usr/same3" + " " + nights / "b/usr/same3");
  const bool reused_shared = again("a/usr/same3", shared, text('z', 3003));
  ASSERT_TRUE(reused && reused_shared) << GetParam() << " gave no number a second time";
  shell("chattr +i " + nights / "a/usr/same3");
  nights.write("b/usr/same3", text('s', 3003));
  nights.rest();
  const auto before = nights.images();
  const auto night = nights.night();
  EXPECT_TRUE(nights.are_one("a/etc/own3", "b/etc/own3")) << "the new one is equal";
  EXPECT_FALSE(nights.are_one("a/usr/same3", "b/usr/same3"));
  EXPECT_EQ(night.report["skipped"]["own-flags"], 1) << night.report.dump(1);
  EXPECT_EQ(nights.images(), before);
  EXPECT_THAT(shell("lsattr " + nights / "a/usr/same3").out, HasSubstr("-i-")) << "its owner wanted it so";
}

class VunifyTrust : public RootTest {};

// The last name left is its guest's own, and so is what it does with it.
TEST_F(VunifyTrust, DoesNotTakeForSharedWhatWasSharedOnce) {
  Nights nights("ext4");
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  fill(nights);
  ASSERT_EQ(nights.run().status, 0);
  shell("chattr -i " + nights / "a/usr/same5" + " && rm " + nights / "b/usr/same5" + "; chattr +i " +
        nights / "a/usr/same5");
  ASSERT_EQ(nights.run().status, 0);
  EXPECT_THAT(shell("lsattr " + nights / "a/usr/same5").out, Not(HasSubstr("-i-"))) << "unmarked and given back";
  Words take_back = {"vunify", "-R", "--state", nights.state_dir(), nights / "a", nights / "b"};
  ASSERT_EQ(run(take_back).status, 0);
  shell("chattr +i " + nights / "a/usr/same5" + " " + nights / "a/usr/same6" + " " + nights / "b/usr/same6");
  const auto night = nights.night();
  EXPECT_EQ(night.report["skipped"]["own-flags"], 3) << night.report.dump(1);
  for (const auto* path : {"a/usr/same5", "a/usr/same6", "b/usr/same6"})
    EXPECT_THAT(shell("lsattr " + nights / path).out, HasSubstr("-i-")) << path;
  EXPECT_FALSE(nights.are_one("a/usr/same6", "b/usr/same6"));
  EXPECT_TRUE(nights.are_one("a/usr/same7", "b/usr/same7"));
}

TEST_F(VunifyTrust, LeavesAGuestTheLinksAndFlagsThatItMadeOfWhatItWasGivenBack) {
  Nights nights("ext4");
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  fill(nights);
  ASSERT_EQ(nights.run().status, 0);
  const auto inode = nights.ino("a/usr/same6");
  ASSERT_EQ(run({"vunify", "-R", "--state", nights.state_dir(), nights / "a", nights / "b"}).status, 0);
  const std::string guest = nights.ino("a/usr/same6") == inode ? "a/" : "b/";
  std::filesystem::create_hard_link(nights / (guest + "usr/same6"), nights / (guest + "usr/same6too"));
  ASSERT_EQ(shell("chattr +i " + nights / (guest + "usr/same6")).status, 0);
  for (int night = 0; night < 2; ++night) {
    const auto report = nights.night().report;
    EXPECT_EQ(report["copied_files"], 0) << report.dump(1);
    EXPECT_TRUE(nights.are_one(guest + "usr/same6", guest + "usr/same6too"));
    EXPECT_FALSE(nights.are_one("a/usr/same6", "b/usr/same6"));
    EXPECT_THAT(shell("lsattr " + nights / (guest + "usr/same6")).out, HasSubstr("-i-"));
    EXPECT_TRUE(nights.are_one("a/usr/same7", "b/usr/same7"));
  }
}

// As a clock that was set back leaves it: an edit with an older ctime; and one with the very ctime that is known,
// which nothing can tell but the proof.
class Ctimes {
 public:
  Ctimes(Nights& nights, const Words& paths, const std::string& time) {
    std::string script;
    for (const auto& path : paths)
      for (const auto& field : {"ctime " + time, std::string("ctime_extra 0")})
        script += "set_inode_field <" + std::to_string(nights.ino(path)) + "> " + field + "\n";
    nights.unmount();
    done_ = run({"debugfs", "-w", "-f", "-", nights.device()}, script);
    nights.mount();
  }
  bool done() const { return done_.status == 0; }

 private:
  Finished done_;
};

TEST_F(VunifyTrust, FindsAnEditMadeWhileTheClockWasSetBack) {
  Nights nights("ext4");
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  fill(nights);
  ASSERT_EQ(nights.run().status, 0);
  nights.write("a/etc/own3", text('b', 903));
  ASSERT_TRUE(Ctimes(nights, {"a/etc/own3"}, "20100101000000").done());
  const auto night = nights.night();
  EXPECT_THAT(night.opened, UnorderedElementsAre("a/etc/own3", "b/etc/own3"));
  EXPECT_TRUE(nights.are_one("a/etc/own3", "b/etc/own3"));
}

TEST_F(VunifyTrust, LinksNothingWrongThoughAnEditCannotBeSeen) {
  Nights nights("ext4", {"a", "b", "c"});
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  fill(nights);
  const Words second_copies = {"a/usr/again", "a/usr/twice"};
  ASSERT_TRUE(Ctimes(nights, second_copies, "20200101000000").done());
  ASSERT_EQ(nights.run().status, 0);
  const std::string kept = nights.are_one("a/usr/again", "b/usr/twice") ? "a/usr/twice" : "a/usr/again";
  nights.write(kept, text('T'));  // known as 't'
  ASSERT_TRUE(Ctimes(nights, {kept}, "20200101000000").done());
  for (const auto* path : {"c/usr/1", "c/usr/2"}) nights.write(path, text('t'));
  nights.rest();
  const auto before = nights.images();
  const auto night = nights.night();
  EXPECT_EQ(night.finished.status, 0) << night.finished.err;
  EXPECT_THAT(night.opened, testing::Contains(kept)) << "the index has to be fooled, or this shows nothing";
  EXPECT_EQ(nights.images(), before);
  EXPECT_EQ(night.report["linked_files"], 1);
  expect_nothing_is_opened(nights, "what was found out is known");
}

// The tick in which it was read is not over: the same ctime may come again.
TEST_F(VunifyTrust, DoesNotTrustACtimeThatMayComeAgain) {
  Nights nights("ext4");
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  fill(nights);
  const Words both = {"a/etc/own3", "b/etc/own3"};
  ASSERT_TRUE(Ctimes(nights, both, "20370101000000").done());
  const auto first = nights.night();
  EXPECT_EQ(first.report["linked_files"], 13);
  nights.write("a/etc/own3", text('b', 903));
  ASSERT_TRUE(Ctimes(nights, both, "20370101000000").done());
  const auto night = nights.night();
  EXPECT_TRUE(nights.are_one("a/etc/own3", "b/etc/own3"));
  EXPECT_THAT(night.opened, UnorderedElementsAre("a/etc/own3", "b/etc/own3"));
}

TEST_F(VunifyTrust, FindsEveryRewriteDirectlyAfterARun) {
  Nights nights("ext4");
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  for (int round = 0; round < 8; ++round) {
    const auto name = "etc/" + std::to_string(round);
    nights.write("a/" + name, text('a', 700));
    nights.write("b/" + name, text(static_cast<char>('k' + round), 700));
    ASSERT_EQ(nights.run().status, 0);  // reads what was written just now
    nights.write("a/" + name, text(static_cast<char>('k' + round), 700));
    ASSERT_EQ(nights.run().status, 0);
    EXPECT_TRUE(nights.are_one("a/" + name, "b/" + name)) << round;
  }
}

}  // namespace
}  // namespace vunify::test
