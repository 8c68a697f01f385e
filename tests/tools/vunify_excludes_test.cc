// SPDX-License-Identifier: Apache-2.0
// What is left alone: by rule, and because somebody uses it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>

#include <filesystem>

#include "sys/fd.h"
#include "tests/eventually.h"
#include "tests/root_test.h"
#include "tests/tools/guests.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;

using VunifyExcludes = RootTest;

TEST_F(VunifyExcludes, ShipWithWhatGuestsWriteInPlaceAndWhoTheyAre) {
  const Words left = {"etc/machine-id", "etc/shadow", "var/lib/dpkg/status", "var/log/syslog", "home/me/x", "root/x"};
  Guests guests(both(left));
  guests.write("a/usr/x", "x");
  guests.write("b/usr/x", "x");
  EXPECT_EQ(guests.report()["linked_files"], 1);
  for (const auto& path : left) EXPECT_FALSE(guests.are_one(path)) << path;
}

// A clone made with cp -al has them in common with the guest it was made of.
TEST_F(VunifyExcludes, AreFilesOfEachGuestEvenInAClone) {
  const Words left = {"etc/shadow", "etc/.pwd.lock", "var/lib/mysql/ibdata1", "home/me/x"};
  Guests guests;
  for (const auto& path : left) guests.write("a/" + path, path == "etc/.pwd.lock" ? "" : same(path));
  guests.write("a/usr/x", same("usr/x"));
  shell_or_fail("cp -al " + guests / "a/." + " " + guests / "b");
  const auto report = guests.report();
  EXPECT_EQ(report["copied_files"], 4) << report.dump(1);
  EXPECT_EQ(report["adopted_files"], 2);
  for (const auto& path : left) EXPECT_FALSE(guests.are_one(path)) << path;
  EXPECT_TRUE(guests.are_one("usr/x"));
  expect_every_file_is_told(report);
  expect_second_run_rests(guests);
}

TEST_F(VunifyExcludes, ReachGuestsThatAreUnifiedAlready) {
  Guests guests(both({"srv/x", "usr/x"}));
  ASSERT_EQ(guests.report()["linked_files"], 2);
  const auto report = guests.report({"--exclude", "/srv"});
  EXPECT_EQ(report["copied_files"], 2) << report.dump(1);
  EXPECT_FALSE(guests.are_one("srv/x"));
  for (const std::string guest : {"a/", "b/"}) EXPECT_EQ(shell("echo >>" + guests / guest + "srv/x").status, 0);
  EXPECT_TRUE(guests.are_one("usr/x"));
}

// Moved to an excluded place and copied back, then both written by that guest: they were two files.
TEST_F(VunifyExcludes, NeverMakeTwoFilesOfAGuestOne) {
  Guests guests(both({"usr/x"}));
  ASSERT_EQ(guests.report()["linked_files"], 1);
  shell_or_fail("cd " + guests / "a" + " && mkdir home && chattr -i usr/x && mv usr/x home/x && chattr +i home/x && " +
                "cp -p home/x usr/x");
  const auto report = guests.report();
  EXPECT_NE(guests.inode("a/usr/x").ino, guests.inode("a/home/x").ino) << report.dump(1);
  EXPECT_EQ(guests.inode("a/home/x").nlink, 1u);
  guests.report();
  EXPECT_TRUE(guests.are_one("usr/x"));
  EXPECT_NE(guests.inode("a/usr/x").ino, guests.inode("a/home/x").ino);
}

// The same of a guest that is alone in its run, and finds what it shared by the index.
TEST_F(VunifyExcludes, NeverMakeTwoFilesOfALoneGuestOne) {
  Guests guests(both({"usr/x"}));
  ASSERT_EQ(guests.report()["linked_files"], 1);
  shell_or_fail("cd " + guests / "a" + " && mkdir home && chattr -i usr/x && mv usr/x home/x && chattr +i home/x && " +
                "cp -p home/x usr/x");
  EXPECT_EQ(run({"vunify", "--state", guests / "state", "--protect", flag_name(), guests / "a"}).status, 0);
  EXPECT_NE(guests.inode("a/usr/x").ino, guests.inode("a/home/x").ino);
}

