// SPDX-License-Identifier: Apache-2.0
#include "change/protect_again.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "sys/fd.h"
#include "tests/root_test.h"

namespace vunify::test {
namespace {

using ProtectAgain = RootTest;

// Attributes that an inode has no room for stand for a full disk.
TEST_F(ProtectAgain, ProtectsWhatCannotBeGivenBack) {
  const Scratch dir{{"f", "same"}};
  const Fd fd = open_host(dir / "f", O_RDONLY);
  auto metadata = read_metadata(fd.get());
  metadata.xattrs["user.large"] = std::string(60000, 'x');
  EXPECT_FALSE(protect_again(fd.get(), by_flag(), metadata, {}).as_proven);
  EXPECT_TRUE(is_protected(fd.get(), by_flag()));
}

TEST_F(ProtectAgain, GivesBackWhatCan) {
  const Scratch dir{{"f", "same"}};
  const Fd fd = open_host(dir / "f", O_RDONLY);
  auto metadata = read_metadata(fd.get());
  shell_or_fail("chmod 4777 " + dir / "f");
  EXPECT_FALSE(protect_again(fd.get(), by_flag(), metadata, stat_fd(fd.get()).stamp.mtime).as_proven);
  EXPECT_EQ(read_metadata(fd.get()), metadata);
  EXPECT_TRUE(protect_again(fd.get(), by_flag(), metadata, {}).as_proven);
}

}  // namespace
}  // namespace vunify::test
