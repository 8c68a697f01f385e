// SPDX-License-Identifier: Apache-2.0
#include "change/choose_protection.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include "change/protection.h"
#include "sys/guard.h"
#include "sys/inode_attr.h"
#include "tests/sys/on_filesystem.h"

namespace vunify::test {
namespace {

class ChosenProtectionOn : public OnFilesystem {
 protected:
  Protection choose(std::optional<Protection> wanted) const { return choose_protection(directory().get(), wanted); }
  Protection guess(std::optional<Protection> wanted) const { return guess_protection(directory().get(), wanted); }
  bool has_iunlink() const { return (known_cowlink_flags(directory().get()) & FS_IUNLINK_FL) != 0; }
};
INSTANTIATE_TEST_SUITE_P(Each, ChosenProtectionOn, each_filesystem, filesystem_name);

TEST_P(ChosenProtectionOn, ImmutableHoldsWhereItIsNamed) {
  EXPECT_EQ(choose(Protection::immutable), Protection::immutable);
  EXPECT_EQ(guess(Protection::immutable), Protection::immutable);
}

TEST_P(ChosenProtectionOn, ReflinkHoldsWhereTheFilesystemHasIt) {
  const auto expected = GetParam() == "ext4" ? Protection::none : Protection::reflink;
  EXPECT_EQ(choose(Protection::reflink), expected);
  EXPECT_EQ(guess(Protection::reflink), expected);
}

TEST_P(ChosenProtectionOn, AutoNeverTakesImmutable) {
  if (has_iunlink() || is_guard_loaded()) GTEST_SKIP() << "this kernel has iunlink, or the guard";
  EXPECT_EQ(choose({}), choose(Protection::reflink));
  EXPECT_EQ(guess({}), guess(Protection::reflink));
}

TEST_P(ChosenProtectionOn, IunlinkIsRefusedByAKernelThatKnowsItNot) {
  if (has_iunlink()) GTEST_SKIP() << "this kernel has iunlink";
  EXPECT_EQ(choose(Protection::iunlink), Protection::none);
  EXPECT_EQ(guess(Protection::iunlink), Protection::none);
  EXPECT_THAT(what_would_help("ext4", Protection::iunlink), testing::HasSubstr("one with kernel-cow does"));
}

TEST_P(ChosenProtectionOn, GuardHoldsNothingWhereItIsNotLoaded) {
  if (is_guard_loaded()) GTEST_SKIP() << "it is";
  EXPECT_EQ(choose(Protection::guard), Protection::none);
  EXPECT_EQ(guess(Protection::guard), Protection::none);
  EXPECT_FALSE(can_protect(Protection::guard));
  EXPECT_EQ(what_would_help("ext4", Protection::guard), "the guard is not loaded: vguard load");
}

TEST_P(ChosenProtectionOn, InKernelCowIunlinkIsFirst) {
  for (const auto wanted : {std::optional<Protection>(), std::optional(Protection::iunlink)}) {
    EXPECT_EQ(choose(wanted), Protection::iunlink);
    EXPECT_EQ(guess(wanted), Protection::iunlink);
  }
}

TEST_P(ChosenProtectionOn, IsChosenOnlyWhereItTakes) {
  for (const auto wanted : {Protection::iunlink, Protection::guard, Protection::immutable}) {
    if (choose(wanted) == Protection::none) continue;
    dir().write("file", "x");
    const Fd file = reader("file");
    EXPECT_EQ(error_of([&] { protect(file.get(), wanted); }), 0) << name_of(wanted);
    EXPECT_TRUE(is_protected(file.get(), wanted)) << name_of(wanted);
    unprotect(file.get());
  }
}

TEST_P(ChosenProtectionOn, LookingLeavesNothing) {
  for (const auto wanted : {Protection::iunlink, Protection::guard, Protection::reflink, Protection::immutable}) {
    choose(wanted);
    guess(wanted);
    EXPECT_TRUE(dir().names().empty()) << name_of(wanted);
  }
}

TEST_P(ChosenProtectionOn, WhatAKilledRunLeftIsNoHindrance) {
  for (const std::string flag : {"-i", "+i"}) {
    const auto probe = dir() / std::string(probe_leaf);
    ASSERT_EQ(shell("touch " + probe + " && chattr " + flag + " " + probe).status, 0);
    EXPECT_EQ(choose(Protection::immutable), Protection::immutable);
    EXPECT_TRUE(dir().names().empty()) << flag;
  }
}

}  // namespace
}  // namespace vunify::test
