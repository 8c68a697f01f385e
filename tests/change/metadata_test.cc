// SPDX-License-Identifier: Apache-2.0
#include "change/metadata.h"

#include <fcntl.h>

#include "kernel-cow/cowlink.h"
#include "sys/fd.h"
#include "sys/inode_attr.h"
#include "sys/mark.h"
#include "sys/xattr.h"
#include "tests/scratch.h"

namespace vunify::test {
namespace {

class PolicyOf : public testing::Test {
 protected:
  void sh(const std::string& command) { ASSERT_EQ(shell(command + " " + (dir_ / "file")).status, 0); }
  InodeMetadata read() const { return read_metadata(file_.get()); }

  Scratch dir_{{"file", "bytes"}};
  Fd file_ = open_host(dir_ / "file", O_RDONLY);
};

TEST_F(PolicyOf, FileIsAllThatItsInodeTells) {
  sh("chown 7:8");
  sh("chmod 4711");
  sh("setfattr -n user.note -v hello");
  sh("chattr +d");
  const auto metadata = read();
  EXPECT_EQ(metadata.mode & 07777, 04711u);
  EXPECT_EQ(std::pair(metadata.uid, metadata.gid), std::pair(7u, 8u));
  EXPECT_EQ(metadata.mtime, 1577836800);
  EXPECT_EQ(metadata.xattrs.at("user.note"), "hello");
  EXPECT_NE(metadata,
            InodeMetadata(InodeMetadata{metadata.mode, 7, 8, 0, metadata.mtime, metadata.xattrs}));  // the flag
}

TEST_F(PolicyOf, FileThatWasStatedIsTheSame) {
  sh("chmod 4711");
  sh("chattr +d");
  const int fd = file_.get();
  EXPECT_EQ(read_metadata(fd, stat_fd(fd), inode_flags(fd)), read());
}

TEST_F(PolicyOf, MarkedFileDoesNotTellTheMark) {
  const auto before = read();
  set_mark(file_.get(), {fs_id(file_.get()), stat_fd(file_.get()).ino});
  EXPECT_EQ(read(), before);
}

TEST_F(PolicyOf, FileComesBackWhateverWasSetMeanwhile) {
  sh("setfattr -n user.note -v hello");
  sh("setfattr -n user.gone -v soon");
  sh("chmod 4755");
  const auto before = read();
  sh("chown 7:8");
  sh("chmod 600");
  sh("setfattr -n user.note -v changed");
  sh("setfattr -n user.new -v new");
  sh("setfattr -x user.gone");
  set_mark(file_.get(), {fs_id(file_.get()), stat_fd(file_.get()).ino});
  restore_metadata(file_.get(), before, stat_fd(file_.get()).stamp.mtime);
  EXPECT_EQ(read(), before);
  EXPECT_TRUE(get_xattr(file_.get(), VUNIFY_MARK_XATTR));
}

TEST(Policies, AgreeInEverythingMtimeAsideIfWanted) {
  const InodeMetadata one{0100644, 0, 0, 0, 10, {}};
  InodeMetadata later = one, other = one;
  later.mtime = 11;
  other.xattrs["user.note"] = "x";
  EXPECT_TRUE(agree(one, one, true));
  EXPECT_FALSE(agree(one, later, true));
  EXPECT_TRUE(agree(one, later, false));
  EXPECT_FALSE(agree(one, other, false));
}

}  // namespace
}  // namespace vunify::test
