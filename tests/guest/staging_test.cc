// SPDX-License-Identifier: Apache-2.0
#include "guest/staging.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>

#include "sys/xattr.h"
#include "tests/root_test.h"
#include "tests/scratch.h"

namespace vunify {
namespace {

using test::LoopFs;
using test::Scratch;
using test::shell_or_fail;
using testing::HasSubstr;
using Names = std::vector<std::string>;

using StagingTest = test::RootTest;

struct Opened {
  explicit Opened(const std::vector<std::string>& paths) : guests(std::move(open_guests(paths).guests)) {
    for (const auto& guest : guests) pointers.push_back(&guest);
  }
  std::vector<Guest> guests;
  std::vector<const Guest*> pointers;
};

// Which error, and what it says.
std::pair<int, std::string> refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const std::system_error& error) {
    return {error.code().value(), error.what()};
  }
  return {0, "nothing was refused"};
}

std::pair<int, std::string> refusal(const std::vector<std::string>& paths) {
  return refusal([&] { Staging staging(Opened(paths).pointers); });
}

TEST_F(StagingTest, LiesInTheNearestCommonAncestorAndIsRootsAlone) {
  const Scratch dir{{"srv/a/x", ""}, {"srv/b/x", ""}};
  const Opened opened({dir / "srv/a", dir / "srv/b"});
  const Staging staging(opened.pointers);
  EXPECT_EQ(staging.path(), dir / "srv/.vunify");
  EXPECT_EQ(staging_path(opened.pointers), staging.path());
  EXPECT_EQ(dir.inode("srv/.vunify").mode, S_IFDIR | 0700U);
  EXPECT_EQ(dir.inode("srv/.vunify").ino, stat_fd(staging.fd()).ino);
}

TEST_F(StagingTest, ListsWorkersDirectoriesAndRemovesThemWithItself) {
  const Scratch dir{{"a/x", ""}, {"b/x", ""}};
  const Opened opened({dir / "a", dir / "b"});
  Staging staging(opened.pointers);
  shell_or_fail("cd " + staging.path() + " && mkdir 0 1 && touch probe 0/f 0/g");
  EXPECT_EQ(staging.names(), (Names{"0/f", "0/g", "probe"}));
  staging.remove_if_empty();
  EXPECT_EQ(staging.names(), (Names{"0/f", "0/g", "probe"})) << "it is not empty";
  shell_or_fail("cd " + staging.path() + " && rm probe 0/f 0/g && mkdir -p 1");
  staging.remove_if_empty();
  EXPECT_EQ(dir.names(), (Names{"a", "b"}));
}

TEST_F(StagingTest, LiesAboveASingleGuest) {
  const Scratch dir{{"a/x", ""}};
  EXPECT_EQ(staging_path(Opened({dir / "a"}).pointers), dir / ".vunify");
}

TEST_F(StagingTest, LiesAboveAGuestThatIsCalledLikeAnothersBeginning) {
  const Scratch dir{{"a/x", ""}, {"ab/x", ""}, {"c/d/x", ""}};
  EXPECT_EQ(staging_path(Opened({dir / "a", dir / "ab"}).pointers), dir / ".vunify");
  EXPECT_EQ(staging_path(Opened({dir / "ab", dir / "c/d"}).pointers), dir / ".vunify");
}

TEST_F(StagingTest, LosesAclsAndSetgidOfTheDirectoryAbove) {
  const LoopFs fs("ext4", 64, "acl");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const Scratch dir({{"a/x", ""}}, fs.root());
  // A default ACL, u::rwx,u:1000:rwx,g::rwx,m::rwx,o::rwx, as the attribute's bytes: setfacl may be missing.
  shell_or_fail("chmod 2755 " + dir.root());
  const std::string acl(
      "\2\0\0\0\1\0\7\0\377\377\377\377\2\0\7\0\350\3\0\0\4\0\7\0\377\377\377\377"
      "\20\0\7\0\377\377\377\377\40\0\7\0\377\377\377\377",
      44);
  set_xattr(open_host(dir.root(), O_RDONLY).get(), "system.posix_acl_default", acl);
  const Staging staging(Opened({dir / "a"}).pointers);
  EXPECT_EQ(stat_fd(staging.fd()).mode, S_IFDIR | 0700U);
  EXPECT_EQ(get_xattr(staging.fd(), "system.posix_acl_default"), std::nullopt);
  EXPECT_EQ(get_xattr(staging.fd(), "system.posix_acl_access"), std::nullopt);
}

TEST_F(StagingTest, RefusesAnAncestorThatOthersMayWrite) {
  const Scratch dir{{"srv/vms/a/x", ""}};
  shell_or_fail("chmod 777 " + dir / "srv");
  const auto [error, text] = refusal({dir / "srv/vms/a"});
  EXPECT_EQ(error, EPERM);
  EXPECT_THAT(text, HasSubstr(dir / "srv" + " is writable by others"));
  EXPECT_FALSE(dir.exists("srv/vms/.vunify"));
  shell_or_fail("chmod 775 " + dir / "srv");
  EXPECT_EQ(refusal({dir / "srv/vms/a"}).first, EPERM);
}

TEST_F(StagingTest, RefusesAnAncestorOfAnotherOwner) {
  const Scratch dir{{"srv/a/x", ""}};
  shell_or_fail("chown 1000 " + dir / "srv");
  const auto [error, text] = refusal({dir / "srv/a"});
  EXPECT_EQ(error, EPERM);
  EXPECT_THAT(text, HasSubstr(dir / "srv" + " is not owned by root"));
}

