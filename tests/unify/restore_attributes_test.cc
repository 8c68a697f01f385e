// SPDX-License-Identifier: Apache-2.0
// A guest's root without any privilege sets flags and project of what it shares, on filesystems that let it.
#include "unify/restore_attributes.h"

#include <fcntl.h>

#include "sys/fd.h"
#include "sys/inode_attr.h"
#include "tests/nights.h"
#include "tests/root_test.h"

namespace vunify::test {
namespace {

class RestoreAttributesOn : public RootTestOn {
 protected:
  static constexpr const char* shared = "a/usr/same3";

  // What the guest set is set, before the night.
  static void change(const Nights& nights, const std::string& commands) {
    const auto guest = "setpriv --bounding-set=-all --inh-caps=-all ";
    const auto set = shell("cd " + nights / "a/usr" + " && " + guest + commands);
    ASSERT_EQ(set.status, 0) << set.err;
  }
  static std::uint32_t flags(const Nights& nights) {
    return inode_flags(open_host(nights / shared, O_RDONLY).get()) & metadata_flags;
  }
  static std::uint32_t project(const Nights& nights) { return project_id(open_host(nights / shared, O_RDONLY).get()); }
};
INSTANTIATE_TEST_SUITE_P(Each, RestoreAttributesOn, testing::Values("xfs", "btrfs"), name_of_each);

TEST_P(RestoreAttributesOn, GivesBackTheFlagsOfWhatIsShared) {
  Nights nights(GetParam());
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  fill(nights);
  ASSERT_EQ(nights.run().status, 0);
  change(nights, "chattr +dSA same3");
  ASSERT_NE(flags(nights), 0u);
  ASSERT_EQ(nights.run({"-n"}).status, 0);
  EXPECT_NE(flags(nights), 0u);
  const auto night = nights.run();
  EXPECT_EQ(night.status, 0) << night.err;
  EXPECT_EQ(flags(nights), 0u);
  EXPECT_TRUE(nights.are_one("a/usr/same3", "b/usr/same3"));
  expect_nothing_is_opened(nights, "as it was");
}

// A file that had a flag of its own, of all guests.
TEST_P(RestoreAttributesOn, GivesBackAFlagThatWasTakenOff) {
  Nights nights(GetParam());
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  fill(nights);
  for (const auto* path : {"a/usr/same3", "b/usr/same3"})
    change_inode_flags(open_host(nights / path, O_RDONLY).get(), FS_NOATIME_FL, 0);
  nights.rest();
  ASSERT_EQ(nights.run().status, 0);
  change(nights, "chattr -A +d same3");
  ASSERT_EQ(nights.run().status, 0);
  EXPECT_EQ(flags(nights), std::uint32_t{FS_NOATIME_FL});
}

class RestoreProjectOn : public RestoreAttributesOn {};  // btrfs has none
INSTANTIATE_TEST_SUITE_P(Each, RestoreProjectOn, testing::Values("xfs"), name_of_each);

TEST_P(RestoreProjectOn, GivesBackTheProjectOfWhatIsShared) {
  Nights nights(GetParam());
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  fill(nights);
  ASSERT_EQ(nights.run().status, 0);
  change(nights, "xfs_io -r -c 'chproj 7' same3");
  ASSERT_EQ(project(nights), 7u);
  ASSERT_EQ(nights.run().status, 0);
  EXPECT_EQ(project(nights), 0u);
}

}  // namespace
}  // namespace vunify::test
