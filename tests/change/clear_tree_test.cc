// SPDX-License-Identifier: Apache-2.0
#include "change/clear_tree.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include "sys/directory.h"
#include "tests/root_test.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

bool go_on() { return false; }

std::vector<std::string> clear(const std::string& root) {
  std::vector<std::string> left;
  for (const auto& one : clear_tree(RootDir(root), go_on)) left.push_back(one.path + ": " + one.reason);
  return left;
}

TEST(ClearTree, TakesAllKindsAndFollowsNoSymlink) {
  const Scratch dir{{"root/etc/x", "1"}, {"root/y", "2"}, {"outside/z", "3"}};
  shell_or_fail("cd " + dir / "root" + " && mkfifo pipe && ln -s ../outside link && mkdir -p a/b/c d && ln y a/b/y");
  EXPECT_THAT(clear(dir / "root"), IsEmpty());
  EXPECT_THAT(dir.names("root"), IsEmpty());
  EXPECT_THAT(dir.names("outside"), ElementsAre("z"));
}

TEST(ClearTree, GoesDeeperThanAnyPath) {
  const Scratch dir{{"root/x", ""}};
  const std::string leaf(200, 'd');
  Fd at = open_host(dir / "root", O_RDONLY | O_DIRECTORY);
  for (int depth = 0; depth < 100; ++depth) {
    make_private_directory(at.get(), leaf);
    at = open_directory_at(at.get(), leaf, leaf);
  }
  EXPECT_THAT(clear(dir / "root"), IsEmpty());
  EXPECT_THAT(dir.names("root"), IsEmpty());
}

TEST(ClearTree, StopsWhenItIsTold) {
  const Scratch dir{{"root/a/x", ""}, {"root/b/x", ""}};
  clear_tree(RootDir(dir / "root"), [] { return true; });
  EXPECT_THAT(dir.names("root"), ElementsAre("a", "b"));
}

using ClearTreeOfAHostileGuest = RootTest;

TEST_F(ClearTreeOfAHostileGuest, TakesFlagsOfDirectoriesAndLeavesProtectedFiles) {
  const Scratch dir{{"root/a/x", ""}, {"root/b/kept", ""}, {"root/b/gone", ""}};
  shell_or_fail("cd " + dir / "root" + " && chattr +i b/kept a && chattr +a b");
  const auto left = clear_tree(RootDir(dir / "root"), go_on);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].path, "b/kept");
  EXPECT_TRUE(left[0].protected_file);
  EXPECT_TRUE(dir.inode("root/b/kept").immutable);
  EXPECT_THAT(dir.names("root/b"), ElementsAre("kept"));
}

TEST_F(ClearTreeOfAHostileGuest, EntersNoMount) {
  const Scratch dir{{"root/m/x", ""}, {"outside/z", ""}};
  shell_or_fail("mount --bind " + dir / "outside" + " " + dir / "root/m");
  const auto left = clear(dir / "root");
  shell_or_fail("umount " + dir / "root/m");
  EXPECT_THAT(left, ElementsAre("m: Invalid cross-device link"));
  EXPECT_THAT(dir.names("outside"), ElementsAre("z"));
}

}  // namespace
}  // namespace vunify::test
