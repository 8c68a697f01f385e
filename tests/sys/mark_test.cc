// SPDX-License-Identifier: Apache-2.0
#include "sys/mark.h"

#include "kernel-cow/cowlink.h"
#include "sys/inode_attr.h"
#include "sys/xattr.h"
#include "tests/sys/on_filesystem.h"

namespace vunify::test {
namespace {

FileId id_of(int fd) { return {fs_id(fd), stat_fd(fd).ino}; }
bool has_valid_mark(int fd) { return is_marked(fd, id_of(fd)); }

class MarkOn : public OnFilesystem {
 protected:
  void SetUp() override {
    OnFilesystem::SetUp();
    if (!dir_) return;
    dir().write("file", "bytes");
    sync_filesystem(directory().get(), "file");
  }
};
INSTANTIATE_TEST_SUITE_P(Each, MarkOn, each_filesystem, filesystem_name);

TEST_P(MarkOn, IsSetAndCleared) {
  const Fd file = reader("file");
  EXPECT_FALSE(has_valid_mark(file.get()));
  set_mark(file.get(), id_of(file.get()));
  EXPECT_TRUE(has_valid_mark(file.get()));
  EXPECT_EQ(mark_at(directory().get(), "file", id_of(file.get())), Mark::valid);
  clear_mark(file.get());
  EXPECT_FALSE(get_xattr(file.get(), VUNIFY_MARK_XATTR));
}

TEST_P(MarkOn, CostsNoBlock) {
  const Fd file = reader("file");
  const auto before = stat_fd(file.get()).blocks;
  set_mark(file.get(), id_of(file.get()));
  sync_filesystem(file.get(), "file");
  EXPECT_EQ(stat_fd(file.get()).blocks, before);
}

TEST_P(MarkOn, IsVoidWhenCopied) {
  const Fd file = reader("file");
  set_mark(file.get(), id_of(file.get()));
  ASSERT_EQ(shell("cp --preserve=xattr " + (dir() / "file") + " " + (dir() / "copy")).status, 0);
  const Fd copy = reader("copy");
  EXPECT_EQ(get_xattr(copy.get(), VUNIFY_MARK_XATTR), get_xattr(file.get(), VUNIFY_MARK_XATTR));
  EXPECT_EQ(mark_on(copy.get(), id_of(copy.get())), Mark::stale);
}

TEST_P(MarkOn, IsStaleOnceTheFilesystemHasAnotherUuid) {
  dir().write("file", "bytes");
  const auto path = dir() / "file";
  {
    const Fd file = open_host(path, O_RDONLY);
    set_mark(file.get(), id_of(file.get()));
  }
  fs_.change_uuid();
  const Fd file = open_host(path, O_RDONLY);
  EXPECT_EQ(mark_on(file.get(), id_of(file.get())), Mark::stale);
  EXPECT_TRUE(vunify::has_mark(file.get()));
}

TEST_P(MarkOn, OfAnotherFormIsNotOurs) {
  const Fd file = reader("file");
  set_xattr(file.get(), VUNIFY_MARK_XATTR, "somebody's");
  EXPECT_EQ(mark_on(file.get(), id_of(file.get())), Mark::none);
}

TEST_P(MarkOn, IsRefusedByAnImmutableInode) {
  const Fd file = reader("file");
  change_inode_flags(file.get(), FS_IMMUTABLE_FL, 0);
  EXPECT_EQ(error_of([&] { set_mark(file.get(), id_of(file.get())); }), EPERM);
}

TEST(Mark, IsVoidInASnapshot) {
  const LoopFs fs("btrfs");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  ASSERT_EQ(shell("btrfs subvolume create " + (fs / "a") + " && echo x > " + (fs / "a/file")).status, 0);
  const Fd file = open_host(fs / "a/file", O_RDONLY);
  set_mark(file.get(), id_of(file.get()));
  ASSERT_EQ(shell("btrfs subvolume snapshot " + (fs / "a") + " " + (fs / "b")).status, 0);
  const Fd copy = open_host(fs / "b/file", O_RDONLY);
  EXPECT_EQ(stat_fd(copy.get()).ino, stat_fd(file.get()).ino);
  EXPECT_TRUE(get_xattr(copy.get(), VUNIFY_MARK_XATTR));
  EXPECT_FALSE(has_valid_mark(copy.get()));
}

}  // namespace
}  // namespace vunify::test
