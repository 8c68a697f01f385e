// SPDX-License-Identifier: Apache-2.0
#include "sys/write_out.h"

#include "tests/root_test.h"
#include "tests/sys/on_filesystem.h"

namespace vunify::test {
namespace {

class WriteOutOn : public OnFilesystem {};
class WriteOutInOrderOn : public OnFilesystem {};
INSTANTIATE_TEST_SUITE_P(Each, WriteOutOn, each_filesystem, filesystem_name);
INSTANTIATE_TEST_SUITE_P(Each, WriteOutInOrderOn, testing::Values("ext4", "xfs"), filesystem_name);

TEST_P(WriteOutOn, KnowsWhoseLogIsInOrder) {
  EXPECT_EQ(commits_in_order(mount_of(directory().get())), GetParam() != "btrfs");
}

// The log is committed by another file's fsync, which writes out that file only.
TEST_P(WriteOutInOrderOn, LeavesTheBytesOnDiskOnceTheLogIs) {
  const std::string content(100'000, 'x');
  dir().write("file", content);
  write_out(reader("file").get(), "file");
  dir().write("other", "y");
  ASSERT_EQ(::fsync(reader("other").get()), 0);
  fs_.power_cut();
  EXPECT_EQ(dir().read("file"), content);
}

bool mounted_in_order(const std::string& mount_options, const std::string& mkfs_options) {
  const LoopFs fs("ext4", 64, mount_options, mkfs_options);
  EXPECT_TRUE(fs.ok()) << fs.reason();
  return commits_in_order(mount_of(open_host(fs.root(), O_RDONLY | O_DIRECTORY).get()));
}

using WriteOut = RootTest;

TEST_F(WriteOut, NeedsAJournalAndBarriers) {
  EXPECT_TRUE(mounted_in_order("", ""));
  EXPECT_FALSE(mounted_in_order("", "-O ^has_journal"));
  EXPECT_FALSE(mounted_in_order("nobarrier", ""));
}

TEST_F(WriteOut, NeedsTheJournalOnTheDeviceOfTheData) {
  const Scratch dir({{"point/x", ""}});
  const auto make = [&](const std::string& what, const std::string& options) {
    return "truncate -s 64M " + dir / what + " && " + what + "=$(losetup -f --show " + dir / what +
           ") && mkfs.ext4 -q -b 4096 " + options + " $" + what + " && ";
  };
  shell_or_fail("PATH=$PATH:/sbin:/usr/sbin; " + make("journal", "-O journal_dev") +
                make("data", "-J device=$journal") + "mount $data " + dir / "point" + " && losetup -d $data $journal");
  EXPECT_FALSE(commits_in_order(mount_of(open_host(dir / "point", O_RDONLY | O_DIRECTORY).get())));
}

TEST_F(WriteOut, NeedsTheDataOnTheDeviceThatIsFlushed) {
  Mount mount;
  mount.type = "xfs";
  mount.super_options = "rw,attr2,inode64";
  EXPECT_TRUE(commits_in_order(mount));
  mount.super_options += ",rtdev=/dev/sdb";
  EXPECT_FALSE(commits_in_order(mount));
}

TEST_F(WriteOut, NeedsToBeToldTheOptions) {
  const LoopFs fs("ext4", 64);
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  auto mount = mount_of(open_host(fs.root(), O_RDONLY | O_DIRECTORY).get());
  mount.super_options.clear();
  EXPECT_FALSE(commits_in_order(mount));
}

}  // namespace
}  // namespace vunify::test
