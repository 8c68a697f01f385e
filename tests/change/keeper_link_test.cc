// SPDX-License-Identifier: Apache-2.0
// One link, step by step: between any two of them the guests may be at work.
#include "change/keeper_link.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "sys/inode_attr.h"
#include "tests/act_before.h"
#include "tests/eventually.h"
#include "tests/scanner.h"
#include "tests/scene.h"
#include "tests/shared.h"
#include "tests/waiting_writer.h"

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
    auto proof = scene_->prover().prove(scene_->inodes(scene_->candidates.groups[0]));
    int leaf = 0;
    link_.emplace(link_request(*scene_, proof.classes.at(0)), [&] {
      return StagedName{staging_.get(), std::to_string(leaf++)};
    });
  }

  void link() {
    link_->run();
    link_->look_again();
    result_ = link_->finish();
  }
  // Of b/f and c/f.
  LinkEnd end_of(const std::string& guest) const { return result_.victims.at(guest == "b" ? 0 : 1).end; }
  std::uint64_t ino(const std::string& path) const { return dir_.inode(path).ino; }
  void chmod(const std::string& path) { ASSERT_EQ(shell("chmod 600 " + (dir_ / path)).status, 0); }

  // Somebody who has looked the name up, and asks to write a little later.
  Fd look_up(const std::string& path) const { return open_host(dir_ / path, O_PATH); }
  static bool is_kept_waiting(const Fd& looked_up) {
    const Fd writer(::open(proc_path(looked_up.get()).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    return !writer && errno == EWOULDBLOCK;
  }

  void expect_untouched() {
    for (const auto* path : {"b/f", "c/f"}) EXPECT_NE(ino(path), ino("a/f")) << path;
    EXPECT_FALSE(is_shared(dir_ / "a/f"));
    EXPECT_THAT(dir_.names("staging"), IsEmpty());
  }

  Scratch dir_{{"a/f", "same"}, {"b/f", "same"}, {"c/f", "same"}};
  Fd staging_;
  std::optional<Scene> scene_;
  std::optional<KeeperLink> link_;
  LinkResult result_;
};

TEST_F(LinkingOver, MakesOneProtectedInodeOfThem) {
  prove();
  const auto keeper = ino("a/f");
  link();
  for (const auto* path : {"a/f", "b/f", "c/f"}) EXPECT_EQ(ino(path), keeper);
  EXPECT_TRUE(is_shared(dir_ / "a/f"));
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
  EXPECT_EQ(result_.freed_when_closed, 0u);
}

// To a copy that none of the guests ever had.
class LinkingToAFreshCopy : public LinkingOver {
 protected:
  void prove() {
    scene_.emplace(dir_, Names{"a", "b", "c"});
    const ProofRules rules{.copies_in = [this](std::uint32_t) { return staging_.get(); }};
    auto proof = scene_->prover(rules).prove(scene_->inodes(scene_->candidates.groups[0]));
    int leaf = 0;
    link_.emplace(fresh_request(*scene_, proof.classes.at(0)), [&] {
      return StagedName{staging_.get(), std::to_string(leaf++)};
    });
  }
};

TEST_F(LinkingToAFreshCopy, LeadsAllNamesToAnInodeThatNoGuestHad) {
  const std::set<std::uint64_t> before{ino("a/f"), ino("b/f"), ino("c/f")};
  prove();
  link();
  EXPECT_FALSE(before.contains(ino("a/f")));
  EXPECT_EQ(dir_.inode("a/f").nlink, 3u);
  for (const auto* path : {"a/f", "b/f", "c/f"}) EXPECT_EQ(dir_.read(path), "same");
  EXPECT_TRUE(is_shared(dir_ / "a/f"));
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

TEST_F(LinkingToAFreshCopy, LinksTheOthersWhereOneHasChanged) {
  prove();
  chmod("a/f");
  link();
  EXPECT_EQ(result_.victims[0].end, LinkEnd::changed);
  EXPECT_EQ(dir_.inode("a/f").nlink, 1u);
  EXPECT_EQ(ino("b/f"), ino("c/f"));
}

TEST_F(LinkingToAFreshCopy, LeavesOneAloneWhereNoOtherIsLeft) {
  const auto before = ino("c/f");
  prove();
  chmod("a/f");
  chmod("b/f");
  link();
  EXPECT_EQ(result_.victims[2].end, LinkEnd::left_alone);
  EXPECT_FALSE(result_.has_linked());
  EXPECT_EQ(ino("c/f"), before);
  EXPECT_FALSE(is_shared(dir_ / "c/f"));
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

// When a and b were seen to have changed only after the exchange.
TEST_F(LinkingToAFreshCopy, GivesTheLastOneBackItsOwn) {
  const auto before = ino("c/f");
  prove();
  const auto a = look_up("a/f"), b = look_up("b/f");
  link_->run();
  for (const auto* one : {&a, &b}) EXPECT_TRUE(is_kept_waiting(*one));
  link_->look_again();
  result_ = link_->finish();
  EXPECT_EQ(result_.victims[2].end, LinkEnd::left_alone);
  EXPECT_EQ(ino("c/f"), before);
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

TEST_F(LinkingOver, KeepsVictimsInStagingUntilTheEnd) {
  prove();
  const auto victim = ino("b/f");
  link_->run();
  EXPECT_EQ(ino("staging/0"), victim);
  link_->look_again();
  link_->finish();
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

TEST_F(LinkingOver, TellsWhatAReaderStillHolds) {
  const Fd reader = open_host(dir_ / "b/f", O_RDONLY);
  prove();
  link();
  EXPECT_EQ(result_.freed_when_closed, 4096u);
}

// Between the proof and the first step.
TEST_F(LinkingOver, LeavesAVictimChangedAfterTheProof) {
  prove();
  const auto before = ino("b/f");
  chmod("b/f");
  link();
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_EQ(ino("b/f"), before);
  EXPECT_EQ(dir_.inode("b/f").mode & 0777, 0600u);
  EXPECT_EQ(ino("c/f"), ino("a/f"));
}

TEST_F(LinkingOver, DoesNothingOnceTheKeeperChanged) {
  prove();
  chmod("a/f");
  link();
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_EQ(dir_.inode("a/f").mode & 0777, 0600u);
  expect_untouched();
}

TEST_F(LinkingOver, LeavesAVanishedName) {
  prove();
  std::filesystem::remove(dir_ / "b/f");
  link();
  EXPECT_FALSE(dir_.exists("b/f"));
  EXPECT_EQ(ino("c/f"), ino("a/f"));
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

TEST_F(LinkingOver, LeavesAllAsItWasWhereNothingCouldBeLinked) {
  prove();
  for (const auto* path : {"b/f", "c/f"}) std::filesystem::remove(dir_ / path);
  link();
  EXPECT_FALSE(is_shared(dir_ / "a/f"));
  EXPECT_EQ(dir_.inode("a/f").nlink, 1u);
}

TEST_F(LinkingOver, LeavesWhatWasLeftOutBefore) {
  prove();
  link_->leave(0, LinkEnd::locked);
  link();
  EXPECT_EQ(end_of("b"), LinkEnd::locked);
  EXPECT_NE(ino("b/f"), ino("a/f"));
  EXPECT_EQ(ino("c/f"), ino("a/f"));
}

// Between prepare and exchange.
TEST_F(LinkingOver, LeavesAVictimThatTheGuestReplaced) {
  prove();
  link_->prepare();
  ASSERT_EQ(shell("cd " + (dir_ / "b") + " && echo new > g && mv g f").status, 0);
  link_->exchange();
  link_->protect();
  link_->check();
  link_->look_again();
  result_ = link_->finish();
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_EQ(dir_.read("b/f"), "new\n");
  EXPECT_EQ(ino("c/f"), ino("a/f"));
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

TEST_F(LinkingOver, ShowsTheKeeperToNobodyWhoReplacedTheVictim) {
  prove();
  link_->prepare();
  std::filesystem::rename(dir_ / "b/f", dir_ / "b/moved");
  dir_.write("b/f", "new");
  int exchanges = 0;
  act_before(
      SYS_renameat2, [this] { link_->exchange(); }, [&](int nth) { exchanges = nth; });
  EXPECT_EQ(exchanges, 1);  // of c/f
  link_->protect();
  link_->check();
  link_->finish();
  EXPECT_EQ(dir_.read("b/f"), "new");
}

// Within exchange, after the look at the name.
TEST_F(LinkingOver, GivesBackWhatCameOutInsteadOfTheVictim) {
  prove();
  link_->prepare();
  const auto guest = [this](int nth) {
    if (nth != 1) return;
    std::filesystem::rename(dir_ / "b/f", dir_ / "b/moved");
    dir_.write("b/f", "new");
  };
  act_before(
      SYS_renameat2, [this] { link_->exchange(); }, guest);
  link_->protect();
  link_->check();
  result_ = link_->finish();
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_EQ(dir_.read("b/f"), "new");
  EXPECT_EQ(dir_.read("b/moved"), "same");
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

// However many guests there are, none reaches another's metadata for longer than a few exchanges take.
TEST(LinkingTwentyGuests, GivesTheKeeperItsProtectionInBetween) {
  Scratch dir;
  Names guests;
  for (char guest = 'a'; guest < 'u'; ++guest) dir.write(guests.emplace_back(1, guest) + "/f", "same");
  Scene scene(dir, guests);
  auto proof = scene.prover().prove(scene.inodes(scene.candidates.groups[0]));
  dir.make_directory("staging");
  const Fd staging = open_host(dir / "staging", O_RDONLY | O_DIRECTORY);
  int leaf = 0;
  KeeperLink link(link_request(scene, proof.classes.at(0)), [&] {
    return StagedName{staging.get(), std::to_string(leaf++)};
  });
  link.prepare();
  unsigned mode = 0;
  const auto guest = [&](int nth) {
    if (nth == 3) shell_or_fail("chmod 600 " + (dir / "a/f"));
    if (nth == 14) mode = dir.inode("a/f").mode & 0777;
  };
  act_before(
      SYS_renameat2, [&] { link.exchange(); }, guest);
  link.protect();
  link.check();
  EXPECT_EQ(mode, 0644u);
  EXPECT_FALSE(link.finish().has_linked());
}

// Between exchange and protect two guests reach one inode.
class LinkingOverUnprotected : public LinkingOver {
 protected:
  void link_while(const std::function<void()>& guest) {
    prove();
    link_->prepare();
    link_->exchange();
    guest();
    link_->protect();
    link_->check();
    link_->look_again();
    result_ = link_->finish();
  }
};

TEST_F(LinkingOverUnprotected, TakesBackWhatOneGuestChangedForAll) {
  link_while([this] { chmod("b/f"); });
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_NE(dir_.inode("a/f").mode & 0777, 0600u);
  expect_untouched();
}

TEST_F(LinkingOverUnprotected, TakesBackAllWhereAGuestLinkedTheKeeper) {
  link_while([this] { std::filesystem::create_hard_link(dir_ / "b/f", dir_ / "b/again"); });
  EXPECT_EQ(end_of("c"), LinkEnd::changed);
  for (const auto* path : {"b/f", "c/f"}) EXPECT_NE(ino(path), ino("a/f")) << path;
  EXPECT_TRUE(is_shared(dir_ / "b/again"));  // the next run gives it an inode of its own
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

TEST_F(LinkingOverUnprotected, TakesBackAllWhereSomebodyWantsToWriteToTheKeeper) {
  link_while([this] { EXPECT_TRUE(is_kept_waiting(look_up("b/f"))); });
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  expect_untouched();
}

TEST_F(LinkingOverUnprotected, TakesBackAllBeforeTheLeasesAreDropped) {
  prove();
  link_->prepare();
  link_->exchange();
  EXPECT_TRUE(is_kept_waiting(look_up("b/f")));
  link_->protect();
  link_->check();
  for (const auto* path : {"b/f", "c/f"}) EXPECT_NE(ino(path), ino("a/f")) << path;
  link_->finish();
  expect_untouched();
}

TEST_F(LinkingOverUnprotected, TakesBackAVictimThatWasChangedMeanwhile) {
  prove();
  const Fd victim = look_up("b/f");
  link_->prepare();
  link_->exchange();
  ASSERT_EQ(shell("chmod 600 " + (dir_ / "staging/0")).status, 0);
  link_->protect();
  link_->check();
  link_->look_again();
  result_ = link_->finish();
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_EQ(dir_.inode("b/f").mode & 0777, 0600u);
  EXPECT_EQ(ino("c/f"), ino("a/f"));
}

// Between check and finish.
TEST_F(LinkingOver, GivesBackAVictimThatSomebodyWantsToWriteTo) {
  prove();
  const auto before = ino("b/f");
  const Fd victim = look_up("b/f");
  link_->run();
  EXPECT_TRUE(is_kept_waiting(victim));
  link_->look_again();
  result_ = link_->finish();
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_EQ(ino("b/f"), before);
  EXPECT_TRUE(is_shared(dir_ / "c/f"));
}

// He passed the kernel's permission check before the keeper was protected, and comes to its lease only now.
TEST_F(LinkingOver, GivesAllBackWhereSomebodyComesLateToTheKeeper) {
  prove();
  const Fd keeper = open_host(dir_ / "a/f", O_RDONLY);
  link_->run();
  unprotect(keeper.get());
  EXPECT_TRUE(is_kept_waiting(keeper));
  protect(keeper.get(), Protection::immutable);
  result_ = link_->finish();
  for (const auto* guest : {"b", "c"}) EXPECT_EQ(end_of(guest), LinkEnd::changed) << guest;
  expect_untouched();
}

TEST_F(LinkingOver, TurnsAwayWhoComesLateToTheKeeperByAnotherName) {
  prove();
  const Fd keeper = open_host(dir_ / "a/f", O_RDONLY);
  link_->run();
  unprotect(keeper.get());
  const WaitingWriter writer(dir_, "b/f");
  ASSERT_TRUE(writer.waits());
  protect(keeper.get(), Protection::immutable);
  link_->finish();
  ASSERT_TRUE(writer.is_done());
  EXPECT_EQ(dir_.read("a/f"), "same");
  EXPECT_EQ(dir_.read("b/f"), "same+");
}

TEST_F(LinkingOver, GivesBackAVictimThatAGuestLinkedMeanwhile) {
  prove();
  const auto victim = ino("b/f");
  link_->run();
  std::filesystem::create_hard_link(dir_ / "staging/0", dir_ / "b/again");
  link_->look_again();
  result_ = link_->finish();
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_EQ(ino("b/f"), victim);
  EXPECT_EQ(ino("b/again"), victim);
  EXPECT_TRUE(is_shared(dir_ / "c/f"));
}

TEST_F(LinkingOver, SeesAWriterWhoHasNotComeToTheLeaseYet) {
  prove();
  Scanner scanner(dir_ / "b/f");
  if (!scanner.works()) GTEST_SKIP() << "no fanotify here";
  link_->prepare();
  scanner.hold_a_writer();
  link_->exchange();
  link_->protect();
  link_->check();
  link_->look_again();
  result_ = link_->finish();
  scanner.let_go();
  ASSERT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_TRUE(eventually([&] { return dir_.read("b/f") == "same+"; })) << dir_.read("b/f");
  EXPECT_EQ(dir_.read("a/f"), "same");
  EXPECT_EQ(ino("c/f"), ino("a/f"));
}

// He could come through any of the names, and none of them is his any more.
TEST_F(LinkingOver, TellsOfAWriterWhoDoesNotComeToTheKeepersLease) {
  prove();
  Scanner scanner(dir_ / "a/f");
  if (!scanner.works()) GTEST_SKIP() << "no fanotify here";
  link_->prepare();
  link_->exchange();
  scanner.hold_a_writer();
  link_->protect();
  link_->check();
  link_->look_again();
  result_ = link_->finish();
  scanner.let_go();
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_TRUE(result_.has_writer_left);
}

TEST_F(LinkingOver, GivesBackAVictimThatWasChangedByDescriptorMeanwhile) {
  prove();
  const auto before = ino("b/f");
  const Fd opened = open_host(dir_ / "b/f", O_RDONLY);
  link_->run();
  ASSERT_EQ(::fchmod(opened.get(), 0600), 0);
  link_->look_again();
  result_ = link_->finish();
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_EQ(dir_.inode("b/f").mode & 0777, 0600u);
  EXPECT_EQ(ino("b/f"), before);  // itself, and no copy
  EXPECT_EQ(ino("c/f"), ino("a/f"));
}

// Between look_again and finish.
TEST_F(LinkingOver, GivesACopyOfAVictimThatWasChangedAtTheLastMoment) {
  prove();
  const Fd opened = open_host(dir_ / "b/f", O_RDONLY);
  link_->run();
  link_->look_again();
  ASSERT_EQ(::fchmod(opened.get(), 0600), 0);
  result_ = link_->finish();
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_EQ(dir_.inode("b/f").mode & 0777, 0600u);
  EXPECT_EQ(dir_.read("b/f"), "same");
  EXPECT_EQ(ino("c/f"), ino("a/f"));
  EXPECT_TRUE(is_shared(dir_ / "a/f"));
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

}  // namespace
}  // namespace vunify::test
