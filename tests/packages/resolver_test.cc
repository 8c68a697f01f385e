// SPDX-License-Identifier: Apache-2.0
#include "packages/resolver.h"

#include <filesystem>

#include "tests/packages/asked.h"

namespace vunify::test {
namespace {

struct Guest : Scratch {
  using Scratch::Scratch;
  void link(const std::string& target, const std::string& path) const {
    std::filesystem::create_symlink(target, *this / path);
  }
  std::string file(const std::string& path) const {
    const RootDir root(this->root());
    const GuestFiles files(root);
    return Resolver(files).file(path);
  }
  std::string name(const std::string& path) const {
    const RootDir root(this->root());
    const GuestFiles files(root);
    return Resolver(files).name(path);
  }
};

TEST(Resolver, LeavesWhatHasNoSymlink) {
  const Guest guest{{"etc/a", ""}};
  EXPECT_EQ(guest.file("etc/a"), "etc/a");
  EXPECT_EQ(guest.file("etc/gone/a"), "etc/gone/a");
  EXPECT_EQ(guest.file("etc/a/beneath/a/file"), "etc/a/beneath/a/file");
}

TEST(Resolver, FollowsDirectories) {
  const Guest guest{{"usr/lib/a", ""}};
  guest.link("usr/lib", "lib");
  guest.link("/usr/../../usr/./lib", "usr/absolute");
  EXPECT_EQ(guest.name("lib/a"), "usr/lib/a");
  EXPECT_EQ(guest.name("usr/absolute/a"), "usr/lib/a");
  EXPECT_EQ(guest.name("lib/gone/a"), "usr/lib/gone/a");
}

TEST(Resolver, FollowsTheNameItselfWhereItsFileIsMeant) {
  const Guest guest{{"srv/real", ""}, {"etc/.keep", ""}};
  guest.link("../srv/real", "etc/a");
  EXPECT_EQ(guest.name("etc/a"), "etc/a");
  EXPECT_EQ(guest.file("etc/a"), "srv/real");
}

TEST(Resolver, StaysInTheRoot) {
  const Guest guest{{"etc/.keep", ""}};
  guest.link("../../../../../..", "etc/up");
  EXPECT_EQ(guest.name("etc/up/etc/passwd"), "etc/passwd");
}

TEST(Resolver, EndsWithSymlinksThatDoNot) {
  const Guest guest{{"etc/.keep", ""}};
  guest.link("loop", "etc/loop");
  guest.link("more/more/more", "etc/more");
  EXPECT_EQ(guest.file("etc/loop"), "etc/loop");
  EXPECT_EQ(guest.name("etc/more/a"), "etc/more/a");
}

}  // namespace
}  // namespace vunify::test
