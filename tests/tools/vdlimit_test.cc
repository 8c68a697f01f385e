// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "account/ledger.h"
#include "tests/eventually.h"
#include "tests/root_test.h"
#include "tests/tools/configured_guests.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;

class Vdlimit : public RootTest {
 protected:
  Finished vdlimit(ConfiguredGuests::Words words) const {
    const ConfiguredGuests::Words before = {"vdlimit", "--config", dir / "config", "--state", dir / "state"};
    words.insert(words.begin(), before.begin(), before.end());
    return run(words);
  }
  void expect_refused(const ConfiguredGuests::Words& words, const std::string& why) const {
    const auto finished = vdlimit(words);
    EXPECT_EQ(finished.status, 2) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr(why));
    EXPECT_FALSE(dir.exists("state")) << "something was set";
  }
  void set_dlimits(const std::string& guest, const std::string& space) const {
    const auto limits = guest + "/dlimits/root/";
    dir.set(limits + "directory", dir / "vs");
    dir.set(limits + "space_total", space);
    dir.set(limits + "inodes_total", "-1");
    dir.set(limits + "reserved", "5");
  }
  static std::string shown_by(const Finished& told) {
    return nlohmann::json::parse(told.out).at("limits").at(0).at("enforced_by");
  }
  const ConfiguredGuests dir{{"a", "b"}};
  const std::string here = dir / "vs";
};

TEST_F(Vdlimit, PrintsAsEver) {
  const auto set = vdlimit({"--xid", "42", "--set", "space_total=20480,inodes_total=-1", "-s", "reserved=0x5", here});
  EXPECT_EQ(set.status, 0) << set.err;
  EXPECT_EQ(set.out, "");
  EXPECT_EQ(vdlimit({"-x", "42", here}).out, "42 " + here +
                                                 "\nspace_used=0\nspace_total=20480\ninodes_used=0\n"
                                                 "inodes_total=-1\nreserved=5\n");
}

TEST_F(Vdlimit, KeepsWhatIsNotNamed) {
  vdlimit({"--xid", "42", "--set", "space_used=10,space_total=20,inodes_used=3,inodes_total=40,reserved=5", here});
  vdlimit({"--xid", "42", "--set", "inodes_total=50", here});
  EXPECT_EQ(vdlimit({"--xid", "42", here}).out,
            "42 " + here + "\nspace_used=10\nspace_total=20\ninodes_used=3\ninodes_total=50\nreserved=5\n");
}

// Savannah 14026: a limit was added, and half set, before the next word was looked at.
TEST_F(Vdlimit, SetsAllOrNothing) {
  for (const auto* words : {"space_total=20,reserved=101", "space_total=20,inodes_total=x", "space_total=20,space=1",
                            "space_total=20,space_total=30", "space_used=21,space_total=20", "space_total=20,reserved"})
    expect_refused({"--xid", "42", "--set", words, here}, "");
  expect_refused({"--xid", "42", "--set", "space_total=20", here, dir / "nowhere"}, "nowhere");
  expect_refused({"--xid", "42", "--set", "space_total=20", "--remove", here}, "exclude each other");
  expect_refused({"--xid", "nobody", "--set", "space_total=20", here}, "nobody");
}

TEST_F(Vdlimit, RemovesWhatIsThere) {
  EXPECT_EQ(vdlimit({"--xid", "42", "--remove", here}).status, 1);
  vdlimit({"--xid", "42", "--set", "space_total=20", here});
  EXPECT_EQ(vdlimit({"--xid", "42", "--remove", here}).status, 0);
  const auto none = vdlimit({"--xid", "42", here});
  EXPECT_EQ(none.status, 1);
  EXPECT_THAT(none.err, HasSubstr("xid 42 has no limit"));
}

