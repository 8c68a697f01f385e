// SPDX-License-Identifier: Apache-2.0
// An interrupted run whose state is lost: what the next one makes of what lies in staging.
#include "change/leftovers.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "change/journal.h"
#include "guest/staging.h"
#include "sys/directory.h"
#include "sys/inode_attr.h"
#include "sys/mark.h"
#include "tests/scratch.h"
#include "tests/shared.h"

namespace vunify::test {
namespace {

using Names = std::vector<std::string>;

// Between exchange and protection: "a/x" and "b/x" lead to the keeper, marked and unprotected, and b's own file is in
// staging.
class Forgotten : public testing::Test {
 protected:
  Forgotten() : dir_{{"a/x", "same"}, {"b/x", "same"}} {
    dir_.make_directory("state");
    std::filesystem::create_directory(staging());
    std::filesystem::permissions(staging(), std::filesystem::perms::owner_all);
    move("b/x", ".vunify/0-0");
    link("a/x", "b/x");
    mark("a/x");
  }
  ~Forgotten() override { shell("chattr -R -i " + dir_.root()); }

  std::string staging() const { return dir_ / ".vunify"; }
  void move(const std::string& from, const std::string& to) const { std::filesystem::rename(dir_ / from, dir_ / to); }
  void link(const std::string& from, const std::string& to) const {
    std::filesystem::create_hard_link(dir_ / from, dir_ / to);
  }
  void mark(const std::string& path) const {
    const Fd fd = open_host(dir_ / path, O_RDONLY);
    set_mark(fd.get(), {fs_id(fd.get()), stat_fd(fd.get()).ino});
  }
  void share(const std::string& one, const std::string& other) const {
    link(one, other);
    mark(one);
    shell_or_fail("chattr +i " + (dir_ / one));
  }
  Recovery clear(const Names& guests = {"a", "b"}) const {
    Names roots;
    for (const auto& guest : guests) roots.push_back(dir_ / guest);
    Recovery recovery;
    clear_leftovers(open_guests(roots).guests, dir_ / "state", recovery);
    return recovery;
  }
  Names kept(const Names& guests = {"a", "b"}) const {
    Names leaves;
    for (const auto& one : clear(guests).kept) leaves.push_back(one.path.substr(staging().size() + 1));
    return leaves;
  }
  bool is_clear() const { return !dir_.exists(".vunify"); }

