// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/inode_attr.h"
#include "sys/mark.h"
#include "tests/scratch.h"

namespace vunify {
namespace {

using test::run;
using test::Scratch;
using test::shell;
using testing::HasSubstr;

void protect(const std::string& path) { change_inode_flags(open_host(path, O_RDONLY).get(), FS_IMMUTABLE_FL, 0); }

void mark(const std::string& path) {
  const Fd fd = open_host(path, O_RDONLY);
  set_mark(fd.get(), {fs_id(fd.get()), stat_fd(fd.get()).ino});
}

TEST(Showattr, OfAPlainFileIsAllLower) {
  const Scratch dir({{"a", "x"}});
  EXPECT_EQ(run({"showattr", dir / "a"}).out, "------ic- " + dir / "a" + "\n");
}

TEST(Showattr, ShowsImmutable) {
  const Scratch dir({{"a", "x"}});
  protect(dir / "a");
  EXPECT_EQ(run({"showattr", dir / "a"}).out, "------Ic- " + dir / "a" + "\n");
}

TEST(Showattr, ShowsASharedInode) {
  const Scratch dir({{"a", "x"}});
  mark(dir / "a");
  EXPECT_EQ(run({"showattr", dir / "a"}).out, "------ic- " + dir / "a" + "\n") << "marked, but not protected";
  protect(dir / "a");
  EXPECT_EQ(run({"showattr", dir / "a"}).out, "------IC- " + dir / "a" + "\n");
}

TEST(Showattr, DoesNotBelieveACopiedMark) {
  const Scratch dir({{"a", "x"}});
  mark(dir / "a");
  shell("cp --preserve=all '" + dir / "a" + "' '" + dir / "b" + "'");
  protect(dir / "b");
  EXPECT_EQ(run({"showattr", dir / "b"}).out, "------Ic- " + dir / "b" + "\n");
}

TEST(Showattr, ListsFilesBeforeDirectories) {
  const Scratch dir({{"a/in", "x"}, {"b", "x"}, {".hidden", "x"}});
  const std::string top = dir.root();
  EXPECT_EQ(run({"showattr", top}).out, "------i-- " + top + "\n------ic- " + top + "/b\n------i-- " + top + "/a\n");
  EXPECT_EQ(run({"showattr", "-d", top}).out, "------i-- " + top + "\n");
  EXPECT_THAT(run({"showattr", "-a", top}).out, HasSubstr("/.hidden\n"));
  EXPECT_EQ(run({"showattr", "-R", top}).out,
            "------i-- " + top + "\n------ic- " + top + "/b\n------i-- " + top + "/a\n------ic- " + top + "/a/in\n");
}

TEST(Showattr, ShowsTheCurrentDirectoryByDefault) {
  const Scratch dir({{"a", "x"}});
  EXPECT_EQ(shell("cd '" + dir.root() + "' && \"" VUNIFY_BIN_DIR "/showattr\"").out, "------i-- .\n------ic- ./a\n");
}

TEST(Showattr, NeitherFollowsLinksNorWaitsForPipes) {
  const Scratch dir({{"a/in", "x"}});
  ASSERT_EQ(::symlink("a", (dir / "link").c_str()), 0);
  ASSERT_EQ(::mkfifo((dir / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(run({"showattr", "-R", dir / "link", dir / "pipe"}).out,
            "--------- " + dir / "link" + "\n--------- " + dir / "pipe" + "\n");
}

TEST(Showattr, GoesOnAfterAnError) {
  const Scratch dir({{"a", "x"}});
  const auto shown = run({"showattr", dir / "none", dir / "a"});
  EXPECT_EQ(shown.status, 1);
  EXPECT_EQ(shown.out, "ERR       " + dir / "none" + "\n------ic- " + dir / "a" + "\n");
  EXPECT_EQ(shown.err, "showattr: " + dir / "none" + ": No such file or directory\n");
}

TEST(Showattr, GivesAPipeTheNameAsItIs) {
  const Scratch dir({{"a\x1b\nb", "x"}});
  EXPECT_EQ(run({"showattr", dir / "a\x1b\nb"}).out, "------ic- " + dir / "a\x1b\nb" + "\n");
}

TEST(Showattr, EscapesTheNameOnATerminal) {
  const Scratch dir({{"a\x1b\nb", "x"}});
  // script(1) runs it with a pseudo-terminal as its standard output.
  const auto shown = shell("cd '" + dir.root() + "' && script -qec '\"" VUNIFY_BIN_DIR "/showattr\" .' /dev/null");
  EXPECT_THAT(shown.out, HasSubstr("./a\\x1B\\nb\r\n"));
}

// As util-vserver printed it.
TEST(ShowattrInKernelCow, ShowsWhatAnOldHostDid) {
  const Scratch dir({{"d/a", "x"}});
  EXPECT_EQ(run({"showattr", dir / "d"}).out, "----buic- " + dir / "d" + "\n-----uic- " + dir / "d/a" + "\n");
  EXPECT_EQ(run({"setattr", "--iunlink", dir / "d/a"}).status, 0);
  EXPECT_EQ(run({"setattr", "--barrier", dir / "d"}).status, 0);
  EXPECT_EQ(run({"showattr", dir / "d"}).out, "----Buic- " + dir / "d" + "\n-----UIC- " + dir / "d/a" + "\n");
}

TEST(Showattr, StaysOnOneFilesystem) {
  const test::LoopFs fs("ext4", 32);
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const Scratch dir({{"sub/in", "x"}}, fs.root());
  ASSERT_EQ(shell("mount -t tmpfs none '" + dir / "sub" + "' && touch '" + dir / "sub/other" + "'").status, 0);
  EXPECT_THAT(run({"showattr", "-R", dir.root()}).out, HasSubstr("/sub/other\n"));
  EXPECT_THAT(run({"showattr", "-Rx", dir.root()}).out, Not(HasSubstr("/sub")));
  shell("umount '" + dir / "sub" + "'");
}

}  // namespace
}  // namespace vunify
