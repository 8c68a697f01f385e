// SPDX-License-Identifier: Apache-2.0
#include "sys/link.h"

#include <sys/syscall.h>

#include <filesystem>
#include <optional>

#include "kernel-cow/cowlink.h"
#include "sys/clone.h"
#include "sys/handle.h"
#include "sys/inode_attr.h"
#include "sys/mark.h"
#include "sys/xattr.h"
#include "tests/act_before.h"
#include "tests/sys/on_filesystem.h"

namespace vunify::test {
namespace {

class LinkOn : public OnFilesystem {
 protected:
  void SetUp() override {
    OnFilesystem::SetUp();
    if (!dir_) return;
    for (const auto* path : {"guest", "staging"}) dir().make_directory(path);
    staging_ = directory("staging");
  }

  StagedName staged(const std::string& leaf) const { return {staging_.get(), leaf}; }

  Fd staging_;
};
INSTANTIATE_TEST_SUITE_P(Each, LinkOn, each_filesystem, filesystem_name);

TEST_P(LinkOn, PreparedIsOneMoreNameOfTheInode) {
  dir().write("guest/a", "a");
  prepare_link(reader("guest/a").get(), staged("1"));
  EXPECT_EQ(dir().inode("guest/a").ino, dir().inode("staging/1").ino);
  EXPECT_EQ(stat_staged(staged("1")).nlink, 2u);
}

TEST_P(LinkOn, WhatWasOpenedThroughAViewIsHeldWhereItIsLinked) {
  dir().write("guest/a", "a");
  RootDir guest(dir() / "guest");
  guest.make_view();
  if (!guest.has_view()) GTEST_SKIP() << "no views here";
  const Fd file = guest.open_to_read("a");
  EXPECT_EQ(error_of([&] { prepare_link(file.get(), staged("1")); }), EXDEV);
  prepare_link(hold_on_mount_of(staging_.get(), file.get()).get(), staged("1"));
  EXPECT_EQ(dir().inode("guest/a").ino, dir().inode("staging/1").ino);
}

TEST_P(LinkOn, AnImmutableInodeGetsNoName) {
  dir().write("guest/a", "a");
  const Fd file = reader("guest/a");
  change_inode_flags(file.get(), FS_IMMUTABLE_FL, 0);
  EXPECT_EQ(error_of([&] { prepare_link(file.get(), staged("1")); }), EPERM);
  EXPECT_TRUE(dir().names("staging").empty());
}

TEST_P(LinkOn, ExchangeSwapsBothAndKeepsTheDirectorysTime) {
  dir().write("guest/a", "theirs");
  dir().write("staging/1", "ours");
  ASSERT_EQ(shell("touch -d '2020-02-02' " + (dir() / "guest")).status, 0);
  const auto before = dir().inode("guest").stamp.mtime;
  exchange(staged("1"), {directory("guest"), "a"});
  EXPECT_EQ(dir().read("guest/a"), "ours");
  EXPECT_EQ(dir().read("staging/1"), "theirs");
  EXPECT_EQ(dir().inode("guest").stamp.mtime, before);
}

class ExchangeBesideAGuest : public LinkOn {
 protected:
  // The guest adds a file before this call of ours; it must show in the directory's mtime.
  void expect_told(long call, bool once_exchanged) {
    dir().write("guest/a", "theirs");
    dir().write("staging/1", "ours");
    ASSERT_EQ(shell("touch -d '2020-02-02' " + (dir() / "guest")).status, 0);
    const Name name{directory("guest"), "a"};
    std::optional<Timestamp> added;
    act_before(
        call, [&] { exchange(staged("1"), name); },
        [&](int) {
          if (added || (dir().read("staging/1") == "theirs") != once_exchanged) return;
          dir().write("guest/b", "");
          added = dir().inode("guest").stamp.mtime;
        });
    ASSERT_TRUE(added);
    EXPECT_GE(dir().inode("guest").stamp.mtime, *added);
  }
};
INSTANTIATE_TEST_SUITE_P(Each, ExchangeBesideAGuest, each_filesystem, filesystem_name);

TEST_P(ExchangeBesideAGuest, TellsOfAFileAddedBefore) { expect_told(SYS_renameat2, false); }
TEST_P(ExchangeBesideAGuest, TellsOfAFileAddedRightAfter) { expect_told(SYS_read, true); }
TEST_P(ExchangeBesideAGuest, TellsOfAFileAddedBeforeTheTimeGoesBack) { expect_told(SYS_utimensat, true); }

TEST_P(LinkOn, ExchangeLeavesTheTimeThatAGuestGaveItsDirectoryMeanwhile) {
  dir().write("guest/a", "theirs");
  dir().write("staging/1", "ours");
  const Name name{directory("guest"), "a"};
  act_before(
      SYS_read, [&] { exchange(staged("1"), name); },
      [&](int) {
        if (dir().read("staging/1") == "theirs") shell("touch -d @1580601600 " + (dir() / "guest"));
      });
  EXPECT_EQ(dir().inode("guest").stamp.mtime.sec, 1580601600);
}

TEST_P(LinkOn, ExchangeWithANameThatIsGoneChangesNothing) {
  dir().write("staging/1", "ours");
  EXPECT_EQ(error_of([&] { exchange(staged("1"), {directory("guest"), "a"}); }), ENOENT);
  EXPECT_EQ(dir().read("staging/1"), "ours");
  EXPECT_TRUE(dir().names("guest").empty());
}

TEST_P(LinkOn, ExchangeOfAnImmutableInodeIsRefused) {
  dir().write("guest/a", "theirs");
  dir().write("staging/1", "ours");
  change_inode_flags(reader("guest/a").get(), FS_IMMUTABLE_FL, 0);
  EXPECT_EQ(error_of([&] { exchange(staged("1"), {directory("guest"), "a"}); }), EPERM);
  EXPECT_EQ(dir().read("guest/a"), "theirs");
}

TEST_P(LinkOn, CopyKeepsAllTheGuestCanSee) {
  dir().write("guest/a", "bytes");
  const auto path = dir() / "guest/a";
  const auto made = shell("chown 1000:1001 " + path + " && chmod 06751 " + path + " && setfacl -m u:1234:r " + path +
                          " && setfattr -n user.note -v hello " + path + " && setcap cap_net_raw+ep " + path +
                          " && chattr +d " + path + " && touch -m -d '2021-03-04 05:06:07.089' " + path);
  ASSERT_EQ(made.status, 0) << made.err;
  prepare_copy(reader("guest/a").get(), staged("a"));
  EXPECT_EQ(image_of(dir() / "guest"), image_of(dir() / "staging"));
  const auto from = dir().inode("guest/a"), to = dir().inode("staging/a");
  EXPECT_NE(from.ino, to.ino);
  EXPECT_EQ(from.mode, to.mode);
  EXPECT_EQ(from.stamp.mtime, to.stamp.mtime);
  EXPECT_TRUE(inode_flags(reader("staging/a").get()) & FS_NODUMP_FL);
}

TEST_P(LinkOn, CopyIsPrivate) {
  dir().write("guest/a", "bytes");
  const Fd file = open_host(dir() / "guest/a", O_RDWR);
  set_mark(file.get(), {fs_id(file.get()), stat_fd(file.get()).ino});
  change_inode_flags(file.get(), FS_IMMUTABLE_FL, 0);
  prepare_copy(file.get(), staged("a"));
  const Fd copy = reader("staging/a");
  EXPECT_FALSE(get_xattr(copy.get(), VUNIFY_MARK_XATTR));
  EXPECT_FALSE(stat_fd(copy.get()).immutable);
}

TEST_P(LinkOn, CopyKeepsHoles) {
  const auto path = dir() / "guest/a";
  ASSERT_EQ(shell("truncate -s 8M " + path + " && printf middle | dd of=" + path +
                  " bs=1M seek=4 conv=notrunc status=none && sync " + path)
                .status,
            0);
  prepare_copy(reader("guest/a").get(), staged("a"));
  sync_filesystem(staging_.get(), "staging");
  EXPECT_EQ(dir().read("guest/a"), dir().read("staging/a"));
  EXPECT_LE(dir().inode("staging/a").bytes_on_disk(), dir().inode("guest/a").bytes_on_disk());
}

TEST(Link, CopyLeavesNothingOnAFullFilesystem) {
  const LoopFs fs("ext4", 16);
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  ASSERT_EQ(shell("head -c 8M /dev/urandom > " + (fs / "a") + " && mkdir " + (fs / "staging") + " && sync").status, 0);
  const Fd staging = open_host(fs / "staging", O_RDONLY | O_DIRECTORY), file = open_host(fs / "a", O_RDONLY);
  const auto free = space_of(staging.get()).free;
  EXPECT_EQ(error_of([&] { prepare_copy(file.get(), {staging.get(), "a"}); }), ENOSPC);
  sync_filesystem(staging.get(), "staging");
  EXPECT_EQ(space_of(staging.get()).free, free);
  EXPECT_EQ(shell("ls -A " + (fs / "staging")).out, "");
}

// Links are refused where the staging place lies across `border` from the file; shell makes it out of directories a, b.
void expect_refused_across(const LoopFs& fs, const std::string& border) {
  const auto made = shell("cd " + fs.root() + " && mkdir -p a && " + border + " && echo x > a/file");
  ASSERT_EQ(made.status, 0) << made.err;
  const Fd file = open_host(fs / "a/file", O_RDONLY), staging = open_host(fs / "b", O_RDONLY | O_DIRECTORY);
  EXPECT_EQ(error_of([&] { prepare_link(file.get(), {staging.get(), "1"}); }), EXDEV);
}

TEST(Link, IsRefusedAcrossBindMounts) {
  const LoopFs fs("ext4");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  expect_refused_across(fs, "mkdir b c && mount --bind c b");
  shell("umount " + (fs / "b"));
}

TEST(Link, IsRefusedAcrossSubvolumes) {
  const LoopFs fs("btrfs");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  expect_refused_across(fs, "btrfs subvolume create b");
}

TEST(Link, IsRefusedAcrossProjects) {
  const LoopFs fs("xfs");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  expect_refused_across(fs, "mkdir b && xfs_io -c 'chproj 5' -c 'chattr +P' b");
}

}  // namespace
}  // namespace vunify::test
