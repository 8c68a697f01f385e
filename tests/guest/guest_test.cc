// SPDX-License-Identifier: Apache-2.0
#include "guest/guest.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <future>
#include <optional>

#include "tests/mounts_elsewhere.h"
#include "tests/root_test.h"
#include "tests/silent_fuse.h"

namespace vunify {
namespace {

using test::LoopFs;
using test::Scratch;
using test::shell_or_fail;
using testing::HasSubstr;
using Names = std::vector<std::string>;

Names names_of(const OpenedGuests& opened) {
  Names names;
  for (const auto& guest : opened.guests) names.push_back(guest.name);
  return names;
}

TEST(OpenGuests, AreInTheOrderOfTheirPathsWithTheirFilesystem) {
  const Scratch dir{{"b/etc/x", ""}, {"a/etc/x", ""}};
  const auto opened = open_guests({dir / "b", dir / "a"});
  EXPECT_EQ(names_of(opened), (Names{"a", "b"}));
  EXPECT_TRUE(opened.refused.empty());
  EXPECT_EQ(opened.guests[0].root.host_path(), dir / "a");
  EXPECT_EQ(opened.guests[0].fs, opened.guests[1].fs);
  EXPECT_EQ(opened.guests[0].mount.id, opened.guests[1].mount.id);
  EXPECT_FALSE(opened.guests[0].mount.point.empty());
  EXPECT_FALSE(opened.guests[0].xid);
}

TEST(OpenGuests, TakeTheWholePathAsNameWhereTwoWouldBeAlike) {
  const Scratch dir{{"a/rootfs/x", ""}, {"b/rootfs/x", ""}, {"c/x", ""}};
  const auto opened = open_guests({dir / "a/rootfs", dir / "b/rootfs", dir / "c"});
  EXPECT_EQ(names_of(opened), (Names{dir / "a/rootfs", dir / "b/rootfs", "c"}));
}

TEST(OpenGuests, RefuseWhatIsMissingAndWhatIsNoDirectory) {
  const Scratch dir{{"a/x", ""}, {"file", ""}};
  const auto opened = open_guests({dir / "missing", dir / "file", dir / "a"});
  EXPECT_EQ(names_of(opened), (Names{"a"}));
  ASSERT_EQ(opened.refused.size(), 2U);
  EXPECT_EQ(opened.refused[0].path, dir / "missing");
  EXPECT_EQ(opened.refused[0].reason, "no such file or directory");
  EXPECT_EQ(opened.refused[1].reason, "not a directory");
}

TEST(OpenGuests, RefuseARootNamedTwiceByAnotherSpelling) {
  const Scratch dir{{"a/x", ""}};
  shell_or_fail("ln -s a " + dir / "link");
  const auto opened = open_guests({dir / "a", dir / "./a/", dir / "link"});
  EXPECT_EQ(names_of(opened), (Names{"a"}));
  ASSERT_EQ(opened.refused.size(), 2U);
  EXPECT_EQ(opened.refused[0].path, dir / "./a/");
  EXPECT_EQ(opened.refused[1].path, dir / "link");
  EXPECT_EQ(opened.refused[1].reason, "named twice (also as " + dir / "a" + ")");
}

TEST(OpenGuests, RefuseARootInsideAnother) {
  const Scratch dir{{"a/srv/b/x", ""}, {"ab/x", ""}};
  const auto opened = open_guests({dir / "a/srv/b", dir / "a", dir / "ab"});
  EXPECT_EQ(names_of(opened), (Names{"a", "ab"}));
  ASSERT_EQ(opened.refused.size(), 1U);
  EXPECT_EQ(opened.refused[0].path, dir / "a/srv/b");
  EXPECT_EQ(opened.refused[0].reason, "is inside " + dir / "a" + ", another root");
}

using OpenMountedGuests = test::RootTest;

TEST_F(OpenMountedGuests, AreSeenThroughBindMounts) {
  const Scratch dir{{"a/srv/x", ""}, {"same/x", ""}, {"z/x", ""}};
  shell_or_fail("mount --bind " + dir / "a" + " " + dir / "same");
  shell_or_fail("mount --bind " + dir / "a/srv" + " " + dir / "z");
  const auto opened = open_guests({dir / "a", dir / "same", dir / "z"});
  shell_or_fail("umount " + dir / "same" + " " + dir / "z");
  EXPECT_EQ(names_of(opened), (Names{"a"}));
  ASSERT_EQ(opened.refused.size(), 2U);
  EXPECT_EQ(opened.refused[0].reason, "named twice (also as " + dir / "a" + ")");
  EXPECT_EQ(opened.refused[1].reason, "is inside " + dir / "a" + ", another root");
}

TEST(OpenGuests, RefuseAFilesystemMountedInsideAnotherGuest) {
  const LoopFs fs("ext4");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const Scratch dir{{"a/mnt/x", ""}};
  shell_or_fail("mount --bind " + fs.root() + " " + dir / "a/mnt");
  const auto opened = open_guests({dir / "a", dir / "a/mnt"});
  shell_or_fail("umount " + dir / "a/mnt");
  EXPECT_EQ(names_of(opened), (Names{"a"}));
  ASSERT_EQ(opened.refused.size(), 1U);
  EXPECT_THAT(opened.refused[0].reason, HasSubstr("is inside " + dir / "a"));
}

TEST(OpenGuests, KeepGuestsOfDifferentFilesystemsApart) {
  const LoopFs fs("xfs");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const Scratch dir{{"a/x", ""}};
  const Scratch other({{"b/x", ""}}, fs.root());
  const auto opened = open_guests({dir / "a", other / "b", fs.root()});
  ASSERT_EQ(opened.guests.size(), 2U);
  EXPECT_NE(opened.guests[0].fs, opened.guests[1].fs);
  ASSERT_EQ(opened.refused.size(), 1U);
  EXPECT_EQ(opened.refused[0].reason, "is inside " + fs.root() + ", another root");
}

// Whatever numbers the kernel gives to the mounts.
TEST(GuestsByMount, BeginWithWhereMostAre) {
  const Scratch dir{{"guests/a/x", ""}, {"guests/b/x", ""}, {"guests/c/x", ""}, {"early/x", ""}, {"late/x", ""}};
  for (const auto* point : {"early", "late"}) shell_or_fail("mount --bind " + dir / "guests" + " " + dir / point);
  const auto order = [&](const std::vector<std::string>& paths) { return guests_by_mount(open_guests(paths).guests); };
  using Order = std::vector<std::vector<std::uint32_t>>;
  EXPECT_EQ(order({dir / "early/a", dir / "late/b", dir / "late/c"}), (Order{{1, 2}, {0}}));
  EXPECT_EQ(order({dir / "early/a", dir / "early/b", dir / "late/c"}), (Order{{0, 1}, {2}}));
  EXPECT_EQ(order({dir / "early/a", dir / "late/b"}), (Order{{0}, {1}}));
  for (const auto* point : {"early", "late"}) shell_or_fail("umount " + dir / point);
}

class OpenClonedGuests : public test::RootTestOn {};
INSTANTIATE_TEST_SUITE_P(Each, OpenClonedGuests, testing::Values("ext4", "xfs"), test::name_of_each);

TEST_P(OpenClonedGuests, AreRefusedBesideTheirOriginal) {
  const LoopFs fs(GetParam());
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const Scratch dir({{"a/x", ""}}, fs.root());
  const Scratch clone{{"mnt/x", ""}};
  const std::string nouuid = GetParam() == std::string("xfs") ? ",nouuid" : "";
  shell_or_fail("sync -f " + fs.root() + " && cp --sparse=always " + fs.device() + " " + clone / "img" +
                " && mount -o loop" + nouuid + " " + clone / "img" + " " + clone / "mnt");
  const auto cloned = clone / "mnt" + dir.root().substr(fs.root().size()) + "/a";
  const auto opened = open_guests({dir / "a", cloned});
  const auto alone = names_of(open_guests({cloned}));
  shell_or_fail("umount " + clone / "mnt");
  EXPECT_TRUE(opened.guests.empty());
  ASSERT_EQ(opened.refused.size(), 2U);
  EXPECT_THAT(opened.refused[0].reason, HasSubstr("have the same UUID"));
  EXPECT_TRUE(opened.refused[0].unknown);
  EXPECT_EQ(alone, Names{"a"});
}

TEST(OpenGuests, RefuseAnOverlayMountAndItsLayers) {
  const LoopFs fs("ext4");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const Scratch dir({{"lower/guest/x", ""}, {"upper/x", ""}, {"work/x", ""}, {"merged/x", ""}, {"lower2/x", ""}},
                    fs.root());
  shell_or_fail("rm " + dir / "work/x" + "; mount -t overlay -o lowerdir=" + dir / "lower" +
                ",upperdir=" + dir / "upper" + ",workdir=" + dir / "work" + " overlay " + dir / "merged");
  const auto opened = open_guests({dir / "merged", dir / "upper", dir / "lower/guest", dir / "lower2"});
  shell_or_fail("umount " + dir / "merged");
  EXPECT_EQ(names_of(opened), (Names{"lower2"}));
  ASSERT_EQ(opened.refused.size(), 3U);
  EXPECT_EQ(opened.refused[0].reason, "is inside " + dir / "lower" + ", a layer of a mounted overlay");
  EXPECT_THAT(opened.refused[1].reason, HasSubstr("is an overlay mount"));
  EXPECT_THAT(opened.refused[2].reason, HasSubstr("is a layer of a mounted overlay"));
}

// As a container has it: mounted where nobody else sees it, by paths of the host, which its new root hides.
TEST(OpenGuests, RefuseForNowLayersOfAnOverlayInAnotherMountNamespace) {
  const LoopFs fs("ext4");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const Scratch dir({{"lower/guest/x", ""}, {"base/x", ""}, {"upper/x", ""}, {"merged/x", ""}, {"other/x", ""}},
                    fs.root());
  const auto script = "cd " + dir.root() +
                      " && mkdir work && mount -t overlay none merged -o lowerdir=" + dir / "base" + ":" +
                      dir / "lower" + ",upperdir=" + dir / "upper" + ",workdir=" + dir / "work";
  for (const auto* root : {"/", "merged"}) {
    const test::MountsElsewhere container(script, root[0] == '/' ? root : dir / root);
    const auto opened = open_guests({dir / "base", dir / "upper", dir / "other"});
    EXPECT_EQ(names_of(opened), (Names{"other"})) << root;
    ASSERT_EQ(opened.refused.size(), 2U);
    for (const auto& refusal : opened.refused) {
      EXPECT_TRUE(refusal.for_now);
      EXPECT_THAT(refusal.reason, HasSubstr("another mount namespace"));
    }
    const auto inside = open_guests({dir / "lower/guest", dir / "other"});
    EXPECT_EQ(inside.refused.size(), root[0] == '/' ? 1U : 0U) << "only where its table still tells";
    shell_or_fail("rm -rf " + dir / "work");
  }
  EXPECT_TRUE(open_guests({dir / "base", dir / "upper", dir / "other"}).refused.empty());
}

// Else one guest that may mount overlays could keep all others from being unified. It has a root of its own first: of
// one that has the host's, "/" is a layer for whoever looks meanwhile, other tests too.
TEST(OpenGuests, AreNotRefusedForWhatAnotherNamespaceCallsItsRoot) {
  const LoopFs fs("ext4");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const Scratch dir({{"a/x", ""}, {"b/x", ""}, {"m/x", ""}}, fs.root());
  const test::MountsElsewhere guest("mount -t tmpfs none " + dir / "m" + " && cd " + dir / "m" +
                                    " && mkdir usr before up merged && cp -a /bin /lib* . && mount --rbind /usr usr" +
                                    " && mount -t tmpfs none up && mkdir up/er up/work && pivot_root . before" +
                                    " && mount -t overlay o /merged -o lowerdir=/,upperdir=/up/er,workdir=/up/work");
  EXPECT_EQ(names_of(open_guests({dir / "a", dir / "b"})), (Names{"a", "b"}));
}

// What a guest calls a layer is, on the host, where somebody mounted what never answers.
TEST(OpenGuests, DoNotWaitForALayerThatAnotherNamespaceTells) {
  const LoopFs fs("ext4");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const Scratch dir({{"a/x", ""}, {"m/up/x", ""}, {"m/work/x", ""}, {"m/on/x", ""}, {"hang/in/x", ""}}, fs.root());
  std::optional<test::SilentFuse> silent(dir / "hang");
  const test::MountsElsewhere guest("umount -l " + dir / "hang" + " && rm " + dir / "m/work/x" +
                                    " && mount -t overlay o " + dir / "m/on" + " -o lowerdir=" + dir / "hang" +
                                    ",upperdir=" + dir / "m/up" + ",workdir=" + dir / "m/work");
  auto opened = std::async(std::launch::async, [&] { return names_of(open_guests({dir / "a"})); });
  const bool in_time = opened.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
  silent.reset();
  EXPECT_TRUE(in_time);
  EXPECT_EQ(opened.get(), (Names{"a"}));
}

TEST(ExpectOutside, RefusesWhatIsInARootThereOrNot) {
  const Scratch dir{{"a/var/lib/x", ""}, {"b/x", ""}};
  const Names roots{dir / "a", dir / "b"};
  for (const std::string path : {"a", "a/var/lib", "a/var/lib/not/there", "c/../a/var/state", "b/state/"})
    EXPECT_TRUE(expect_outside(dir / path, roots)) << path;
  for (const std::string path : {"", "ab", "c/a/state", "a/../state"})
    EXPECT_FALSE(expect_outside(dir / path, roots)) << path;
}

TEST(ExpectOutside, RefusesAWayThroughARoot) {
  const Scratch dir{{"a/x", ""}, {"outside/x", ""}};
  std::filesystem::create_symlink("a", dir / "into");
  std::filesystem::create_symlink("../outside", dir / "a/out");
  EXPECT_TRUE(expect_outside(dir / "into/state", {dir / "a"}));
  EXPECT_TRUE(expect_outside(dir / "a/out/state", {dir / "a"}));
  EXPECT_FALSE(expect_outside(dir / "outside/state", {dir / "a"}));
}

TEST_F(OpenMountedGuests, AreNoPlaceForTheStateThroughABindMount) {
  const Scratch dir{{"a/lib/x", ""}, {"elsewhere/x", ""}};
  shell_or_fail("mount --bind " + (dir / "a/lib") + " " + (dir / "elsewhere"));
  EXPECT_TRUE(expect_outside(dir / "elsewhere/state", {dir / "a"}));
  shell_or_fail("umount " + (dir / "elsewhere"));
}

TEST(OpenGuests, ChangeNothing) {
  const Scratch dir{{"a/x", "1"}, {"b/x", "1"}};
  const auto before = test::image_of(dir.root());
  open_guests({dir / "a", dir / "b", dir / "a", dir / "c"});
  EXPECT_EQ(test::image_of(dir.root()), before);
}

}  // namespace
}  // namespace vunify
