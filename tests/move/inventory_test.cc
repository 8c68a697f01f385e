// SPDX-License-Identifier: Apache-2.0
// What a guest is taken for, when root of it has made it look like something else.
#include "move/inventory.h"

#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/xattr.h>

#include <filesystem>
#include <future>
#include <optional>

#include "tests/root_test.h"
#include "tests/silent_fuse.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::StartsWith;
using testing::UnorderedElementsAre;

class TakeInventory : public RootTest {
 protected:
  GuestInventory take() const { return take_inventory(open_guests({dir_ / "g"}).guests.at(0)); }

  static const MovedName& named(const GuestInventory& inventory, const std::string& leaf) {
    return *std::ranges::find(inventory.names, leaf, &MovedName::leaf);
  }

  Scratch dir_{{"g/bin/sh", "text"}, {"g/f", "mine"}, {"g/d/x", ""}, {"g/other/x", ""}, {"g/z", "text"}};
};

// Who answers for it is asked nothing, and what lies around it is taken along.
TEST_F(TakeInventory, LeavesWhatIsMountedInTheGuest) {
  std::optional<SilentFuse> file(std::in_place, dir_ / "g/f"), directory(std::in_place, dir_ / "g/d"),
      of_user(std::in_place, dir_ / "g/other", 1000);
  auto taken = std::async(std::launch::async, [&] { return take(); });
  const bool in_time = taken.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
  file.reset(), directory.reset(), of_user.reset();
  ASSERT_TRUE(in_time);
  const auto inventory = taken.get();
  EXPECT_THAT(inventory.left, UnorderedElementsAre(StartsWith("f: something is mounted"), StartsWith("d: something"),
                                                   StartsWith("other: something")));
  std::vector<std::string> leaves;
  for (const auto& name : inventory.names) leaves.push_back(name.leaf);
  EXPECT_THAT(leaves, UnorderedElementsAre("", "bin", "sh", "d", "other", "z"));
}

// Else the guest would have the owner and mode of what the host has there.
TEST_F(TakeInventory, KnowsNothingOfWhatIsMountedOverADirectory) {
  ASSERT_EQ(::mount("none", (dir_ / "g/d").c_str(), "tmpfs", 0, "mode=1777,uid=12"), 0);
  const auto inventory = take();
  ::umount2((dir_ / "g/d").c_str(), MNT_DETACH);
  EXPECT_EQ(named(inventory, "d").mode, S_IFDIR | 0755U);
  EXPECT_EQ(named(inventory, "d").uid, 0U);
}

// vreceive refuses a stream with one: root of the guest could keep it where it is.
TEST_F(TakeInventory, TakesNoMarkAlong) {
  std::filesystem::create_symlink("/nowhere", dir_ / "g/link");
  for (const auto* path : {"g/link", "g/bin", "g/f"})
    ASSERT_EQ(::lsetxattr((dir_ / path).c_str(), "trusted.vunify", "123456789012", 12, 0), 0);
  for (const auto& name : take().names) EXPECT_TRUE(name.xattrs.empty()) << name.leaf;
}

// What is shared carries none, and is the guest's own where it arrives.
TEST_F(TakeInventory, TellsOfWhatIsSharedWithItsGuestsTag) {
  const LoopFs xfs("xfs");
  ASSERT_TRUE(xfs.ok()) << xfs.reason();
  const Scratch dir({{"g/f", "shared"}, {"g/z", "project of its own"}}, xfs.root());
  shell_or_fail("cd " + dir.root() + " && chattr -p 41 g && chattr -p 7 g/z");
  ASSERT_EQ(::lsetxattr((dir / "g/f").c_str(), "trusted.vunify", "123456789012", 12, 0), 0);
  const auto inventory = take_inventory(open_guests({dir / "g"}).guests.at(0));
  EXPECT_EQ(named(inventory, "f").project, 41U);
  EXPECT_EQ(named(inventory, "z").project, 7U);
}

}  // namespace
}  // namespace vunify::test
