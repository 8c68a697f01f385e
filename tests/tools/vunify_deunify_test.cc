// SPDX-License-Identifier: Apache-2.0
// -R: every guest has its own again, or, where that does not fit, all is as it was.
#include <fcntl.h>
#include <gmock/gmock.h>

#include "sys/fd.h"
#include "tests/root_test.h"
#include "tests/shared.h"
#include "tests/stopped_run.h"
#include "tests/tools/guests.h"

namespace vunify::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

class VunifyDeunify : public RootTest {
 protected:
  static void fill(const Guests& guests, const Words& names) {
    for (const auto& name : names)
      for (std::size_t i = 0; i < 5; ++i)
        guests.write(name + "/" + std::to_string(i), std::string(100000 + 5000 * i, 'x'));
  }

  // Of the five pairs of names all but one were given back.
  static void expect_one_fails(const Finished& finished, const std::string& reason) {
    EXPECT_EQ(finished.status, 1) << finished.err;
    const auto report = Json::parse(finished.out);
    ASSERT_EQ(report["failed"].size(), 1u) << report.dump(1);
    EXPECT_EQ(report["failed"][0]["reason"], reason);
    EXPECT_EQ(report["copied_files"], 8);
    EXPECT_EQ(report["shared_files"], 2);
  }
};

TEST_F(VunifyDeunify, GivesEveryGuestItsOwnAndSaysSo) {
  const Words names = {"a", "b", "c"};
  Guests guests({}, "/var/tmp", names);
  fill(guests, names);
  shell("setfattr -n user.x -v 1 " + guests.root() + "/?/1; chmod 4711 " + guests.root() + "/?/2");
  const auto before = image_of(guests / "b");
  ASSERT_EQ(guests.report()["linked_files"], 10);
  EXPECT_EQ(guests.report({"-R", "-n"})["copied_files"], 15);
  const auto told = guests.report({"-R"});
  EXPECT_EQ(told["copied_files"], 15) << told.dump(1);
  EXPECT_EQ(told["copied_bytes"], told["bytes"]);
  EXPECT_EQ(told["shared_files"], 0);
  EXPECT_EQ(told["guests"][0]["shared_bytes"], 0);
  EXPECT_EQ(told["skipped"], Json::object());
  for (const auto& name : names) EXPECT_EQ(image_of(guests / name), before) << name;
  for (const auto& name : names)
    for (const auto& leaf : guests.names(name)) EXPECT_FALSE(has_mark(guests / name + "/" + leaf)) << name << leaf;
  EXPECT_EQ(guests.report({"-R"})["copied_files"], 0);
}

TEST_F(VunifyDeunify, PartsClonesThatNoRunHasSeen) {
  Guests guests;
  for (const auto* path : {"a/f", "a/twice", "a/own"}) guests.write(path, path);
  shell_or_fail("cd " + guests.root() + " && ln a/twice a/again && : >a/empty && cp -al a/. b && ln b/own b/my");
  const auto report = Json::parse(run({"vunify", "-R", "--json", "--state", guests / "state", guests / "b"}).out);
  EXPECT_EQ(report["copied_files"], 6) << report.dump(1);
  for (const auto* path : {"f", "twice", "again", "empty", "own"}) EXPECT_FALSE(guests.are_one(path)) << path;
  EXPECT_TRUE(guests.are_one("b/twice", "b/again") && guests.are_one("b/own", "b/my"));
  EXPECT_TRUE(guests.are_one("a/twice", "a/again"));
  EXPECT_EQ(guests.report({"-R"})["copied_files"], 0);
}

TEST_F(VunifyDeunify, OfOneGuestLeavesTheOthersShared) {
  const Words names = {"a", "b", "c"};
  Guests guests({}, "/var/tmp", names);
  fill(guests, names);
  ASSERT_EQ(guests.vunify().status, 0);
  const auto text = run({"vunify", "-R", "--state", guests / "state", guests / "c"});
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("gave 5 files private copies, 548.0 KiB"));
  EXPECT_EQ(guests.inode("a/1").nlink, 2);
  EXPECT_TRUE(guests.inode("a/1").immutable);
  EXPECT_EQ(guests.inode("c/1").nlink, 1);
  EXPECT_FALSE(guests.inode("c/1").immutable);
  for (const auto* guest : {"b", "a"})
    EXPECT_THAT(run({"vunify", "-R", "--state", guests / "state", guests / guest}).out, HasSubstr("gave 5 files"));
  EXPECT_FALSE(guests.inode("a/1").immutable);
}

