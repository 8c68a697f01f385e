// SPDX-License-Identifier: Apache-2.0
#include "host/off_list.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/root_test.h"

namespace vunify::test {
namespace {

class GuestsThatAreOff : public RootTest {
 protected:
  HostGuest guest(const std::string& name) const {
    HostGuest guest;
    guest.provider = "lxc";
    guest.name = name;
    guest.root = dir / name;
    return guest;
  }
  void take_out(const std::string& name) const { change(&OffList::set_off, name); }
  void take_in(const std::string& name) const { change(&OffList::set_on, name); }
  bool is_off(const std::string& name) const { return OffList(dir / "state").is_off(guest(name)); }

  void SetUp() override {
    RootTest::SetUp();
    dir.make_directory("a");
    dir.make_directory("b");
  }

  const Scratch dir;
  const StateDir state{dir / "state"};

 private:
  void change(void (OffList::*how)(const HostGuest&), const std::string& name) const {
    OffList list(dir / "state");
    (list.*how)(guest(name));
    list.keep(state);
  }
};

TEST_F(GuestsThatAreOff, AreNoneAtFirst) {
  EXPECT_FALSE(is_off("a"));
  EXPECT_EQ(dir.names("state"), (std::vector<std::string>{"lock"}));
}

TEST_F(GuestsThatAreOff, StaySoUntilTheyAreTakenIn) {
  take_out("a");
  take_out("a");
  EXPECT_TRUE(is_off("a"));
  EXPECT_FALSE(is_off("b"));
  take_in("a");
  EXPECT_FALSE(is_off("a"));
}

TEST_F(GuestsThatAreOff, StaySoUnderAnotherName) {
  take_out("a");
  std::filesystem::rename(dir / "a", dir / "c");
  EXPECT_TRUE(is_off("c"));
  take_in("c");
  EXPECT_FALSE(is_off("c"));
}

TEST_F(GuestsThatAreOff, StaySoWhereTheyAreRestored) {
  take_out("a");
  std::filesystem::remove(dir / "a");
  EXPECT_TRUE(is_off("a"));
  dir.make_directory("a");
  EXPECT_TRUE(is_off("a"));
}

TEST_F(GuestsThatAreOff, AreNotThoseOfAnotherProvider) {
  take_out("a");
  auto other = guest("b");
  other.name = "a";
  EXPECT_TRUE(OffList(dir / "state").is_off(other));
  other.provider = "nspawn";
  EXPECT_FALSE(OffList(dir / "state").is_off(other));
}

TEST_F(GuestsThatAreOff, AreNotForgottenWhereTheListIsDamaged) {
  take_out("a");
  dir.write("state/off", "");
  EXPECT_THROW(is_off("a"), std::runtime_error);
}

}  // namespace
}  // namespace vunify::test
