// SPDX-License-Identifier: Apache-2.0
// Guests that are off: taken back by -R NAME, until they are named again. Noted once nothing stands against the work.
#include <gmock/gmock.h>
#include <sys/mount.h>

#include <filesystem>

#include "tests/root_test.h"
#include "tests/tools/configured_guests.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;

class VunifyOff : public RootTest {
 protected:
  void SetUp() override {
    RootTest::SetUp();
    guests_.fill({"a", "b", "c"}, "usr/x", std::string(5000, 'x'));
    guests_.set(".defaults/apps/vunify/protect", flag_name());
    ASSERT_EQ(guests_.report({"--all"})["linked_files"], 2);
  }
  std::size_t guests_tonight() const { return guests_.report({"--all"})["guests"].size(); }

  ConfiguredGuests guests_{{"a", "b", "c"}};
};

TEST_F(VunifyOff, PassesAGuestByThatWasTakenBack) {
  ASSERT_EQ(guests_.vunify({"-R", "c"}).status, 0);
  EXPECT_EQ(guests_.report({"--all"})["linked_files"], 0);
  EXPECT_FALSE(guests_.are_one("a/usr/x", "c/usr/x"));
  EXPECT_EQ(guests_.report({"a", "c"})["linked_files"], 1);
  EXPECT_EQ(guests_tonight(), 3u);
}

TEST_F(VunifyOff, IsToldByStatus) {
  ASSERT_EQ(guests_.vunify({"-R", "c"}).status, 0);
  EXPECT_EQ(guests_.report({"--status"})["off"], ConfiguredGuests::Json({"vserver:c"}));
  EXPECT_THAT(guests_.vunify({"--status"}).out, HasSubstr("off         vserver:c: taken out by -R"));
}

TEST_F(VunifyOff, IsNoneThatCouldNotBeTakenBack) {
  guests_.write("vs/.vunify", "no place for staging");
  EXPECT_EQ(guests_.vunify({"-R", "c"}).status, 3);
  std::filesystem::remove(guests_ / "vs/.vunify");
  EXPECT_TRUE(guests_.are_one("a/usr/x", "c/usr/x"));
  EXPECT_EQ(guests_tonight(), 3u);
}

TEST_F(VunifyOff, IsNoneInADryRun) {
  EXPECT_EQ(guests_.vunify({"-n", "-R", "c"}).status, 0);
  EXPECT_EQ(guests_tonight(), 3u);
}

TEST_F(VunifyOff, StaysSoWhereDeletingWasRefused) {
  ASSERT_EQ(guests_.vunify({"-R", "c"}).status, 0);
  const auto mounted = guests_ / "vs/c/usr";
  ASSERT_EQ(::mount(mounted.c_str(), mounted.c_str(), nullptr, MS_BIND, nullptr), 0);
  EXPECT_THAT(guests_.vunify({"--delete", "c"}).err, HasSubstr("is mounted in it"));
  ASSERT_EQ(::umount(mounted.c_str()), 0);
  EXPECT_EQ(guests_tonight(), 2u);
}

TEST_F(VunifyOff, IsForgottenOnceTheGuestIsDeleted) {
  ASSERT_EQ(guests_.vunify({"-R", "c"}).status, 0);
  ASSERT_EQ(guests_.vunify({"--delete", "c"}).status, 0);
  guests_.fill({"c"}, "usr/x", "another guest of that name");
  EXPECT_EQ(guests_tonight(), 3u);
}

}  // namespace
}  // namespace vunify::test
