// SPDX-License-Identifier: Apache-2.0
#include "host/xids.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "tests/root_test.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;

using Xid = std::optional<std::uint32_t>;

class XidsOfGuests : public RootTest {
 protected:
  // Its root is made where it is missing.
  void add(const std::string& name, Xid xid = {}) {
    dir.make_directory(name);
    HostGuest guest;
    guest.provider = "vserver";
    guest.name = name;
    guest.root = dir / name;
    guest.config = "/etc/vservers/" + name;
    guest.xid = xid;
    hosts.guests.push_back(guest);
  }

  static std::vector<Xid> xids(const HostGuests& of) {
    std::vector<Xid> all;
    for (const auto& guest : of.guests) all.push_back(guest.xid);
    return all;
  }
  std::vector<Xid> give() const {
    auto given = hosts;
    give_xids(state, dir / "etc", given);
    return xids(given);
  }
  std::vector<Xid> show() const {
    auto shown = hosts;
    show_xids(dir / "state", shown);
    return xids(shown);
  }

  const Scratch dir;
  const StateDir state{dir / "state"};
  HostGuests hosts;
};

TEST_F(XidsOfGuests, BeginAt40000AndStay) {
  add("a");
  add("b");
  EXPECT_THAT(give(), ElementsAre(40000, 40001));
  std::swap(hosts.guests[0], hosts.guests[1]);
  add("c");
  EXPECT_THAT(give(), ElementsAre(40001, 40000, 40002));
}

TEST_F(XidsOfGuests, OfTheConfigurationAreTheirs) {
  add("a", 100);
  add("b", 40000);
  add("c");
  EXPECT_THAT(give(), ElementsAre(100, 40000, 40001));
}

TEST_F(XidsOfGuests, OfTheConfigurationAreNotGivenOutLaterEither) {
  add("a", 40000);
  give();
  hosts.guests.clear();
  add("b");
  EXPECT_THAT(give(), ElementsAre(40001));
}

TEST_F(XidsOfGuests, AreNeverUsedAgainByAnotherOfThatName) {
  add("a");
  EXPECT_THAT(give(), ElementsAre(40000));
  std::filesystem::remove_all(dir / "a");
  dir.make_directory("a");
  EXPECT_THAT(give(), ElementsAre(40001));
}

TEST_F(XidsOfGuests, GoWithTheRootThatIsMoved) {
  add("a");
  give();
  std::filesystem::rename(dir / "a", dir / "b");
  hosts.guests.clear();
  add("a");
  add("b");
  EXPECT_THAT(give(), ElementsAre(40001, 40000));
}

// An old host's guests got theirs from there, and those that are deleted are known to nobody else.
TEST_F(XidsOfGuests, BeginWhereUtilVserverEnded) {
  dir.write("etc/.defaults/context.next", "40017\n");
  add("a");
  EXPECT_THAT(give(), ElementsAre(40017));
}

TEST_F(XidsOfGuests, ThatWereGivenToAnotherAreAMistake) {
  add("a");
  give();
  add("b", 40000);
  give_xids(state, dir / "etc", hosts);
  EXPECT_THAT(xids(hosts), ElementsAre(40000));
  ASSERT_EQ(hosts.mistakes.size(), 1u);
  EXPECT_EQ(hosts.mistakes[0].file, "/etc/vservers/b");
  EXPECT_EQ(hosts.mistakes[0].reason, "its context 40000 was given to a");
}

TEST_F(XidsOfGuests, MayBeWrittenIntoTheConfigurationOfTheirGuest) {
  add("a");
  give();
  hosts.guests[0].xid = 40000;
  EXPECT_THAT(give(), ElementsAre(40000));
  hosts.guests[0].xid.reset();
  EXPECT_THAT(give(), ElementsAre(40000));
}

TEST_F(XidsOfGuests, AreShownWithoutWritingAnything) {
  add("a");
  EXPECT_THAT(show(), ElementsAre(std::nullopt));
  EXPECT_THAT(dir.names("state"), ElementsAre("lock"));
  give();
  add("b");
  EXPECT_THAT(show(), ElementsAre(40000, std::nullopt));
}

TEST_F(XidsOfGuests, WithoutARootAreNone) {
  add("image.raw");
  hosts.guests[0].root.clear();
  EXPECT_THAT(give(), ElementsAre(std::nullopt));
}

TEST_F(XidsOfGuests, AreNotGivenWhereWhatWasGivenIsDamaged) {
  add("a");
  give();
  dir.write("state/xids", dir.read("state/xids").substr(3));
  add("b");
  EXPECT_THROW(give(), std::runtime_error);
  EXPECT_THROW(show(), std::runtime_error);
}

TEST_F(XidsOfGuests, AreNotToldWhereTheyCannotBeKept) {
  add("a");
  std::filesystem::create_directory(dir / "state/xids.new");  // nobody can write there
  EXPECT_THROW(give_xids(state, dir / "etc", hosts), std::system_error);
  EXPECT_THAT(xids(hosts), ElementsAre(std::nullopt));
  std::filesystem::remove(dir / "state/xids.new");
  EXPECT_THAT(give(), ElementsAre(40000));
}

}  // namespace
}  // namespace vunify::test
