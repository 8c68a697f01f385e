// SPDX-License-Identifier: Apache-2.0
// Names of shared files are the guest's own: moved and removed without a copy.
#include <sys/stat.h>

#include "tests/fuse/guest_mount.h"

namespace vunify::test {
namespace {

int rename2(const std::string& from, const std::string& to, unsigned flags) {
  return error_of(::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags));
}

class Names : public GuestMount {};

TEST_P(Names, OfSharedFilesAreMovedWithoutACopy) {
  share("f", "shared\n");
  mount();
  EXPECT_EQ(rename2(mine("f"), mine("g"), 0), 0);
  EXPECT_EQ(read("g"), "shared\n");
  EXPECT_TRUE(is_shared("f"));
}

TEST_P(Names, OfSharedFilesAreRemovedWithoutACopy) {
  share("f");
  mount();
  const Fd reader = open_host(mine("f"), O_RDONLY);
  check(::unlink(mine("f").c_str()), "unlink");
  EXPECT_FALSE(dir().exists("guest/f"));
  EXPECT_EQ(read_all(reader.get(), "f"), "shared\n");
  EXPECT_EQ(stat_fd(reader.get()).nlink, 0u);
  EXPECT_EQ(dir().inode("other/f").nlink, 1u);
}

TEST_P(Names, MovedOverASharedFileTakeItsPlace) {
  share("f");
  write("g", "new\n");
  mount();
  EXPECT_EQ(rename2(mine("g"), mine("f"), 0), 0);
  EXPECT_EQ(read("f"), "new\n");
}

TEST_P(Names, AreExchanged) {
  share("a", "one\n");
  share("b", "two\n");
  mount();
  EXPECT_EQ(read("a") + read("b"), "one\ntwo\n");
  EXPECT_EQ(rename2(mine("a"), mine("b"), RENAME_EXCHANGE), 0);
  EXPECT_EQ(read("a") + read("b"), "two\none\n");
  write("a", "new\n");
  EXPECT_EQ(read("a") + read("b"), "new\none\n");
  EXPECT_TRUE(is_shared("a"));
}

TEST_P(Names, AreFollowedWhereTheyWereMoved) {
  share("d/f", "shared\n");
  share("e/x");
  mount();
  const Fd held = open_host(mine("d/f"), O_PATH);
  EXPECT_EQ(rename2(mine("d/f"), mine("e/g"), 0), 0);
  EXPECT_EQ(rename2(mine("e"), mine("moved"), 0), 0);
  write_all(open_host(proc_path(held.get()), O_WRONLY).get(), "S", "f");
  EXPECT_EQ(read("moved/g"), "Shared\n");
}

TEST_P(Names, ThatAreThereAreNotReplacedByNoreplace) {
  share("f");
  write("g", "");
  mount();
  EXPECT_EQ(rename2(mine("g"), mine("f"), RENAME_NOREPLACE), EEXIST);
  EXPECT_EQ(rename2(mine("f"), mine("h"), RENAME_WHITEOUT), 0);
  EXPECT_TRUE(S_ISCHR(dir().inode("guest/f").mode));
}

TEST_P(Names, OfALinkedFileOutliveTheFirst) {
  write("a", "mine\n");
  check(::link(mine("a").c_str(), mine("b").c_str()), "link");
  mount();
  EXPECT_EQ(read("a"), "mine\n");
  check(::unlink(mine("a").c_str()), "unlink");
  write("b", "more\n");
  EXPECT_EQ(read("b"), "more\n");
  EXPECT_EQ(dir().inode("guest/b").nlink, 1u);
}

TEST_P(Names, OfUnnamedFilesAreGivenLater) {
  mount();
  const Fd file = open_host(mine(""), O_TMPFILE | O_RDWR, 0640);
  write_all(file.get(), "new\n", "f");
  check(::linkat(AT_FDCWD, proc_path(file.get()).c_str(), AT_FDCWD, mine("f").c_str(), AT_SYMLINK_FOLLOW), "linkat");
  EXPECT_EQ(read("f"), "new\n");
  EXPECT_EQ(dir().inode("guest/f").mode & 07777, 0640u);
}

TEST_P(Names, OfARemovedFileAreNotTheFiles) {
  mount();
  write("f", "old\n");
  const Fd file = open_host(mine("f"), O_RDWR);
  check(::unlink(mine("f").c_str()), "unlink");
  write("f", "new\n");
  write_all(file.get(), "OLD\n", "f");
  resize(file.get(), 3, "f");
  EXPECT_EQ(stat_fd(file.get()).stamp.size, 3u);
  EXPECT_EQ(stat_fd(file.get()).nlink, 0u);
  EXPECT_EQ(read("f"), "new\n");
}

TEST_P(Names, InADirectoryAreListedWithTheirNumbers) {
  share("f");
  for (int i = 0; i < 300; ++i) write("d/name" + std::to_string(i), "");
  mount();
  EXPECT_EQ(dir().names("guest/d").size(), 300u);
  EXPECT_EQ(shell("ls -i1 " + mine("") + " && stat -c '%i %n' " + mine("f") + " | sed s,/.*/,,").status, 0);
  EXPECT_EQ(shell("cd " + mine("d") + " && rm -rf * && ls | wc -l").out, "0\n");
}

INSTANTIATE_TEST_SUITE_P(BothWays, Names, everywhere, name_of_each);

}  // namespace
}  // namespace vunify::test