TEST_F(StagingTest, TakesAStickyAncestor) {
  const Scratch dir{{"srv/a/x", ""}};
  shell_or_fail("chmod 1777 " + dir / "srv");
  EXPECT_EQ(Staging(Opened({dir / "srv/a"}).pointers).path(), dir / "srv/.vunify");
}

TEST_F(StagingTest, RefusesADirectoryThatAnotherUserPlanted) {
  const Scratch dir{{"srv/a/x", ""}, {"srv/.vunify/x", ""}};
  shell_or_fail("chmod 1777 " + dir / "srv" + "; chown 1000 " + dir / "srv/.vunify");
  const auto [error, text] = refusal({dir / "srv/a"});
  EXPECT_EQ(error, EPERM);
  EXPECT_THAT(text, HasSubstr(dir / "srv/.vunify" + " is not owned by root"));
}

TEST_F(StagingTest, RefusesASymlinkAndAFileOfItsName) {
  const Scratch dir{{"a/x", ""}, {"elsewhere/x", ""}};
  shell_or_fail("ln -s elsewhere " + dir / ".vunify");
  EXPECT_EQ(refusal({dir / "a"}).first, ENOTDIR);
  shell_or_fail("rm " + dir / ".vunify" + "; touch " + dir / ".vunify");
  EXPECT_EQ(refusal({dir / "a"}).first, ENOTDIR);
}

TEST_F(StagingTest, RefusesAGuestThatIsAMountPoint) {
  const LoopFs fs("ext4", 64);
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const auto [error, text] = refusal({fs.root()});
  EXPECT_EQ(error, EXDEV);
  EXPECT_THAT(text, HasSubstr(fs.root() + " is on another mount"));
}

TEST_F(StagingTest, RefusesABindMountOfTheSameFilesystem) {
  const Scratch dir{{"a/x", ""}, {"b/x", ""}, {"c/x", ""}};
  shell_or_fail("mount --bind " + dir / "a" + " " + dir / "c");
  EXPECT_EQ(refusal({dir / "b", dir / "c"}).first, EXDEV);
  shell_or_fail("umount " + dir / "c");
}

TEST_F(StagingTest, RefusesAMountOnItsOwnName) {
  const Scratch dir{{"a/x", ""}, {".vunify/x", ""}};
  shell_or_fail("mount --bind " + dir / ".vunify" + " " + dir / ".vunify");
  EXPECT_EQ(refusal({dir / "a"}).first, EXDEV);
  shell_or_fail("umount " + dir / ".vunify");
}

TEST_F(StagingTest, WorksAtTheTopOfAMount) {
  const LoopFs fs("ext4", 64);
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  shell_or_fail("mkdir " + fs / "a" + " " + fs / "b");
  EXPECT_EQ(Staging(Opened({fs / "a", fs / "b"}).pointers).path(), fs / ".vunify");
}

TEST_F(StagingTest, IsHeldByOneRunAtATime) {
  const Scratch dir{{"a/x", ""}};
  const Opened opened({dir / "a"});
  {
    const Staging first(opened.pointers);
    EXPECT_EQ(refusal([&] { Staging second(opened.pointers); }).first, EWOULDBLOCK);
    EXPECT_EQ(refusal([&] { Staging second(first.path()); }).first, EWOULDBLOCK);
  }
  EXPECT_EQ(Staging(opened.pointers).path(), dir / ".vunify");
}

TEST_F(StagingTest, OpenedByPathMustBeThere) {
  const Scratch dir{{"a/x", ""}};
  const auto [error, text] = refusal([&] { Staging staging(dir / ".vunify"); });
  EXPECT_EQ(error, ENOENT);
  EXPECT_THAT(text, HasSubstr(dir / ".vunify"));
  EXPECT_FALSE(dir.exists(".vunify"));
}

TEST_F(StagingTest, OpenedByPathMakesTheSameChecks) {
  const Scratch dir{{"srv/.vunify/left", "1"}, {"srv/other/x", ""}};
  EXPECT_EQ(Staging(dir / "srv/.vunify").names(), (Names{"left"}));
  EXPECT_EQ(refusal([&] { Staging staging(dir / "srv/other"); }).first, EINVAL);
  shell_or_fail("chmod 777 " + dir / "srv");
  EXPECT_EQ(refusal([&] { Staging staging(dir / "srv/.vunify"); }).first, EPERM);
}

TEST_F(StagingTest, IsRemovedOnlyWhenEmpty) {
  const Scratch dir{{"a/x", ""}};
  Staging staging(Opened({dir / "a"}).pointers);
  dir.write(".vunify/1", "");
  EXPECT_EQ(staging.names(), (Names{"1"}));
  staging.remove_if_empty();
  EXPECT_EQ(dir.names(), (Names{".vunify", "a"}));
  ::unlink((dir / ".vunify/1").c_str());
  staging.remove_if_empty();
  EXPECT_EQ(dir.names(), (Names{"a"}));
}

TEST_F(StagingTest, GoesWithARunThatAnErrorEndsUnlessItIsNotEmpty) {
  const Scratch dir{{"a/x", ""}};
  { const Staging left(Opened({dir / "a"}).pointers); }
  EXPECT_EQ(dir.names(), (Names{"a"}));
  {
    const Staging left(Opened({dir / "a"}).pointers);
    dir.write(".vunify/1", "");
  }
  EXPECT_EQ(dir.names(".vunify"), (Names{"1"}));
}

}  // namespace
}  // namespace vunify
