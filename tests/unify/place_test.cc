// SPDX-License-Identifier: Apache-2.0
#include "unify/place.h"

#include <gmock/gmock.h>

#include "guest/adopt.h"
#include "tests/scene.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Places, GuestsOfOneMountHaveOneWithAStagingDirectory) {
  const Scratch dir{{"a/f", "same"}, {"b/f", "same"}};
  Scene scene(dir, {"a", "b"});
  Places places(under(by_flag(), scene.guests), false);
  ASSERT_EQ(places.all().size(), 1u);
  EXPECT_THAT(places.all()[0].guests, ElementsAre(0, 1));
  EXPECT_EQ(places.all()[0].staging->path(), dir / ".vunify");
  places.close();
  EXPECT_THAT(dir.names(), ElementsAre("a", "b"));
}

TEST(Places, ADryRunMakesNothing) {
  const Scratch dir{{"a/f", "same"}, {"b/f", "same"}};
  Scene scene(dir, {"a", "b"});
  const Places places(under(by_flag(), scene.guests), true);
  EXPECT_EQ(places.all()[0].protection, by_flag());
  EXPECT_FALSE(places.all()[0].staging);
  EXPECT_THAT(dir.names(), ElementsAre("a", "b"));
}

TEST(Places, GuestsWithoutProtectionAreLeftAloneAndTold) {
  const LoopFs fs("ext4");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const Scratch dir({{"a/f", "same"}, {"b/f", "same"}}, fs.root());
  Scene scene(dir, {"a", "b"});
  const Places places(under(Protection::reflink, scene.guests), false);
  EXPECT_EQ(places.all()[0].protection, Protection::none);
  EXPECT_THAT(places.all()[0].reason, HasSubstr("--protect=immutable"));
  EXPECT_THAT(places.where(Sharing::inodes), ElementsAre(no_place, no_place));
  EXPECT_THAT(dir.names(), ElementsAre("a", "b"));
  leave_unprotected(scene.scan.trees, places);
  EXPECT_EQ(scene.verdict("a/f"), Verdict::no_protection);
}

TEST(Places, AdoptedGuestsAreApartUnderCowWithStagingWhereTheyLie) {
  const Scratch dir{{"a/f", "same"}, {"b/f", "same"}, {"c/f", "same"}};
  for (const auto* guest : {"b", "c"}) ASSERT_FALSE(adopt(dir / guest));
  auto guests = open_guests({dir / "a", dir / "b", dir / "c"}).guests;
  Places places(under(std::nullopt, guests), false);
  ASSERT_EQ(places.all().size(), 2u);
  EXPECT_THAT(places.of(1).guests, ElementsAre(1, 2));
  EXPECT_EQ(places.of(1).protection, Protection::cow);
  EXPECT_EQ(places.of(1).staging->path(), dir / ".vcow/.vunify");
  EXPECT_EQ(Places(under(by_flag(), guests), true).of(1).protection, Protection::none);
}

// One staging directory is in their parent: they share it, and nothing else.
TEST(Places, GroupsAreApartInOneStagingDirectory) {
  const Scratch dir{{"a/f", "same"}, {"b/f", "same"}, {"c/f", "same"}};
  Scene scene(dir, {"a", "b", "c"});
  scene.guests[2].rules.group = "web";
  Places places(under(by_flag(), scene.guests), false);
  ASSERT_EQ(places.all().size(), 2u);
  EXPECT_THAT(places.of(0).guests, ElementsAre(0, 1));
  EXPECT_EQ(places.of(0).staging, places.of(2).staging);
  EXPECT_TRUE(places.shares_staging(places.number_of(2)));
  places.close();
  EXPECT_THAT(dir.names(), ElementsAre("a", "b", "c"));
}

TEST(Places, WhatIsProtectedOtherwiseIsApart) {
  const Scratch dir{{"a/f", "same"}, {"b/f", "same"}};
  Scene scene(dir, {"a", "b"});
  under(by_flag(), scene.guests)[1].rules.protect = Protection::reflink;
  const Places places(scene.guests, true);
  ASSERT_EQ(places.all().size(), 2u);
  EXPECT_EQ(places.of(0).protection, by_flag());
  EXPECT_NE(places.of(1).protection, by_flag());
}

TEST(Places, ASecondRunFindsThemTaken) {
  const Scratch dir{{"a/f", "same"}, {"b/f", "same"}};
  Scene scene(dir, {"a", "b"});
  const Places first(under(by_flag(), scene.guests), false);
  try {
    const Places second(under(by_flag(), scene.guests), false);
    FAIL() << "two runs in one staging directory";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), EWOULDBLOCK);
  }
}

TEST(Places, MountsOfOneFilesystemAreApartAndTheirLoneFilesTellSo) {
  const LoopFs fs("ext4");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const Scratch dir({{"a/f", "same"}, {"b/f", "same"}, {"c/d/f", "same"}, {"e/g", ""}}, fs.root());
  ASSERT_EQ(shell("mount --bind " + (dir / "c") + " " + (dir / "e")).status, 0);
  Scene scene(dir, {"a", "b", "e/d"}, {}, {0, 0, 1});
  const Places places(under(by_flag(), scene.guests), true);
  ASSERT_EQ(places.all().size(), 2u);
  name_other_mounts(scene.guests, places, scene.scan.trees);
  EXPECT_EQ(scene.verdict("d/f"), Verdict::other_mount);
}

TEST(SwapFiles, AreNamedWhileTheKernelSwapsToThem) {
  const LoopFs fs("ext4");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const Scratch dir({{"a/swap", std::string(1 << 20, '\0')}, {"b/f", "other"}}, fs.root());
  if (shell("chmod 600 " + (dir / "a/swap") + " && mkswap " + (dir / "a/swap")).status != 0) GTEST_SKIP();
  Scene scene(dir, {"a", "b"}, {.metadata = false}, {0, 0});
  auto& verdict = scene.scan.trees[0].file(0).verdict;
  verdict = Verdict::open;
  name_swap_files(scene.guests, scene.scan.trees);
  EXPECT_EQ(verdict, Verdict::open);
  const auto on = shell("swapon " + (dir / "a/swap"));
  if (on.status != 0) GTEST_SKIP() << on.err;
  name_swap_files(scene.guests, scene.scan.trees);
  shell_or_fail("swapoff " + (dir / "a/swap"));
  EXPECT_EQ(verdict, Verdict::swap_file);
}

TEST(Places, SubvolumesShareDataButNoNames) {
  const LoopFs fs("btrfs");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  for (const auto* guest : {"a", "b"}) ASSERT_EQ(shell("btrfs subvolume create " + (fs / guest)).status, 0);
  auto guests = open_guests({fs / "a", fs / "b"}).guests;
  EXPECT_EQ(Places(under(Protection::reflink, guests), true).all().size(), 1u);
  EXPECT_EQ(Places(under(by_flag(), guests), true).all().size(), 2u);
}

}  // namespace
}  // namespace vunify::test
