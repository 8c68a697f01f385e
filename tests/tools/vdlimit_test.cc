// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "account/ledger.h"
#include "guest/mounted.h"
#include "sys/mark.h"
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
  // At a step that no two runs agree on.
  void count_and_be_killed(const std::string& guest) const {
    run({"timeout", "-s", "KILL", "0.02", VUNIFY_BIN_DIR "/vdlimit", "--recount", "--config", dir / "config", "--state",
         dir / "state", guest});
  }
  // Before anybody asked for anything in it: of its root the kernel knows nothing.
  void mount_and_be_killed(const std::string& guest) const {
    const auto root = here + "/" + guest;
    must(run({"vcow", "mount", "--config", dir / "config", "--state", dir / "state", root}));
    const auto record = [&] {
      for (auto& one : list_mounted())
        if (one.mount_point == root) return one;
      return Mounted{};
    };
    ::kill(record().process, SIGKILL);
    EXPECT_TRUE(eventually([&] { return !record().is_alive; }));
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

TEST_F(Vdlimit, LimitsNobodyAndNothingThatHasNoSize) {
  expect_refused({"--xid", "42", "--set", "space_total=20", "/proc"}, "/proc: this filesystem has no space");
  expect_refused({"--xid", "0", "--set", "space_total=20", here}, "xid 0 is nobody's");
}

TEST_F(Vdlimit, TellsFilesystemsApart) {
  const LoopFs other("ext4");
  ASSERT_TRUE(other.ok()) << other.reason();
  ASSERT_EQ(vdlimit({"--xid", "42", "--set", "space_total=20", here, other.root()}).status, 0);
  const auto all = nlohmann::json::parse(vdlimit({"--all", "--json"}).out).at("limits");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_NE(all[0].at("mount_point"), all[1].at("mount_point"));
  EXPECT_THAT(vdlimit({"--all"}).out, HasSubstr("  " + other.root() + "\n"));
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

TEST_F(Vdlimit, SaysWhatIsWantedInstead) {
  expect_refused({"--xid", "42", "--set", "space_total=20M", here}, "space_total: not a number of KiB, or -1 for");
  expect_refused({"--xid", "42", "--set", "reserved=150", here}, "reserved: not a percentage, 0 to 100");
  expect_refused({"--xid", "42", "a"}, "a: --xid wants a mount point");
  expect_refused({"--all", "a"}, "a: --all is of all guests");
  dir.set("a/context", "42");
  EXPECT_EQ(vdlimit({"a"}).out, "") << "no header of nothing";
  set_dlimits("b", "20480");
  EXPECT_THAT(vdlimit({"--all"}).err, HasSubstr("b: its dlimits are not set"));
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
  const auto writers = "cd " + guest +
                       " && touch go && for w in 1 2 3 4 5 6 7 8; do (mkdir $w; cd $w; while [ -e ../go ]; do "
                       "head -c ${w}0000 /dev/zero >f; mkdir d; mv f d; ln d/f g; chown $w d/f; rm -r d; done) "
                       ">log$w 2>&1 & done";
  must(shell(writers));
  EXPECT_EQ(vdlimit({"--recount", "a"}).status, 0);
  count_and_be_killed("a");
  EXPECT_EQ(vdlimit({"--recount", "a"}).status, 0);
  must(shell("rm " + guest + "/go"));
  EXPECT_TRUE(eventually([&] { return run({"umount", guest}).status == 0; }));
  EXPECT_TRUE(eventually([&] { return shown_by(vdlimit({"--json", "a"})) == "nobody"; }));
  const auto counted = vdlimit({"--recount", "--json", "a"});
  EXPECT_EQ(nlohmann::json::parse(counted.out).at("limits").at(0).at("drift"), 0) << counted.out;
}

TEST_F(Vdlimit, TellsWhatWasWrittenPastVcow) {
  dir.set("a/context", "42");
  set_dlimits("a", "20480");
  const auto point = dir / "point";
  dir.make_directory("point");
  must(run({"vcow", "mount", "--config", dir / "config", "--state", dir / "state", dir / "vs/a", point}));
  EXPECT_EQ(vdlimit({"--recount", "a"}).status, 0);
  must(shell("head -c 1M /dev/zero > " + dir / "vs/a/past"));
  const auto off = vdlimit({"--recount", "a"});
  EXPECT_EQ(off.status, 5);
  EXPECT_THAT(off.err, HasSubstr("its vcow had counted 1.0 MiB too little"));
  EXPECT_EQ(vdlimit({"--recount", "a"}).status, 0) << "it is exact now";
  EXPECT_EQ(vdlimit({"--count", "logical", "--recount", "a"}).status, 0) << "counted otherwise is not off";
  EXPECT_TRUE(eventually([&] { return run({"umount", point}).status == 0; }));
}

TEST_F(Vdlimit, CountsAnAdoptedGuestBeneathADeadMount) {
  dir.set("a/context", "42");
  set_dlimits("a", "20480");
  dir.fill({"a"}, "f", std::string(10'000, 'x'));
  must(run({"vcow", "adopt", "--state", dir / "state", here + "/a"}));
  mount_and_be_killed("a");
  EXPECT_EQ(vdlimit({"--recount", "a"}).status, 0);
  EXPECT_THAT(vdlimit({"--xid", "42", here}).out, HasSubstr("inodes_used=2\n"));
  must(run({"umount", "-l", here + "/a"}));
}

TEST_F(Vdlimit, KeepsWhatIsUsedWhereADeadMountHidesTheTree) {
  dir.set("a/context", "42");
  set_dlimits("a", "20480");
  dir.fill({"a"}, "f", std::string(10'000, 'x'));
  mount_and_be_killed("a");
  const auto known = vdlimit({"--xid", "42", here}).out;
  const auto refused = vdlimit({"--recount", "a"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("was killed"));
  EXPECT_THAT(known, testing::Not(HasSubstr("inodes_used=0\n")));
  EXPECT_EQ(vdlimit({"--xid", "42", here}).out, known);
  must(run({"umount", "-l", here + "/a"}));
}

TEST_F(Vdlimit, CountsWhatIsSharedAsItIsTold) {
  dir.set("a/context", "42");
  dir.fill({"a", "b"}, "f", "x");
  must(shell("ln -f " + dir / "vs/a/f" + " " + dir / "vs/b/f"));
  const Fd file = open_host(dir / "vs/a/f", O_RDONLY);
  set_mark(file.get(), {fs_id(file.get()), stat_fd(file.get()).ino});
  const auto inodes = [&] { return vdlimit({"--xid", "a", here}).out; };
  ASSERT_EQ(vdlimit({"--set", "space_total=20480", "--recount", "a"}).status, 0);
  EXPECT_THAT(inodes(), HasSubstr("inodes_used=1\n"));
  ASSERT_EQ(vdlimit({"--count", "logical", "--recount", "a"}).status, 0);
  EXPECT_THAT(inodes(), HasSubstr("inodes_used=2\n"));
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

TEST_F(Vdlimit, OnlyTellsWhereTheStateCannotBeWrittenTo) {
  dir.set("a/context", "42");
  EXPECT_EQ(vdlimit({"a"}).status, 1);
  EXPECT_FALSE(dir.exists("state")) << "who looks makes none";
  ASSERT_EQ(vdlimit({"--set", "space_total=10", "a"}).status, 0);
  const auto state = dir / "state";
  must(shell("mount --bind " + state + " " + state + " && mount -o remount,bind,ro " + state));
  const auto told = vdlimit({"--xid", "42", here}), set = vdlimit({"--set", "space_total=20", "a"});
  must(run({"umount", state}));
  EXPECT_EQ(told.status, 0) << told.err;
  EXPECT_THAT(told.out, HasSubstr("space_total=10\n"));
  EXPECT_EQ(set.status, 5);
  EXPECT_THAT(set.err, HasSubstr(state + ": Read-only"));
}

TEST_F(Vdlimit, LeavesAGoodLedgerAndWhatIsAsideAlone) {
  dir.set("a/context", "42");
  expect_refused({"--begin-anew", "a"}, "wants --all");
  ASSERT_EQ(vdlimit({"--set", "space_total=10", "a"}).status, 0);
  const auto refused = vdlimit({"--all", "--begin-anew"});
  EXPECT_EQ(refused.status, 3);
  EXPECT_THAT(refused.err, HasSubstr("is not damaged"));
  EXPECT_EQ(vdlimit({"a"}).status, 0) << "the limit is gone";
  dir.write("state/ledger.damaged", "older");
  dir.write("state/ledger", std::string(20'000, 'x'));
  EXPECT_EQ(vdlimit({"--all", "--begin-anew"}).status, 0);
  EXPECT_EQ(dir.read("state/ledger.damaged"), "older");
  EXPECT_TRUE(dir.exists("state/ledger.damaged-2"));
}

// Where the kernel has quotas: ./dev quota.
TEST_F(Vdlimit, HasNoKernelHoldAGuestThatItCannot) {
  dir.set("a/context", "42");
  const auto refused = vdlimit({"--native", "--set", "space_total=100", "a"});
  EXPECT_EQ(refused.status, 3) << refused.err;
  EXPECT_EQ(vdlimit({"a"}).status, 1) << "was set";
  const auto advised = vdlimit({"--native", "--advisory", "--set", "space_total=100", "a"});
  EXPECT_EQ(advised.status, 0) << advised.err;
  EXPECT_EQ(advised.err, refused.err) << "not told";
  EXPECT_EQ(shown_by(vdlimit({"--json", "a"})), "nobody");
}

TEST_F(Vdlimit, WantsAllThatNativeNeeds) {
  expect_refused({"--native", "a"}, "--set");
  expect_refused({"--advisory", "--set", "space_total=1", "a"}, "--native");
  expect_refused({"--native", "--set", "space_total=1", "--count", "logical", "a"}, "logical");
  expect_refused({"--native", "--xid", "42", "--set", "space_total=1", here}, "guests");
}

}  // namespace
}  // namespace vunify::test
