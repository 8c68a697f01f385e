// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "sys/fd.h"
#include "sys/inode_attr.h"
#include "sys/mark.h"
#include "tests/scratch.h"

namespace vunify {
namespace {

using test::Finished;
using test::run;
using test::Scratch;
using testing::HasSubstr;

constexpr std::uint32_t shared_flags = FS_IMMUTABLE_FL | FS_IUNLINK_FL;

std::uint32_t flags_of(const std::string& path) { return inode_flags(open_host(path, O_RDONLY | O_NOFOLLOW).get()); }
bool is_immutable(const std::string& path) { return (flags_of(path) & FS_IMMUTABLE_FL) != 0; }

// Whether the kernel that runs knows iunlink, found by doing.
bool knows_iunlink(const std::string& path) {
  try {
    const Fd fd = open_host(path, O_RDONLY);
    change_inode_flags(fd.get(), FS_IUNLINK_FL, 0);
    const bool taken = (inode_flags(fd.get()) & FS_IUNLINK_FL) != 0;
    change_inode_flags(fd.get(), 0, FS_IUNLINK_FL);
    return taken;
  } catch (const std::system_error&) {
    return false;
  }
}

void expect_refusal(const Finished& finished, const std::string& message) {
  EXPECT_EQ(finished.status, 1);
  EXPECT_EQ(finished.out, "");
  EXPECT_EQ(finished.err, "setattr: " + message + "\n");
}

TEST(Setattr, SetsAndClearsImmutable) {
  const Scratch dir({{"a", "x"}});
  EXPECT_EQ(run({"setattr", "--immutable", dir / "a"}).status, 0);
  EXPECT_TRUE(is_immutable(dir / "a"));
  EXPECT_EQ(run({"setattr", "--~immutable", dir / "a"}).status, 0);
  EXPECT_FALSE(is_immutable(dir / "a"));
}

TEST(Setattr, KnowsTheOtherWaysToSayIt) {
  const Scratch dir({{"a", "x"}});
  EXPECT_EQ(run({"setattr", "--flags", "0x40000", dir / "a"}).status, 0);
  EXPECT_TRUE(is_immutable(dir / "a"));
  EXPECT_EQ(run({"setattr", "--~flags=262144", dir / "a"}).status, 0);
  EXPECT_FALSE(is_immutable(dir / "a"));
  run({"setattr", "--immutable", "--", dir / "a"});
  EXPECT_EQ(run({"setattr", "--!immutable", dir / "a"}).status, 0);
  EXPECT_FALSE(is_immutable(dir / "a"));
}

TEST(Setattr, LetsClearingWin) {
  const Scratch dir({{"a", "x"}});
  EXPECT_EQ(run({"setattr", "--~immutable", "--immutable", dir / "a"}).status, 0);
  EXPECT_FALSE(is_immutable(dir / "a"));
}

TEST(Setattr, RefusesIunlinkWithoutAKernelForIt) {
  const Scratch dir({{"a", "x"}});
  if (knows_iunlink(dir / "a")) GTEST_SKIP() << "this kernel knows iunlink";
  for (const char* option : {"--iunlink", "--immu", "--ixunlink", "--iunlink-but-not-immutable", "--flags=0x60000"}) {
    expect_refusal(run({"setattr", option, dir / "a"}), dir / "a" + ": this kernel cannot set iunlink");
    EXPECT_FALSE(is_immutable(dir / "a")) << option;
  }
}

TEST(SetattrInKernelCow, SetsIunlink) {
  const Scratch dir({{"a", "x"}});
  for (const char* option : {"--iunlink", "--immu", "--flags=0x60000"}) {
    EXPECT_EQ(run({"setattr", option, dir / "a"}).status, 0) << option;
    EXPECT_EQ(flags_of(dir / "a") & shared_flags, shared_flags) << option;
    EXPECT_EQ(run({"setattr", "--~iunlink", dir / "a"}).status, 0) << option;
    EXPECT_EQ(flags_of(dir / "a") & shared_flags, 0u) << option;
  }
  EXPECT_EQ(run({"setattr", "--iunlink-but-not-immutable", dir / "a"}).status, 0);
  EXPECT_EQ(flags_of(dir / "a") & shared_flags, FS_IUNLINK_FL);
}

TEST(SetattrInKernelCow, MakesIunlinkOfRegularFilesAlone) {
  const Scratch dir({{"d/a", "x"}});
  expect_refusal(run({"setattr", "--iunlink", dir / "d"}), dir / "d" + ": only a regular file is iunlink");
  EXPECT_EQ(run({"setattr", "-R", "--iunlink", dir / "d"}).status, 0);
  EXPECT_EQ(flags_of(dir / "d/a") & shared_flags, shared_flags);
  EXPECT_EQ(run({"setattr", "-R", "--~iunlink", dir / "d"}).status, 0);
}

TEST(SetattrInKernelCow, MakesABarrierOfADirectoryAlone) {
  const Scratch dir({{"d/a", "x"}});
  expect_refusal(run({"setattr", "--barrier", dir / "d/a"}), dir / "d/a" + ": only a directory is a barrier");
  EXPECT_EQ(run({"setattr", "--barrier", dir / "d"}).status, 0);
  EXPECT_NE(flags_of(dir / "d") & FS_BARRIER_FL, 0u);
  EXPECT_EQ(run({"setattr", "--~barrier", dir / "d"}).status, 0);
  EXPECT_EQ(flags_of(dir / "d") & FS_BARRIER_FL, 0u);
}

TEST(Setattr, ClearsIunlinkEverywhere) {
  const Scratch dir({{"a", "x"}});
  run({"setattr", "--immutable", dir / "a"});
  EXPECT_EQ(run({"setattr", "--~iunlink", dir / "a"}).status, 0);
  EXPECT_FALSE(is_immutable(dir / "a"));
}

TEST(Setattr, NamesWhatThisKernelCannotSet) {
  const Scratch dir({{"a", "x"}});
  for (const std::string word : {"barrier", "cow", "admin", "watch", "hide", "write"}) {
    expect_refusal(run({"setattr", "--" + word, dir / "a"}), dir / "a" + ": this kernel cannot set " + word);
    EXPECT_EQ(run({"setattr", "--~" + word, dir / "a"}).status, 0) << "clear already";
  }
  expect_refusal(run({"setattr", "--flags", "0x10", dir / "a"}), dir / "a" + ": this kernel cannot set 0x10");
}

TEST(Setattr, ChangesNothingWhereItCannotDoAll) {
  const Scratch dir({{"a", "x"}});
  EXPECT_EQ(run({"setattr", "--immutable", "--barrier", dir / "a"}).status, 1);
  EXPECT_FALSE(is_immutable(dir / "a"));
}

TEST(Setattr, RecursesIntoDotNamesAndPastLinks) {
  const Scratch dir({{"top/.hidden/a", "x"}, {"outside", "x"}});
  ASSERT_EQ(::symlink("../outside", (dir / "top/link").c_str()), 0);
  ASSERT_EQ(::mkfifo((dir / "top/pipe").c_str(), 0600), 0);
  const auto done = run({"setattr", "-R", "--immutable", dir / "top"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_TRUE(is_immutable(dir / "top") && is_immutable(dir / "top/.hidden") && is_immutable(dir / "top/.hidden/a"));
  EXPECT_FALSE(is_immutable(dir / "outside"));
  EXPECT_EQ(run({"setattr", "-Rx", "--~immutable", dir / "top"}).status, 0);
  EXPECT_FALSE(is_immutable(dir / "top/.hidden/a"));
}

TEST(Setattr, DoesNotFollowALinkItIsGiven) {
  const Scratch dir({{"a", "x"}});
  ASSERT_EQ(::symlink("a", (dir / "link").c_str()), 0);
  expect_refusal(run({"setattr", "--immutable", dir / "link"}), dir / "link" + ": not a regular file or directory");
  EXPECT_FALSE(is_immutable(dir / "a"));
}

TEST(Setattr, LeavesTheMarkToVunify) {
  const Scratch dir({{"a", "x"}});
  const Fd fd = open_host(dir / "a", O_RDONLY);
  set_mark(fd.get(), {fs_id(fd.get()), stat_fd(fd.get()).ino});
  change_inode_flags(fd.get(), FS_IMMUTABLE_FL, 0);
  EXPECT_THAT(run({"setattr", "--~cow", dir / "a"}).err, HasSubstr("vunify --deunify"));
  EXPECT_TRUE(is_immutable(dir / "a"));
}

TEST(Setattr, GoesOnAfterAnError) {
  const Scratch dir({{"a", "x"}});
  expect_refusal(run({"setattr", "--immutable", dir / "none\x1b", dir / "a"}),
                 dir / "none\\x1B" + ": No such file or directory");
  EXPECT_TRUE(is_immutable(dir / "a"));
}

TEST(Setattr, ExitsTwoOnAWrongCommandLine) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"setattr"},
                                                                                     {"setattr", "--immutable"},
                                                                                     {"setattr", "--xid", "a"},
                                                                                     {"setattr", "--flags", "q", "a"},
                                                                                     {"setattr", "a", "--flags"},
                                                                                     {"setattr", "-z", "a"},
                                                                                     {"setattr", "--~", "a"},
                                                                                     {"setattr", "--flags=", "a"}}) {
    const auto wrong = run(words);
    EXPECT_EQ(wrong.status, 2) << words.back();
    EXPECT_EQ(std::ranges::count(wrong.err, '\n'), 1) << wrong.err;
  }
}

}  // namespace
}  // namespace vunify
