// SPDX-License-Identifier: Apache-2.0
#include "unify/share_groups.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/syscall.h>

#include "sys/clone.h"
#include "tests/act_before.h"
#include "tests/scene.h"
#include "tests/sys/on_filesystem.h"

namespace vunify::test {
namespace {

class SharingGroupsOn : public OnFilesystem {
 protected:
  void SetUp() override {
    OnFilesystem::SetUp();
    if (!dir_) return;
    for (const auto* path : {"a/f", "b/f"}) dir().write(path, std::string(100'000, 'x'));
    ASSERT_EQ(shell("chmod 600 " + (dir() / "b/f") + "; sync -f " + fs_.root()).status, 0);
  }

  Tally share(bool dry_run, const Names& guests = {"a", "b"}, bool fresh = true) {
    Scene scene(dir(), guests, {.metadata = false});
    auto run = scene.run();
    run.dry_run = dry_run;
    run.fresh = fresh;
    return share_groups(scene.survey, run);
  }
  std::uint64_t place_of(const std::string& name) const { return extents_of(reader(name).get(), true).at(0).physical; }
  bool lie_together() const { return same_places(reader("a/f").get(), reader("b/f").get()); }
};
INSTANTIATE_TEST_SUITE_P(Each, SharingGroupsOn, with_reflink, filesystem_name);

TEST_P(SharingGroupsOn, SharesDataAndNeitherInodeNorMetadata) {
  const auto before = image_of(dir().root());
  const auto inode = dir().inode("b/f").ino;
  EXPECT_THAT(share(false).linked_files, testing::Contains(1));
  EXPECT_TRUE(lie_together());
  EXPECT_EQ(dir().inode("b/f").ino, inode);
  EXPECT_EQ(image_of(dir().root()), before);
}

// XFS writes a page that a guest made dirty before to where its file lies, shared or not.
TEST_P(SharingGroupsOn, SharesPlacesThatNoGuestEverWroteTo) {
  if (GetParam() == std::string("btrfs")) return;  // it finds a new place for it
  const auto a = place_of("a/f"), b = place_of("b/f");
  share(false);
  EXPECT_TRUE(lie_together());
  EXPECT_THAT(place_of("a/f"), testing::AllOf(testing::Ne(a), testing::Ne(b)));
}

// Though more of one guest's files lie together than of two guests'.
TEST_P(SharingGroupsOn, LeadsNobodyToAFileOfAGuest) {
  if (GetParam() == std::string("btrfs")) return;
  share(false);
  dir().write("a/1", std::string(100'000, 'x'));
  shell_or_fail("cd " + dir().root() + " && for i in 2 3 4; do cp --reflink=always a/1 a/$i; done; sync -f .");
  const auto own = place_of("a/1");
  share(false);
  share(false);
  EXPECT_NE(place_of("b/f"), own);
}

TEST_P(SharingGroupsOn, SharesAStoppedGuestsPlaces) {
  const auto a = place_of("a/f"), b = place_of("b/f");
  share(false, {"a", "b"}, false);
  EXPECT_TRUE(lie_together());
  EXPECT_THAT(place_of("a/f"), testing::AnyOf(a, b));
}

TEST_P(SharingGroupsOn, LeadsAThirdGuestToWhatTwoShare) {
  share(false);
  const auto shared = place_of("a/f");
  dir().write("c/f", std::string(100'000, 'x'));
  ASSERT_EQ(shell("sync -f " + fs_.root()).status, 0);
  EXPECT_THAT(share(false, {"a", "b", "c"}).linked_files, testing::Contains(1));
  for (const auto* name : {"a/f", "b/f", "c/f"}) EXPECT_EQ(place_of(name), shared) << name;
}

// What two shared when it was looked at: the guest that stands for it writes to a place of its own meanwhile.
TEST_P(SharingGroupsOn, LeadsNobodyToWhatIsSharedNoLonger) {
  if (GetParam() == std::string("btrfs")) return;
  share(false);
  dir().write("c/f", std::string(100'000, 'x'));
  shell_or_fail("sync -f " + fs_.root());
  Scene scene(dir(), {"a", "b", "c"}, {.metadata = false});
  const auto write_again = [this](int) {
    for (const auto* name : {"a/f", "b/f"}) dir().write(name, std::string(100'000, 'x'));
    shell_or_fail("sync -f " + fs_.root());
  };
  act_before(
      SYS_fstatfs, [&] { share_groups(scene.survey, scene.run()); }, write_again);  // before the clone of it is made
  EXPECT_THAT(place_of("c/f"), testing::AllOf(testing::Ne(place_of("a/f")), testing::Ne(place_of("b/f"))));
}

TEST_P(SharingGroupsOn, TheSecondTimeReadsNothing) {
  share(false);
  const auto again = share(false);
  EXPECT_THAT(again.linked_files, testing::Each(0));
  EXPECT_EQ(again.read_bytes, 0u);
}

TEST_P(SharingGroupsOn, ADryRunSharesNothing) {
  EXPECT_THAT(share(true).linked_files, testing::Contains(1));
  EXPECT_FALSE(lie_together());
}

}  // namespace
}  // namespace vunify::test