TEST_F(Vdlimit, TakesWhatIsConfiguredOfAllGuests) {
  dir.set("a/context", "42"), dir.set("b/context", "43");
  set_dlimits("a", "20480"), set_dlimits("b", "010");
  const auto all = nlohmann::json::parse(vdlimit({"--all", "--json"}).out).at("limits");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].at("guest"), "a");
  EXPECT_EQ(all[0].at("space_total"), 20480 * 1024);
  EXPECT_EQ(all[0].at("inodes_total"), nullptr);
  EXPECT_EQ(all[1].at("space_total"), 8 * 1024);
  EXPECT_EQ(all[1].at("enforced_by"), "nobody");
}

TEST_F(Vdlimit, OneWrongConfigurationSetsNothing) {
  dir.set("a/context", "42"), dir.set("b/context", "43");
  set_dlimits("a", "20480"), set_dlimits("b", "much");
  expect_refused({"--all"}, "b/dlimits/root/space_total:1: is no limit");
  dir.set("b/dlimits/root/disabled", "");
  EXPECT_EQ(vdlimit({"--all"}).status, 0);
}

TEST_F(Vdlimit, CountsAGuestByItsName) {
  dir.set("a/context", "42");
  dir.fill({"a"}, "f", std::string(10'000, 'x'));
  const auto set = vdlimit({"--set", "space_total=20480", "a"});
  EXPECT_EQ(set.status, 0) << set.err;
  const auto counted = vdlimit({"--recount", "--json", "a"});
  EXPECT_EQ(counted.status, 0) << counted.err;
  const auto is = nlohmann::json::parse(counted.out).at("limits").at(0);
  EXPECT_EQ(is.at("inodes_used"), 2) << "the root and the file";
  EXPECT_EQ(is.at("space_used"), dir.inode("vs/a/f").bytes_on_disk() + dir.inode("vs/a").bytes_on_disk());
  EXPECT_EQ(is.at("counted"), true);
  EXPECT_EQ(vdlimit({"--set", "space_used=1", "a"}).status, 0);
  EXPECT_THAT(vdlimit({"--xid", "a", here}).out, HasSubstr("inodes_used=2\n")) << "who counted knows better";
}

// Nothing is lost or counted twice, whatever comes between: afterwards a count finds what is known already.
TEST_F(Vdlimit, CountsAGuestOnVcowWhileHeWrites) {
  dir.set("a/context", "42");
  set_dlimits("a", "20480");
  const auto guest = dir / "vs/a";
  must(run({"vcow", "mount", "--config", dir / "config", "--state", dir / "state", guest}));
  const auto writer = "cd " + guest +
                      " && touch go && (while [ -e go ]; do for i in 1 2 3 4 5; do "
                      "head -c ${i}0000 /dev/zero >f$i; mkdir d$i; mv f$i d$i; ln d$i/f$i g$i; rm -r d$i; done; done) "
                      ">log 2>&1 & ";
  must(shell(writer));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(vdlimit({"--recount", "a"}).status, 0);
  must(shell("rm " + guest + "/go"));
  EXPECT_TRUE(eventually([&] { return run({"umount", guest}).status == 0; }));
  EXPECT_TRUE(eventually([&] { return shown_by(vdlimit({"--json", "a"})) == "nobody"; }));
  const auto counted = vdlimit({"--recount", "--json", "a"});
  EXPECT_EQ(nlohmann::json::parse(counted.out).at("limits").at(0).at("drift"), 0) << counted.out;
}

TEST_F(Vdlimit, BeginsADamagedLedgerAnewFromWhatIsConfigured) {
  dir.set("a/context", "42");
  set_dlimits("a", "20480");
  dir.make_directory("state");
  dir.write("state/ledger", std::string(20'000, 'x'));
  const auto refused = vdlimit({"--all"});
  EXPECT_EQ(refused.status, 5);
  EXPECT_THAT(refused.err, HasSubstr("--begin-anew"));
  const auto anew = vdlimit({"--all", "--begin-anew", "--json"});
  EXPECT_EQ(anew.status, 0) << anew.err;
  const auto is = nlohmann::json::parse(anew.out).at("limits").at(0);
  EXPECT_EQ(is.at("inodes_used"), 1);
  EXPECT_TRUE(dir.exists("state/ledger.damaged"));
}

}  // namespace
}  // namespace vunify::test
