// SPDX-License-Identifier: Apache-2.0
// Between exchange and protect two guests reach one inode that nothing protects.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>

#include "sys/inode_attr.h"
#include "tests/act_before.h"
#include "tests/change/linking_over.h"
#include "tests/eventually.h"
#include "tests/waiting_writer.h"

namespace vunify::test {
namespace {

using testing::IsEmpty;

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
  KeeperLink link(link_request(scene, proof.classes.at(0)), ground_of(staging.get()), [&] {
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
  const WaitingWriter writer(dir_, "b/f");
  ASSERT_TRUE(writer.waits());
  link_->protect();
  link_->check();
  for (const auto* path : {"b/f", "c/f"}) EXPECT_NE(ino(path), ino("a/f")) << path;
  link_->finish();
  expect_untouched();
  EXPECT_TRUE(writer.is_done());
  EXPECT_EQ(dir_.read("b/f"), "same+");
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

}  // namespace
}  // namespace vunify::test