  Scratch dir_;
};

TEST_F(Forgotten, FileThatIsLikeAMarkedOneGoesAndThatIsProtected) {
  const auto recovery = clear();
  EXPECT_TRUE(recovery.kept.empty());
  EXPECT_EQ(recovery.names, 1u);
  EXPECT_TRUE(is_clear());
  EXPECT_TRUE(is_shared(dir_ / "a/x"));
  EXPECT_EQ(dir_.inode("a/x").nlink, 2u);
}

TEST_F(Forgotten, UnderCowTheMarkedOneNeedsNoFlag) {
  std::filesystem::create_directory(dir_ / ".vcow");
  std::filesystem::permissions(dir_ / ".vcow", std::filesystem::perms::owner_all);
  for (const std::string leaf : {"a", "b", ".vunify"}) move(leaf, ".vcow/" + leaf);
  for (const auto* mount_point : {"a", "b"}) dir_.make_directory(mount_point);
  EXPECT_EQ(clear().names, 1u);
  EXPECT_FALSE(dir_.exists(".vcow/.vunify"));
  EXPECT_TRUE(has_mark(dir_ / ".vcow/a/x"));
  EXPECT_FALSE(dir_.inode(".vcow/a/x").immutable);
}

// Prepared, and never exchanged: it would count as shared for ever.
TEST_F(Forgotten, FurtherNameOfAPrivateFileGoesAndTheFileWaitsForARun) {
  std::filesystem::remove(dir_ / "b/x");
  std::filesystem::remove(dir_ / ".vunify/0-0");
  share("a/x", ".vunify/0-0");
  EXPECT_EQ(kept(), Names{});
  EXPECT_TRUE(is_clear());
  EXPECT_TRUE(is_shared(dir_ / "a/x"));
  EXPECT_EQ(dir_.inode("a/x").nlink, 1u);
}

TEST_F(Forgotten, FurtherNameOfASharedFileGoesAndTheFileStaysProtected) {
  link("a/x", ".vunify/0-1");
  EXPECT_EQ(kept(), Names{});
  EXPECT_TRUE(is_shared(dir_ / "b/x"));
  EXPECT_EQ(dir_.inode("b/x").nlink, 2u);
}

TEST_F(Forgotten, FileOfOtherBytesIsKeptAndToldEachTime) {
  shell_or_fail("chattr +i " + (dir_ / "a/x"));
  dir_.write(".vunify/0-0", "mine");
  for (int run = 0; run < 3; ++run) EXPECT_EQ(kept(), Names{"0-0"});
  EXPECT_EQ(dir_.read(".vunify/0-0"), "mine");
}

TEST_F(Forgotten, FileOfOtherMetadataIsKept) {
  shell_or_fail("chattr +i " + (dir_ / "a/x") + "; setfattr -n user.one -v 1 " + (dir_ / ".vunify/0-0"));
  EXPECT_EQ(kept(), Names{"0-0"});
}

TEST_F(Forgotten, FileThatIsLikeAnUnmarkedOneIsKept) {
  const Fd fd = open_host(dir_ / "a/x", O_RDONLY);
  clear_mark(fd.get());
  EXPECT_EQ(kept(), Names{"0-0"});
}

TEST_F(Forgotten, FileThatIsBeingWrittenIsKept) {
  const Fd writer = open_host(dir_ / ".vunify/0-0", O_WRONLY);
  EXPECT_EQ(kept(), Names{"0-0.unproven"});
}

// Somebody wrote to the keeper since. Another file of b is what b's was, by chance: that proves nothing.
TEST_F(Forgotten, FileWhoseKeeperMayBeWrittenIsKeptForGood) {
  dir_.write("a/y", "same");
  share("a/y", "b/y");
  dir_.write("a/x", "evil");
  EXPECT_EQ(kept(), Names{"0-0.unproven"});
  shell_or_fail("chattr +i " + (dir_ / "a/x"));
  for (int run = 0; run < 3; ++run) EXPECT_EQ(kept(), Names{"0-0.unproven"});
  EXPECT_EQ(dir_.read(".vunify/0-0.unproven"), "same");
}

// Told in the order of its names, whatever the inode numbers are.
TEST_F(Forgotten, WhatIsNoFileIsKept) {
  dir_.make_directory(".vunify/0");
  std::filesystem::create_symlink("x", dir_ / ".vunify/0/symlink");
  dir_.make_directory(".vunify/0/directory");
  EXPECT_EQ(kept(), (Names{"0/directory", "0/symlink"}));
}

TEST_F(Forgotten, NameOfAJournalIsLeftToIt) {
  JournaledSet set{.staging = "/elsewhere/.vunify", .fs = to_string(fs_id(open_host(staging(), O_RDONLY).get()))};
  set.names.push_back({.staged = "0-0", .root = dir_ / "b", .path = "x"});
  Journal(dir_ / "state", "0").begin({set});
  EXPECT_EQ(kept(), Names{});
  EXPECT_EQ(dir_.names(".vunify"), Names{"0-0"});
}

TEST_F(Forgotten, StagingOfAnotherRunIsPassedOver) {
  const Staging other(staging());
  EXPECT_EQ(kept(), Names{});
  EXPECT_EQ(dir_.names(".vunify"), Names{"0-0"});
}

// As for guests that lay further apart.
TEST_F(Forgotten, StagingIsFoundInEachDirectoryAbove) {
  dir_.make_directory("deep/deeper");
  move("a", "deep/deeper/a");
  EXPECT_EQ(kept({"deep/deeper/a"}), Names{});
  EXPECT_TRUE(is_clear());
}

TEST_F(Forgotten, WhatAnEarlierLineToldIsToldOnce) {
  shell_or_fail("chattr +i " + (dir_ / "a/x"));
  dir_.write(".vunify/0-0", "mine");
  Recovery recovery;
  recovery.kept.push_back({staging() + "/0-0", "no journal knows what it is"});
  clear_leftovers(open_guests({dir_ / "a", dir_ / "b"}).guests, dir_ / "state", recovery);
  EXPECT_EQ(recovery.kept.size(), 1u);
}

}  // namespace
}  // namespace vunify::test
