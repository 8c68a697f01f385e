// SPDX-License-Identifier: Apache-2.0
#include "unify/link_set.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/scene.h"
#include "tests/shared.h"

namespace vunify::test {
namespace {

using testing::IsEmpty;

// a/f is the keeper, b/f and c/f are the victims; all three proven equal and leased.
class LinkingOver : public testing::Test {
 protected:
  void SetUp() override {
    dir_.make_directory("staging");
    staging_ = open_host(dir_ / "staging", O_RDONLY | O_DIRECTORY);
  }

  void prove() {
    scene_.emplace(dir_, Names{"a", "b", "c"});
    auto proof = Prover(scene_->proof, {}).prove(scene_->inodes(scene_->candidates.groups[0]));
    task_ = link_task(*scene_, proof.classes.at(0));
    for (auto& victim : task_.victims)
      victim.staged.push_back({staging_.get(), scene_->name(victim.held.inode).substr(0, 1)});
  }

  Verdict verdict(const std::string& guest) const {
    for (const auto& victim : task_.victims)
      if (victim.staged[0].leaf == guest) return victim.verdict;
    return Verdict::unreadable;
  }
  std::uint64_t ino(const std::string& path) const { return dir_.inode(path).ino; }

  Scratch dir_{{"a/f", "same"}, {"b/f", "same"}, {"c/f", "same"}};
  Fd staging_;
  std::optional<Scene> scene_;
  LinkTask task_;
};

TEST_F(LinkingOver, MakesOneProtectedInodeOfThem) {
  prove();
  const auto keeper = ino("a/f");
  link_over(task_);
  const auto finished = finish(task_);
  for (const auto* path : {"a/f", "b/f", "c/f"}) EXPECT_EQ(ino(path), keeper);
  EXPECT_TRUE(is_shared(dir_ / "a/f"));
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
  EXPECT_EQ(finished.freed_when_closed, 0u);
}

TEST_F(LinkingOver, KeepsVictimsInStagingUntilTheEnd) {
  prove();
  const auto victim = ino("b/f");
  link_over(task_);
  EXPECT_EQ(ino("staging/b"), victim);
  finish(task_);
}

TEST_F(LinkingOver, TellsWhatAReaderStillHolds) {
  const Fd reader = open_host(dir_ / "b/f", O_RDONLY);
  prove();
  link_over(task_);
  EXPECT_EQ(finish(task_).freed_when_closed, 4096u);
}

TEST_F(LinkingOver, LeavesAVictimChangedAfterTheProof) {
  prove();
  const auto before = ino("b/f");
  ASSERT_EQ(shell("chmod 600 " + (dir_ / "b/f")).status, 0);
  link_over(task_);
  finish(task_);
  EXPECT_EQ(verdict("b"), Verdict::changed);
  EXPECT_EQ(ino("b/f"), before);
  EXPECT_EQ(dir_.inode("b/f").mode & 0777, 0600u);
  EXPECT_EQ(ino("c/f"), ino("a/f"));
}

TEST_F(LinkingOver, LeavesAVictimThatTheGuestReplaced) {
  prove();
  ASSERT_EQ(shell("cd " + (dir_ / "b") + " && echo new > g && mv g f").status, 0);
  link_over(task_);
  finish(task_);
  EXPECT_EQ(verdict("b"), Verdict::changed);
  EXPECT_EQ(dir_.read("b/f"), "new\n");
  EXPECT_EQ(ino("c/f"), ino("a/f"));
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

TEST_F(LinkingOver, DoesNothingOnceTheKeeperChanged) {
  prove();
  ASSERT_EQ(shell("chmod 600 " + (dir_ / "a/f")).status, 0);
  link_over(task_);
  finish(task_);
  EXPECT_EQ(verdict("b"), Verdict::changed);
  EXPECT_NE(ino("b/f"), ino("a/f"));
  EXPECT_FALSE(is_shared(dir_ / "a/f"));
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

TEST_F(LinkingOver, LeavesAVanishedName) {
  prove();
  std::filesystem::remove(dir_ / "b/f");
  link_over(task_);
  finish(task_);
  EXPECT_FALSE(dir_.exists("b/f"));
  EXPECT_EQ(ino("c/f"), ino("a/f"));
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

TEST_F(LinkingOver, GivesBackAVictimThatAGuestLinkedMeanwhile) {
  prove();
  const auto victim = ino("b/f");
  link_over(task_);
  std::filesystem::create_hard_link(dir_ / "staging/b", dir_ / "b/again");
  finish(task_);
  EXPECT_EQ(verdict("b"), Verdict::changed);
  EXPECT_EQ(ino("b/f"), victim);
  EXPECT_EQ(ino("b/again"), victim);
  EXPECT_TRUE(is_shared(dir_ / "c/f"));
}

TEST_F(LinkingOver, LeavesAllAsItWasWhereNothingCouldBeLinked) {
  prove();
  for (const auto* path : {"b/f", "c/f"}) std::filesystem::remove(dir_ / path);
  link_over(task_);
  finish(task_);
  EXPECT_FALSE(is_shared(dir_ / "a/f"));
  EXPECT_EQ(dir_.inode("a/f").nlink, 1u);
}

}  // namespace
}  // namespace vunify::test
