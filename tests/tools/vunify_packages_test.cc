// SPDX-License-Identifier: Apache-2.0
// --packages: files of packages that the reference and a guest have in one version, and no others.
#include <gmock/gmock.h>

#include "tests/root_test.h"
#include "tests/shared.h"
#include "tests/tools/guests.h"
#include "tests/tools/packages_of.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;
using testing::Not;

// "a" is the reference: both have tool 1-1 and lib 2, but base in two versions.
class VunifyPackages : public RootTest {
 protected:
  void SetUp() override {
    RootTest::SetUp();
    install_in("a", "12.1");
    install_in("b", "12.2");
  }
  // What dpkg keeps in both is 3 files more that can be shared.
  void install_in(const std::string& guest, const std::string& base) {
    install(guests_, guest,
            {{"base", base, {"/.", "/usr", "/usr/base"}}, {"lib", "2", {"/usr/lib"}}, {"tool", "1-1", {"/usr/tool"}}});
  }
  std::string line(const std::string& package) const {
    return "Unify pkg " + package + " from " + guests_ / "a" + " to " + guests_ / "b" + "\n";
  }
  std::uint64_t not_asked(const Json& report) const { return report["skipped"].value("not-asked", 0u); }

  Guests guests_{both({"usr/base", "usr/lib", "usr/tool", "srv/data"})};
};

TEST_F(VunifyPackages, SharesFilesOfTheOnesNamed) {
  const auto finished = guests_.vunify({"--packages=tool"});
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr(line("tool-1-1")));
  EXPECT_THAT(finished.out, Not(HasSubstr("lib-2")));
  EXPECT_TRUE(guests_.are_one("usr/tool"));
  for (const auto* path : {"usr/base", "usr/lib", "srv/data"}) EXPECT_FALSE(guests_.are_one(path)) << path;
}

TEST_F(VunifyPackages, SharesThoseOfAllThatAreInOneVersion) {
  const auto finished = guests_.vunify({"--packages=ALL"});
  EXPECT_THAT(finished.out, HasSubstr(line("lib-2") + line("tool-1-1")));
  EXPECT_THAT(finished.out, Not(HasSubstr("Unify pkg base")));
  EXPECT_TRUE(guests_.are_one("usr/tool") && guests_.are_one("usr/lib"));
  EXPECT_FALSE(guests_.are_one("usr/base") || guests_.are_one("srv/data"));
}

TEST_F(VunifyPackages, TellsEveryFile) {
  const auto report = guests_.report({"--packages=lib,tool"});
  EXPECT_EQ(report["linked_files"], 2);
  expect_every_file_is_told(report);
  EXPECT_EQ(not_asked(report), report["files"].get<std::uint64_t>() - 4);
}

TEST_F(VunifyPackages, ChangesNothingInADryRun) {
  const auto finished = guests_.vunify({"-n", "--packages=ALL"});
  EXPECT_THAT(finished.out, HasSubstr(line("tool-1-1")));
  EXPECT_THAT(finished.out, HasSubstr("would link 2 files"));
  EXPECT_FALSE(guests_.are_one("usr/tool"));
}

TEST_F(VunifyPackages, TakesTheOldForm) {
  auto words = guests_.command({});
  words.insert(words.end(), {"--", "tool", "lib"});
  EXPECT_THAT(run(words).out, HasSubstr(line("lib-2") + line("tool-1-1")));
  EXPECT_TRUE(guests_.are_one("usr/tool"));
  EXPECT_FALSE(guests_.are_one("usr/base"));
}

TEST_F(VunifyPackages, TakesDirectoriesBehindTwoDashes) {
  auto words = guests_.command({});
  words.insert(words.end() - 2, "--");
  EXPECT_EQ(run(words).status, 0);
  EXPECT_TRUE(guests_.are_one("srv/data"));
}

TEST_F(VunifyPackages, LeavesWhatIsSharedAsItIs) {
  ASSERT_EQ(guests_.report()["linked_files"], 7);
  for (const std::string guest : {"a/", "b/"}) guests_.write(guest + "srv/new", same("new"));
  const auto report = guests_.report({"--packages=tool"});
  EXPECT_EQ(report["shared_files"], 14) << report.dump(1);
  EXPECT_EQ(report["copied_files"], 0);
  EXPECT_FALSE(guests_.are_one("srv/new"));
}

