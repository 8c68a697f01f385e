// SPDX-License-Identifier: Apache-2.0
// A link count never proves ownership: the three ways in which it once led a write into another guest's file, and the
// mark, which no guest sees or sets.
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "tests/fuse/guest_mount.h"

namespace vunify::test {
namespace {

int write_through(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  write_all(Fd(fd).get(), "BAD", path);
  return 0;
}

class Ownership : public GuestMount {};

// 2.6 a of fuse.md: the old inode has one name left then, the other guest's.
TEST_P(Ownership, IsNotGainedByAReaderWhoOpensAgainAfterABreak) {
  share("f");
  mount();
  const Fd reader = open_host(mine("f"), O_RDONLY);
  open_host(mine("f"), O_WRONLY);
  EXPECT_EQ(write_through(proc_path(reader.get())), ESTALE);
}

// 2.6 b.
TEST_P(Ownership, IsNotGainedByRemovingTheName) {
  share("f");
  mount();
  const Fd reader = open_host(mine("f"), O_RDONLY);
  check(::unlink(mine("f").c_str()), "unlink");
  EXPECT_EQ(write_through(proc_path(reader.get())), ESTALE);
  check(::fchmod(reader.get(), 0600), "fchmod");
  EXPECT_EQ(stat_fd(reader.get()).mode & 07777, 0600u);
}

TEST_P(Ownership, OfARemovedFileThatNobodyReadsIsACopys) {
  share("f", "shared\n");
  mount();
  const Fd held = open_host(mine("f"), O_PATH);
  check(::unlink(mine("f").c_str()), "unlink");
  EXPECT_EQ(write_through(proc_path(held.get())), 0);
  EXPECT_EQ(read_all(open_host(proc_path(held.get()), O_RDONLY).get(), "f"), "BADred\n");
}

// 2.6 c.
TEST_P(Ownership, IsNotGainedThroughAFilesOwnMount) {
  share("f", "shared\n");
  mount();
  write("point", "");
  check(::mount(mine("f").c_str(), mine("point").c_str(), nullptr, MS_BIND, nullptr), "mount");
  const Fd reader = open_host(mine("f"), O_RDONLY);
  open_host(mine("f"), O_WRONLY);
  EXPECT_EQ(write_through(mine("point")), ESTALE);
  check(::umount2(mine("point").c_str(), MNT_DETACH), "umount");
}

TEST_P(Ownership, IsTheOthersWhenOnlyOneNameIsLeft) {
  share("f");
  mount();
  check(::rename(others("f").c_str(), (dir() / "kept").c_str()), "rename");
  const Fd reader = open_host(dir() / "kept", O_RDONLY);
  check(::unlink((dir() / "kept").c_str()), "unlink");
  dir().write("other/f", "shared\n");
  EXPECT_EQ(write_through(mine("f")), 0);
  EXPECT_EQ(read_all(reader.get(), "f"), "shared\n");
}

TEST_P(Ownership, ShowsOneName) {
  share("f");
  mount();
  EXPECT_EQ(dir().inode("guest/f").nlink, 1u);
}

TEST_P(Ownership, MarksAreNeitherSeenNorSet) {
  share("f");
  mount();
  char names[256];
  const auto path = mine("f");
  EXPECT_EQ(::listxattr(path.c_str(), names, sizeof names), 0);
  EXPECT_EQ(error_of(::getxattr(path.c_str(), "trusted.vunify", names, sizeof names)), ENODATA);
  EXPECT_EQ(error_of(::setxattr(path.c_str(), "trusted.vunify", "x", 1, 0)), EPERM);
  EXPECT_EQ(error_of(::removexattr(path.c_str(), "trusted.vunify")), ENODATA);
  EXPECT_TRUE(is_shared("f"));
}

TEST_P(Ownership, OfTwoNamesOfOneInodeIsTwoFiles) {
  share("f", "shared\n");
  check(::link(others("f").c_str(), mine("g").c_str()), "link");
  mount();
  EXPECT_NE(dir().inode("guest/f").ino, dir().inode("guest/g").ino);
  EXPECT_EQ(write_through(mine("g")), 0);
  EXPECT_EQ(read("g"), "BADred\n");
  EXPECT_EQ(read("f"), "shared\n");
}

TEST_P(Ownership, OfTwoNamesOneMovedOverTheOtherIsOneFile) {
  share("f", "shared\n");
  check(::link(others("f").c_str(), mine("g").c_str()), "link");
  mount();
  dir().inode("guest/f");
  dir().inode("guest/g");
  check(::rename(mine("f").c_str(), mine("g").c_str()), "rename");
  EXPECT_EQ(dir().names("guest"), std::vector<std::string>{"g"});
}

INSTANTIATE_TEST_SUITE_P(BothWays, Ownership, everywhere, name_of_each);

}  // namespace
}  // namespace vunify::test