TEST_F(VunifyDeunify, GivesBackLastNames) {
  const Words names = {"a", "b"};
  Guests guests;
  fill(guests, names);
  ASSERT_EQ(guests.vunify().status, 0);
  shell("cd " + guests.root() + " && chattr -i b/* && rm b/* && chattr +i a/*");
  EXPECT_THAT(guests.vunify({"-R"}).out, HasSubstr("gave 5 files private copies"));
  EXPECT_FALSE(guests.inode("a/1").immutable);
}

TEST_F(VunifyDeunify, RefusesWhereCopiesDoNotFit) {
  const LoopFs fs("ext4", 32);
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const Scratch elsewhere;
  Guests guests({}, fs.root());
  for (const auto* path : {"a/f", "b/f"}) guests.write(path, std::string(8 << 20, 'x'));
  const auto vunify = [&](const std::string& how) {
    return run({"vunify", how, "--sledgehammer", "--state", elsewhere / "state", guests / "a", guests / "b"});
  };
  ASSERT_EQ(vunify(protect_by_flag()).status, 0);
  run({"sh", "-c", "head -c 14M /dev/zero >" + fs / "full"});
  const auto refused = vunify("-R");
  EXPECT_EQ(refused.status, 3) << refused.out;
  EXPECT_THAT(refused.err, ContainsRegex("needs [0-9]+ MiB for private copies, has [0-9]+ MiB; .*--delete DIR"));
  EXPECT_TRUE(guests.are_one("f"));
  EXPECT_TRUE(guests.inode("a/f").immutable);
  EXPECT_FALSE(guests.exists(".vunify"));
}

TEST_F(VunifyDeunify, OfAFileThatIsWrittenToFailsAndTheNextRunGoesOn) {
  Guests guests;
  fill(guests, {"a", "b"});
  ASSERT_EQ(guests.vunify().status, 0);
  shell_or_fail("chattr -i " + guests / "a/1");
  {
    const Fd writer = open_host(guests / "a/1", O_WRONLY);
    shell_or_fail("chattr +i " + guests / "a/1");
    expect_one_fails(guests.vunify({"-R", "--json"}), "open for writing");
    EXPECT_TRUE(guests.are_one("1"));
  }
  EXPECT_EQ(guests.vunify({"-R"}).status, 0);
  EXPECT_TRUE(link_sets(guests.root()).empty());
}

// Between the walk and the copies, where staging is locked.
TEST_F(VunifyDeunify, OfOneGuestIsNotUpToAnotherThatMovesItsNames) {
  const Guests guests(both({"d/f"}));
  ASSERT_EQ(guests.vunify().status, 0);
  StoppedRun run(guests.command({"--jobs=1", "-R", "-q"}), "flock", 2, guests / "trace");
  shell_or_fail("mv " + (guests / "a/d") + " " + (guests / "a/e"));
  run.go_on();
  EXPECT_NE(guests.inode("a/e/f").ino, guests.inode("b/d/f").ino);
}

TEST_F(VunifyDeunify, OfAFileThatCannotBeCopiedFailsAndTheNextRunGoesOn) {
  Guests guests;
  fill(guests, {"a", "b"});
  ASSERT_EQ(guests.vunify().status, 0);
  expect_one_fails(guests.vunify_under({"-e", "trace=copy_file_range", "-e", "inject=copy_file_range:error=EIO:when=1"},
                                       {"-R", "--json"}),
                   "Input/output error");
  EXPECT_FALSE(guests.exists(".vunify"));
  EXPECT_EQ(guests.vunify({"-R"}).status, 0);
  EXPECT_TRUE(link_sets(guests.root()).empty());
}

TEST_F(VunifyDeunify, HasNothingToDoAfterRecovery) {
  Guests guests;
  EXPECT_EQ(run({"vunify", "--recover", "--state", guests / "state"}).out, "nothing was left to recover\n");
}

}  // namespace
}  // namespace vunify::test