TEST_F(VunifyPackages, LeavesWhatIsSharedButExcludedNowAsItIs) {
  ASSERT_EQ(guests_.report()["linked_files"], 7);
  EXPECT_EQ(guests_.report({"--packages=tool", "--exclude=/srv", "--exclude=/usr/base"})["copied_files"], 0);
  EXPECT_TRUE(guests_.are_one("usr/base") && guests_.are_one("srv/data"));
}

TEST_F(VunifyPackages, LeavesClonesThatNobodyAskedFor) {
  shell_or_fail("cd " + guests_.root() + " && rm b/srv/data && ln a/srv/data b/srv/data");
  EXPECT_EQ(guests_.report({"--packages=tool"})["adopted_files"], 0);
  EXPECT_TRUE(guests_.are_one("srv/data"));
  EXPECT_FALSE(has_mark(guests_ / "a/srv/data"));
}

// Two inodes of one content, each shared by two guests.
TEST_F(VunifyPackages, LeadsNoNameAwayThatNobodyAskedFor) {
  Guests four(both({"usr/tool"}), "/var/tmp", {"a", "b", "c", "d"});
  for (const std::string guest : {"a", "b", "c", "d"}) {
    install(four, guest, {{"tool", "1", {"/usr/tool"}}});
    four.write(guest + "/srv/data", same("data"));
  }
  const auto run_over = [&](const std::string& one, const std::string& other) {
    return run({"vunify", "--state", four / ("state" + one), protect_by_flag(), four / one, four / other}).status;
  };
  ASSERT_EQ(run_over("a", "b") + run_over("c", "d"), 0);
  const auto report = four.report({"--packages=tool"});
  EXPECT_FALSE(four.are_one("a/srv/data", "c/srv/data"));
  EXPECT_TRUE(four.are_one("a/srv/data", "b/srv/data") && four.are_one("c/srv/data", "d/srv/data"));
  EXPECT_EQ(report["copied_files"], 0) << report.dump(1);
}

TEST_F(VunifyPackages, RefusesANameThatTheReferenceDoesNotHave) {
  const auto finished = guests_.vunify({"--packages=tool,nonsense"});
  EXPECT_EQ(finished.status, 2);
  EXPECT_EQ(finished.err, "vunify: nonsense: no such package in " + guests_ / "a" + "\n");
  EXPECT_FALSE(guests_.are_one("usr/tool"));
}

TEST_F(VunifyPackages, SkipsAGuestWhoseCannotBeRead) {
  Guests three(both({"usr/tool"}), "/var/tmp", {"a", "b", "c"});
  for (const std::string guest : {"a", "b"}) install(three, guest, {{"tool", "1", {"/usr/tool"}}});
  three.write("c/usr/tool", same("usr/tool"));
  three.make_directory("c/var/lib/dpkg/status");
  const auto finished = three.vunify({"--packages=ALL"});
  EXPECT_EQ(finished.status, 1) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("failed: " + three / "c" + ": packages unreadable"));
  EXPECT_TRUE(three.are_one("a/usr/tool", "b/usr/tool"));
  EXPECT_FALSE(three.are_one("a/usr/tool", "c/usr/tool"));
}

TEST_F(VunifyPackages, RefusesAReferenceWhoseCannotBeRead) {
  shell_or_fail("rm " + (guests_ / "a/var/lib/dpkg/status") + "; mkdir " + (guests_ / "a/var/lib/dpkg/status"));
  const auto finished = guests_.vunify({"--packages=ALL"});
  EXPECT_EQ(finished.status, 3);
  EXPECT_THAT(finished.err, HasSubstr("vunify: " + guests_ / "a" + ": packages unreadable"));
}

TEST_F(VunifyPackages, WantsTwoGuests) {
  for (const Words& words : {Words{"--packages=ALL", "a"}, Words{"--packages=ALL", "--all"},
                             Words{"--packages=a,,b", "a", "b"}, Words{"-R", "--packages=ALL", "a", "b"}}) {
    Words command{"vunify"};
    command.insert(command.end(), words.begin(), words.end());
    EXPECT_EQ(run(command).status, 2) << words.front();
  }
}

}  // namespace
}  // namespace vunify::test
