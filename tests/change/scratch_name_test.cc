// SPDX-License-Identifier: Apache-2.0
#include "change/scratch_name.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <filesystem>

#include "sys/inode_attr.h"
#include "sys/scratch_name.h"
#include "tests/act_before.h"
#include "tests/scratch.h"

namespace vunify::test {
namespace {

TEST(ScratchName, IsOneThatTheKernelMakes) {
  for (const auto* leaf : {".cowlink", ".cowlink.1", ".cowlink.9", ".cowlink.7f03a2c9"})
    EXPECT_TRUE(is_scratch_leaf(leaf)) << leaf;
  for (const auto* leaf :
       {"cowlink", ".cowlin", ".cowlink.", ".cowlink.x", ".cowlink.7f03a2c90", ".cowlinks", ".cowlink-1"})
    EXPECT_FALSE(is_scratch_leaf(leaf)) << leaf;
}

TEST(ScratchName, OfAGuestsFileIsNotTheKernels) {
  const Scratch dir({{"a/.cowlink", "own"}});
  dir.make_directory("staging");
  const RootDir guest(dir / "a");
  const Fd staging = open_host(dir / "staging", O_RDONLY | O_DIRECTORY);
  EXPECT_FALSE(remove_scratch_name({&guest, ".cowlink"}, staging.get()));
  EXPECT_EQ(dir.read("a/.cowlink"), "own");
}

class ScratchNameInKernelCow : public testing::Test {
 protected:
  ScratchNameInKernelCow() : dir_{{"a/.cowlink", "left"}} {
    dir_.make_directory("staging");
    flag(FS_IUNLINK_FL, 0);
    guest_.emplace(dir_ / "a");
    staging_ = open_host(dir_ / "staging", O_RDONLY | O_DIRECTORY);
  }

  void flag(std::uint32_t set, std::uint32_t clear) const {
    change_inode_flags(open_host(dir_ / "a/.cowlink", O_RDONLY).get(), set, clear);
  }
  bool remove() const { return remove_scratch_name({&*guest_, ".cowlink"}, staging_.get()); }

  Scratch dir_;
  std::optional<RootDir> guest_;
  Fd staging_;
};

TEST_F(ScratchNameInKernelCow, GoesWithWhatTheKernelLeft) {
  EXPECT_TRUE(remove());
  EXPECT_TRUE(dir_.names("a").empty());
  EXPECT_TRUE(dir_.names("staging").empty());
}

TEST_F(ScratchNameInKernelCow, StaysWhereTheSignIsNotWhole) {
  flag(0, FS_IUNLINK_FL);
  EXPECT_FALSE(remove());
  flag(FS_IUNLINK_FL | FS_IMMUTABLE_FL, 0);  // shared
  EXPECT_FALSE(remove());
  flag(0, FS_IMMUTABLE_FL);
  std::filesystem::create_hard_link(dir_ / "a/.cowlink", dir_ / "a/mine");
  EXPECT_FALSE(remove());
  EXPECT_EQ(dir_.read("a/.cowlink"), "left");
}

// What came out is its guest's own.
TEST_F(ScratchNameInKernelCow, GivesBackWhatTheGuestPutThereMeanwhile) {
  const auto guest = [this](int nth) {
    if (nth != 1) return;
    std::filesystem::remove(dir_ / "a/.cowlink");
    dir_.write("a/.cowlink", "own");
  };
  bool is_removed = true;
  act_before(
      SYS_renameat2, [&] { is_removed = remove(); }, guest);
  EXPECT_FALSE(is_removed);
  EXPECT_EQ(dir_.read("a/.cowlink"), "own");
  EXPECT_TRUE(dir_.names("staging").empty());
}

// And once more: the first of the two is kept where no guest looks.
TEST_F(ScratchNameInKernelCow, KeepsBothThatTheGuestPutThereMeanwhile) {
  const auto guest = [this](int nth) {
    if (nth == 1) std::filesystem::remove(dir_ / "a/.cowlink");
    dir_.write("a/.cowlink", nth == 1 ? "first" : "second");
  };
  int error = 0;
  const auto work = [&] {
    try {
      remove();
    } catch (const std::system_error& taken) {
      error = taken.code().value();
    }
  };
  act_before(SYS_renameat2, work, guest);
  EXPECT_EQ(error, EEXIST);
  EXPECT_EQ(dir_.read("a/.cowlink"), "second");
  EXPECT_EQ(dir_.read("staging/.cowlink"), "first");
}

}  // namespace
}  // namespace vunify::test