TEST_F(VunifyExcludes, OfTheCommandLineComeInTheirOrderAndFirst) {
  Guests guests(both({"srv/keep/x", "srv/drop/x", "srv/drop/but", "home/me/x"}));
  guests.write("rules", "# a comment\n\n+/srv/drop/but\n-/srv/drop/*\n+/home\n");
  EXPECT_EQ(guests.vunify({"--exclude-from", guests / "rules"}).status, 0);
  EXPECT_TRUE(guests.are_one("srv/keep/x") && guests.are_one("srv/drop/but") && guests.are_one("home/me/x"));
  EXPECT_FALSE(guests.are_one("srv/drop/x"));
  EXPECT_EQ(guests.vunify({"--exclude", "+/srv/drop/x", "--exclude", "/srv/drop/x"}).status, 0);
  EXPECT_TRUE(guests.are_one("srv/drop/x"));
}

TEST_F(VunifyExcludes, AreNamedByWhy) {
  Guests guests(both({"etc/shadow", "srv/x", "srv/y"}));
  guests.write("rules", "# no\n/srv/x\n");
  const auto why = [&](const std::string& path, Words more = {}) {
    Words words = {"vunify", "--state", guests / "state", protect_by_flag(), "--why", guests / "a", path, guests / "b"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words).out;
  };
  EXPECT_THAT(why("srv/x", {"--exclude-from", guests / "rules"}), HasSubstr("rules, line 2: /srv/x"));
  EXPECT_THAT(why("/srv/y", {"--exclude", "/srv"}), HasSubstr("excluded by --exclude"));
  EXPECT_THAT(why("etc/shadow"), HasSubstr("excluded by"));
  EXPECT_THAT(why("srv/y"), HasSubstr("the next run can share it"));
}

TEST_F(VunifyExcludes, AreNotNeededForFilesInUse) {
  Guests guests(both({"written", "flocked", "fcntled", "mapped"}));
  const Fd writer = open_host(guests / "b/written", O_RDWR);
  const Fd flocked = open_host(guests / "a/flocked", O_RDONLY);
  check(::flock(flocked.get(), LOCK_EX), "flock");
  const Fd fcntled = open_host(guests / "a/fcntled", O_RDONLY);
  struct flock lock {};
  lock.l_type = F_RDLCK;
  check(::fcntl(fcntled.get(), F_SETLK, &lock), "F_SETLK");
  const auto report = guests.report();
  EXPECT_EQ(report["skipped"]["locked"], 2) << report.dump(1);
  EXPECT_EQ(report["skipped"]["open-for-writing"], 1);
  EXPECT_EQ(report["linked_files"], 1);
  EXPECT_EQ(report["failed"], Json::array());
  expect_every_file_is_told(report);
}

TEST_F(VunifyExcludes, AreNotNeededForAFileBeingRun) {
  Guests guests(both({"bin/sleep"}));
  for (const auto* guest : {"a", "b"})
    shell("cp /bin/sleep " + guests / guest + "/bin/sleep; chmod 755 " + guests / guest +
          "/bin/sleep; touch -d @1577836800 " + guests / guest + "/bin/sleep");
  shell(guests / "b/bin/sleep" + " 600 >/dev/null 2>&1 & echo $! >" + guests / "pid");
  const auto exe = "/proc/" + std::to_string(std::stoi(guests.read("pid"))) + "/exe";
  ASSERT_TRUE(eventually([&] { return std::filesystem::read_symlink(exe) == guests / "b/bin/sleep"; }));
  EXPECT_EQ(guests.report()["linked_files"], 1);
  EXPECT_EQ(shell("kill $(cat " + guests / "pid" + ")").status, 0);
}

}  // namespace
}  // namespace vunify::test
