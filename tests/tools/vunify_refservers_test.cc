// SPDX-License-Identifier: Apache-2.0
// The refservers of guests that are named: keepers are taken from them, and they are walked for that alone.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/root_test.h"
#include "tests/tools/configured_guests.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;

const std::string of_refserver(5000, 'x');

class VunifyRefservers : public RootTest {
 protected:
  void SetUp() override {
    RootTest::SetUp();
    guests_.fill({"a", "b", "c", "d"}, "usr/x", of_refserver);
    guests_.set(".defaults/apps/vunify/protect", flag_name());
    name_refserver("a", "c");
  }
  void name_refserver(const std::string& guest, const std::string& refserver) const {
    std::filesystem::create_symlink(guests_ / ("config/" + refserver),
                                    guests_ / ("config/" + guest + "/apps/vunify/refserver." + refserver));
  }

  ConfiguredGuests guests_{{"a", "b", "c", "d"}};
};

TEST_F(VunifyRefservers, GiveTheKeeperInARunOverAll) {
  const auto ino = guests_.inode("vs/c/usr/x").ino;
  ASSERT_EQ(guests_.report({"--all", "--sledgehammer"})["linked_files"], 3);
  EXPECT_EQ(guests_.inode("vs/a/usr/x").ino, ino);
}

TEST_F(VunifyRefservers, AreWalkedForTheGuestThatIsNamed) {
  const auto ino = guests_.inode("vs/c/usr/x").ino;
  ASSERT_EQ(guests_.report({"a", "--sledgehammer"})["linked_files"], 1) << "without any earlier run";
  EXPECT_EQ(guests_.inode("vs/a/usr/x").ino, ino);
  EXPECT_FALSE(guests_.are_one("a/usr/x", "b/usr/x"));
}

TEST_F(VunifyRefservers, AreNotUnifiedWithOneAnother) {
  name_refserver("a", "d");
  guests_.fill({"c", "d"}, "usr/y", of_refserver + "y");
  EXPECT_EQ(guests_.report({"a"})["linked_files"], 2);
  EXPECT_FALSE(guests_.are_one("c/usr/y", "d/usr/y"));
  EXPECT_EQ(guests_.report({"a", "c", "d"})["linked_files"], 1) << "named they are as others";
}

TEST_F(VunifyRefservers, AreLeftInPeaceWhereTheyAreOff) {
  ASSERT_EQ(guests_.report({"a"})["linked_files"], 1);
  ASSERT_EQ(guests_.vunify({"-R", "c"}).status, 0);
  EXPECT_EQ(guests_.report({"a"})["guests"].size(), 1u);
  EXPECT_FALSE(guests_.are_one("a/usr/x", "c/usr/x"));
}

TEST_F(VunifyRefservers, AreNotAskedForOthersThanTheNamed) {
  EXPECT_EQ(guests_.report({"b", "d"})["guests"].size(), 2u);
  const auto alone = guests_.vunify({"--state", guests_ / "new", "b"});
  EXPECT_EQ(alone.status, 2);
  EXPECT_THAT(alone.err, HasSubstr("at least two guests are needed"));
}

TEST_F(VunifyRefservers, CanBeMissing) {
  std::filesystem::remove_all(guests_ / "vs/c");
  EXPECT_EQ(guests_.report({"a", "b"}, 1)["linked_files"], 1);
}

}  // namespace
}  // namespace vunify::test
