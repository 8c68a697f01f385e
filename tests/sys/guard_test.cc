// SPDX-License-Identifier: Apache-2.0
// What is said and done where the guard is not loaded; what it does where it is, ./dev guard tries in a machine.
#include "sys/guard.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "kernel-cow/guard.h"
#include "sys/guard_programs.h"
#include "tests/sys/on_filesystem.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class GuardThatIsNotLoaded : public testing::Test {
 protected:
  void SetUp() override {
    if (is_guard_loaded()) GTEST_SKIP() << "this kernel has it";
    dir_.write("file", "x");
  }
  Fd file() const { return open_host(dir_ / "file", O_RDONLY); }

  const Scratch dir_;
};

TEST_F(GuardThatIsNotLoaded, TakesNothing) {
  EXPECT_EQ(error_of([&] { put_under_guard(file().get()); }), ENODEV);
  EXPECT_FALSE(is_guarded(file().get()));
  take_from_guard(file().get());
}

TEST_F(GuardThatIsNotLoaded, HasNothing) {
  const auto guarded = GuardedInodes::now();
  EXPECT_EQ(guarded.count(), 0U);
  EXPECT_FALSE(guarded.contains(stat_fd(file().get())));
}

TEST_F(GuardThatIsNotLoaded, CannotBeUnloaded) { EXPECT_FALSE(unload_guard()); }

TEST_F(GuardThatIsNotLoaded, LeavesNothingWhereItIsRefused) {
  try {
    load_guard(0);
  } catch (const GuardRefused& refused) {
    EXPECT_THAT(refused.what(), Not(HasSubstr("\n")));
    EXPECT_FALSE(std::filesystem::exists(VUNIFY_GUARD_DIRECTORY));
    return;
  }
  unload_guard();
  GTEST_SKIP() << "this kernel takes it";
}

TEST(WhatHindersTheGuard, IsOneLine) { EXPECT_THAT(what_hinders_guard(), Not(HasSubstr("\n"))); }

}  // namespace
}  // namespace vunify::test
