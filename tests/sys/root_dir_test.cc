// SPDX-License-Identifier: Apache-2.0
#include "sys/root_dir.h"

#include <sys/stat.h>
#include <unistd.h>

#include "sys/lease.h"
#include "tests/sys/on_filesystem.h"

namespace vunify::test {
namespace {

int error_opening(const Scratch& dir, const std::string& path) {
  return error_of([&] { RootDir(dir / "root").open(path, O_RDONLY); });
}

TEST(RootDir, OpensWhatLiesBeneath) {
  const Scratch dir{{"root/etc/passwd", "root:x:0"}};
  const RootDir root(dir / "root");
  EXPECT_EQ(read_all(root.open_regular("etc/passwd").get(), ""), "root:x:0");
  EXPECT_EQ(stat_fd(root.open_directory("").get()).ino, dir.inode("root").ino);
}

TEST(RootDir, NeverFollowsASymlink) {
  const Scratch dir{{"root/real/file", ""}, {"secret", ""}};
  ASSERT_EQ(shell("cd " + (dir / "root") + " && ln -s real link && ln -s ../secret out && ln -s /etc etc").status, 0);
  EXPECT_EQ(error_opening(dir, "link/file"), ELOOP);
  EXPECT_EQ(error_opening(dir, "out"), ELOOP);
  EXPECT_EQ(error_opening(dir, "etc/passwd"), ELOOP);
}

TEST(RootDir, FollowsSymlinksAsItsGuestDoesWhereAsked) {
  const Scratch dir{{"root/real/file", "inside"}, {"real/file", "outside"}};
  ASSERT_EQ(shell("cd " + (dir / "root") + " && ln -s /real absolute && ln -s ../../../real upwards").status, 0);
  const RootDir root(dir / "root");
  for (const auto* path : {"absolute/file", "upwards/file", "/real/file", "../real/file"})
    EXPECT_EQ(read_all(root.open_in_root(path, O_RDONLY).get(), path), "inside") << path;
}

TEST(RootDir, NeverGoesUpOut) {
  const Scratch dir{{"root/a/file", ""}, {"secret", ""}};
  EXPECT_EQ(error_opening(dir, "../secret"), EXDEV);
  EXPECT_EQ(error_opening(dir, "a/../../secret"), EXDEV);
  EXPECT_EQ(error_opening(dir, "/etc/passwd"), EXDEV);
}

TEST(RootDir, NeverEntersAMount) {
  const Scratch dir{{"root/a/file", ""}, {"other/file", ""}};
  if (shell("mount --bind " + (dir / "other") + " " + (dir / "root/a")).status != 0) GTEST_SKIP() << "no mounts here";
  EXPECT_EQ(error_opening(dir, "a/file"), EXDEV);
  EXPECT_EQ(error_opening(dir, "a"), EXDEV);
  EXPECT_EQ(error_of([&] { RootDir(dir / "root").open_in_root("a/file", O_RDONLY); }), EXDEV);
  shell("umount " + (dir / "root/a"));
}

TEST(RootDir, NeverFollowsAMagicLink) {
  EXPECT_EQ(error_of([] { RootDir("/proc/" + std::to_string(::getpid())).open("root/etc", O_RDONLY); }), ELOOP);
  const RootDir process("/proc/" + std::to_string(::getpid()));
  EXPECT_EQ(error_of([&] { process.open_in_root("root/etc", O_RDONLY); }), ELOOP);
}

TEST(RootDir, ItsOwnPathIsNoSymlink) {
  const Scratch dir{{"root/file", ""}};
  ASSERT_EQ(shell("ln -s root " + (dir / "link")).status, 0);
  EXPECT_EQ(error_of([&] { RootDir root(dir / "link"); }), ENOTDIR);
}

TEST(RootDir, TakesPathsLongerThanPathMax) {
  const Scratch dir;
  std::string path;
  Fd at = open_host(dir.root(), O_RDONLY);
  for (int i = 0; i < 50; ++i) {
    const std::string leaf(200, 'd');
    ASSERT_EQ(::mkdirat(at.get(), leaf.c_str(), 0755), 0);
    at = Fd(::openat(at.get(), leaf.c_str(), O_RDONLY | O_CLOEXEC));
    path = join_path(path, leaf);
  }
  const RootDir root(dir.root());
  EXPECT_EQ(stat_fd(root.open_directory(path).get()).ino, stat_fd(at.get()).ino);
  EXPECT_EQ(error_of([&] { root.open(path + "/nothing", O_RDONLY); }), ENOENT);
}

TEST(RootDir, OpensNeitherFifoNorDevice) {
  const Scratch dir{{"root/file", ""}};
  ASSERT_EQ(shell("cd " + (dir / "root") + " && mkfifo fifo && mknod null c 1 3 && ln -s file link").status, 0);
  const RootDir root(dir / "root");
  for (const auto* leaf : {"fifo", "null", "link", ""})
    EXPECT_EQ(error_of([&] { root.open_regular(leaf); }), EINVAL) << leaf;
}

TEST(RootDir, NoDeviceOpensInAView) {
  const Scratch dir{{"root/file", "bytes"}};
  ASSERT_EQ(shell("cd " + (dir / "root") +
                  " && mknod null c 1 3 && mknod block b 7 0 && mkfifo fifo && ln -s file link &&"
                  " python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"socket\")'")
                .status,
            0);
  RootDir root(dir / "root");
  root.make_view();
  if (!root.has_view()) GTEST_SKIP() << "no views here";
  EXPECT_EQ(read_all(root.open_to_read("file").get(), ""), "bytes");
  // Had the kernel opened them, nobody would look what they are.
  for (const auto* leaf : {"null", "block", "socket"}) EXPECT_EQ(error_of([&] { root.open_to_read(leaf); }), EINVAL);
  EXPECT_EQ(error_of([&] { root.open_to_read("link"); }), ELOOP);
  EXPECT_EQ(error_of([&] { root.open_to_read("../root/file"); }), EXDEV);
  for (const auto* leaf : {"", "fifo"}) {  // these open at once, and are for the caller to refuse
    const Fd fd = root.open_to_read(leaf);
    EXPECT_FALSE(stat_fd(fd.get()).is_regular());
    EXPECT_EQ(error_of([&] { Lease::take(fd.get()); }), EINVAL);
  }
}

TEST(RootDir, WithoutAViewIsReadAfterALook) {
  const Scratch dir{{"root/file", "bytes"}};
  ASSERT_EQ(shell("cd " + (dir / "root") + " && mkfifo fifo && mknod null c 1 3").status, 0);
  const RootDir root(dir / "root");
  EXPECT_FALSE(root.has_view());
  EXPECT_EQ(read_all(root.open_to_read("file").get(), ""), "bytes");
  for (const auto* leaf : {"fifo", "null"}) EXPECT_EQ(error_of([&] { root.open_to_read(leaf); }), EINVAL) << leaf;
}

TEST(RootDir, AViewShowsNoMounts) {
  const Scratch dir{{"root/a/file", "ours"}, {"other/file", "other"}};
  if (shell("mount --bind " + (dir / "other") + " " + (dir / "root/a")).status != 0) GTEST_SKIP() << "no mounts here";
  RootDir root(dir / "root");
  root.make_view();
  EXPECT_EQ(error_of([&] { root.open("a/file", O_RDONLY); }), EXDEV);
  if (root.has_view()) {
    EXPECT_EQ(read_all(root.open_to_read("a/file").get(), ""), "ours");
  }
  shell("umount " + (dir / "root/a"));
}

TEST(RootDir, ReadingLeavesAtimeAlone) {
  const Scratch dir{{"file", "bytes"}};
  ASSERT_EQ(shell("touch -a -d 2001-01-01 " + (dir / "file")).status, 0);
  const Fd file = RootDir(dir.root()).open_regular("file");
  const auto before = access_time(file.get());
  EXPECT_EQ(read_all(file.get(), ""), "bytes");
  EXPECT_EQ(access_time(file.get()), before);
}

TEST(RootDir, NamesSplitAndJoin) {
  EXPECT_EQ(split_path("etc").parent, "");
  EXPECT_EQ(split_path("a/b/c").parent, "a/b");
  EXPECT_EQ(split_path("a/b/c").leaf, "c");
  EXPECT_EQ(join_path("", "etc"), "etc");
  EXPECT_EQ(join_path("a", "b"), "a/b");
}

}  // namespace
}  // namespace vunify::test
