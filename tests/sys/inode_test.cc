// SPDX-License-Identifier: Apache-2.0
#include "sys/inode.h"

#include <sys/stat.h>

#include <utility>

#include "sys/inode_attr.h"
#include "tests/eventually.h"
#include "tests/sys/on_filesystem.h"

namespace vunify::test {
namespace {

class InodeOn : public OnFilesystem {};
INSTANTIATE_TEST_SUITE_P(Each, InodeOn, each_filesystem, filesystem_name);

TEST_P(InodeOn, FsIdSurvivesARemount) {
  const auto id_now = [&] { return fs_id(open_host(fs_.root(), O_RDONLY | O_DIRECTORY).get()); };
  const auto before = id_now();
  fs_.remount();
  EXPECT_EQ(id_now(), before);
}

TEST_P(InodeOn, FsIdIsItsOwn) {
  const LoopFs another(GetParam());
  ASSERT_TRUE(another.ok());
  EXPECT_NE(fs_id(directory().get()), fs_id(open_host(another.root(), O_RDONLY).get()));
}

TEST_P(InodeOn, StampMovesWithEveryChange) {
  dir().write("a", "a");
  const auto before = dir().inode("a").stamp;
  EXPECT_TRUE(eventually([&] {  // once the kernel's clock has ticked
    return ::chmod((dir() / "a").c_str(), 0600) == 0 && dir().inode("a").stamp.ctime > before.ctime;
  }));
  EXPECT_EQ(dir().inode("a").stamp.mtime, before.mtime);
}

TEST_P(InodeOn, FlagsAreSeen) {
  dir().write("a", "a");
  EXPECT_FALSE(dir().inode("a").immutable);
  change_inode_flags(reader("a").get(), FS_IMMUTABLE_FL | FS_NOATIME_FL, 0);
  EXPECT_TRUE(dir().inode("a").immutable);
  change_inode_flags(reader("a").get(), 0, FS_IMMUTABLE_FL);
  EXPECT_FALSE(dir().inode("a").immutable);
  EXPECT_TRUE(inode_flags(reader("a").get()) & FS_NOATIME_FL);
}

TEST_P(InodeOn, FsIdIsWhatBlkidSays) {
  const auto uuid = shell("blkid -o value -s UUID " + fs_.device()).out;
  EXPECT_EQ(to_string(fs_id(directory().get())).substr(0, 36) + "\n", uuid);
}

TEST(Inode, SubvolumesHaveIdsOfTheirOwn) {
  const LoopFs fs("btrfs");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  ASSERT_EQ(shell("cd " + fs.root() + " && btrfs subvolume create a && btrfs subvolume create b").status, 0);
  const auto a = fs_id(open_host(fs / "a", O_RDONLY).get()), b = fs_id(open_host(fs / "b", O_RDONLY).get());
  EXPECT_EQ(std::pair(a.uuid_high, a.uuid_low), std::pair(b.uuid_high, b.uuid_low));
  EXPECT_NE(a.subvolume, b.subvolume);
  EXPECT_NE(to_string(a), to_string(b));
}

TEST(Inode, ANameThatIsNotThereIsAnAnswer) {
  const Scratch dir;
  EXPECT_FALSE(stat_name(open_host(dir.root(), O_RDONLY).get(), "nothing"));
}

}  // namespace
}  // namespace vunify::test
