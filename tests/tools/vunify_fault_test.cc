// SPDX-License-Identifier: Apache-2.0
// What goes wrong with one file or one guest is told of that file or guest, and ends nothing else.
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/xattr.h>

#include "tests/mounts_elsewhere.h"
#include "tests/root_test.h"
#include "tests/stopped_run.h"
#include "tests/tools/guests.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class VunifyFault : public RootTest {};

Guests::Files two_files() { return both({"f", "g"}); }

// As many attributes as make the list of their names longer than the kernel tells (64 KiB).
void give_endless_attributes(const std::string& path) {
  for (int i = 0; i < 300; ++i) {
    const auto name = "user." + std::to_string(1000 + i) + std::string(230, 'x');
    ASSERT_EQ(::setxattr(path.c_str(), name.c_str(), "", 0, 0), 0) << path;
  }
}

// The longest value that still fits.
void fill_with_attribute(const std::string& path, const char* name) {
  for (std::size_t size = 4096; size > 0; --size)
    if (::setxattr(path.c_str(), name, std::string(size, 'x').data(), size, 0) == 0) return;
}

TEST_F(VunifyFault, AFileWhoseAttributesCannotBeListedIsLeftAloneByItself) {
  const LoopFs fs("xfs");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  Guests guests(two_files(), fs.root(), {"a", "b", "c"});
  guests.write("c/f", same("f"));
  give_endless_attributes(guests / "c/f");
  for (const bool known : {false, true}) {  // by the index
    const auto report = guests.report();
    EXPECT_EQ(report["failed"].size(), 1u) << report["failed"].dump();
    EXPECT_EQ(report["failed"][0]["reason"], "Argument list too long") << known;
    EXPECT_EQ(report["skipped"]["unreadable"], 1);
    EXPECT_TRUE(guests.are_one("f") && guests.are_one("g"));
  }
}

TEST_F(VunifyFault, AMarkThatDoesNotFitIsNoFullDisk) {
  const LoopFs fs("ext4");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  Guests guests(two_files(), fs.root());
  for (const auto* path : {"a/f", "b/f"}) {
    fill_with_attribute(guests / path, "user.a");
    fill_with_attribute(guests / path, "user.b");
  }
  const auto report = guests.report();
  EXPECT_EQ(report["failed"], Json::array()) << report["failed"].dump();
  EXPECT_EQ(report["skipped"]["not-shareable"], 2);
  EXPECT_FALSE(guests.are_one("f"));
  EXPECT_TRUE(guests.are_one("g"));
  EXPECT_FALSE(guests.inode("a/f").immutable);
}

TEST_F(VunifyFault, ALimitOnTheSizeOfFilesIsAnErrorLikeAnyOther) {
  Guests guests(two_files());
  std::string line = "ulimit -f 1; exec " VUNIFY_BIN_DIR "/";
  for (const auto& word : guests.command({})) line += word + " ";
  const auto limited = shell(line);
  EXPECT_EQ(limited.status, 5) << limited.out << limited.err;
  EXPECT_THAT(limited.out, HasSubstr("File too large"));
  EXPECT_FALSE(guests.exists(".vunify"));
  EXPECT_EQ(guests.vunify().status, 0);
  EXPECT_TRUE(guests.are_one("f") && guests.are_one("g"));
}

TEST_F(VunifyFault, AGuestThatIsLazilyUnmountedMeanwhileEndsNothing) {
  const LoopFs fs("ext4");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  Guests here(two_files()), there(two_files(), fs.root());
  auto command = here.command({"--jobs=1"});
  for (const auto* guest : {"a", "b"}) command.push_back(there / guest);
  StoppedRun run(command, "preadv2", 1, here / "strace");
  ASSERT_EQ(::umount2(fs.root().c_str(), MNT_DETACH), 0);
  const auto finished = run.go_on();
  EXPECT_EQ(finished.status, 0) << finished.out << finished.err;
  EXPECT_TRUE(here.are_one("f") && here.are_one("g"));
}

TEST_F(VunifyFault, GuestsOfOneFilesystemByTwoMountsDoNotLockEachOtherOut) {
  const LoopFs fs("ext4");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  Guests guests(two_files(), fs.root(), {"a", "b", "c"});
  guests.write("c/f", same("f"));
  const Scratch other;
  shell_or_fail("mount --bind " + guests.root() + " " + other.root());
  const Words words{"vunify", "--state", guests / "state", protect_by_flag(), guests / "a", guests / "b", other / "c"};
  const auto linked = run(words);
  const auto whole = guests.vunify();
  const auto back = run({"vunify", "--state", guests / "state", "-R", guests / "a", guests / "b", other / "c"});
  shell_or_fail("umount " + other.root());
  EXPECT_EQ(linked.status, 1) << linked.out << linked.err;
  EXPECT_THAT(linked.out, HasSubstr("failed: c: " + (other / "c") + " is on the filesystem of " + guests.root()));
  EXPECT_EQ(whole.status, 0) << whole.out << whole.err;
  EXPECT_EQ(back.status, 0) << back.out << back.err;
  EXPECT_FALSE(guests.are_one("a/f", "b/f") || guests.are_one("a/f", "c/f") || guests.are_one("a/g", "b/g"));
}

TEST_F(VunifyFault, AGuestWhoseFilesAreALayerElsewhereIsLeftOut) {
  const LoopFs fs("ext4");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  Guests guests(two_files(), fs.root(), {"a", "b", "c"});
  guests.write("c/f", same("f"));
  const Words made{"upper", "work", "merged"};
  for (const auto& name : made) guests.make_directory(name);
  const MountsElsewhere container("cd " + guests.root() + " && mount -t overlay none merged -o lowerdir=" +
                                  guests / "c" + ",upperdir=" + guests / "upper" + ",workdir=" + guests / "work");
  const auto linked = guests.vunify();
  EXPECT_EQ(linked.status, 1) << linked.out << linked.err;
  EXPECT_THAT(linked.out, HasSubstr("failed: " + (guests / "c") + ": is in "));
  EXPECT_TRUE(guests.are_one("a/f", "b/f"));
  EXPECT_FALSE(guests.are_one("a/f", "c/f"));
}

// As systemd-nspawn and privileged LXC start guests.
TEST_F(VunifyFault, AGuestThatCouldTakeTheFlagOffIsLeftOutUnlessOneInsists) {
  Guests guests(two_files(), "/var/tmp", {"a", "b", "c"});
  guests.write("c/f", same("f"));
  const MountsElsewhere container("true", guests / "c");
  const auto without = guests.vunify();
  EXPECT_EQ(without.status, 1) << without.out << without.err;
  EXPECT_THAT(without.out, HasSubstr("failed: " + (guests / "c") + ": process "));
  EXPECT_THAT(without.out, HasSubstr("CAP_LINUX_IMMUTABLE"));
  EXPECT_TRUE(guests.are_one("a/f", "b/f"));
  EXPECT_FALSE(guests.are_one("a/f", "c/f"));
  EXPECT_EQ(guests.vunify({"--insist"}).status, 0);
  EXPECT_TRUE(guests.are_one("a/f", "c/f"));
}

TEST_F(VunifyFault, WhereOnlySuchGuestsAreLeftItIsRefused) {
  Guests guests(two_files());
  const MountsElsewhere container("true", guests / "b");
  const auto refused = guests.vunify();
  EXPECT_EQ(refused.status, 3) << refused.out << refused.err;
  EXPECT_THAT(refused.err, HasSubstr((guests / "b") + ": process "));
  EXPECT_FALSE(guests.are_one("f") || guests.exists(".vunify"));
}

TEST_F(VunifyFault, WithoutATableOfLocksNothingIsDone) {
  Guests guests(two_files());
  std::string line = "mount -t proc -o subset=pid none /proc && exec " VUNIFY_BIN_DIR "/";
  for (const auto& word : guests.command({})) line += word + " ";
  const auto refused = run({"unshare", "-m", "sh", "-c", line});
  EXPECT_EQ(refused.status, 3) << refused.out << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("vunify: /proc/locks: "));
  EXPECT_FALSE(guests.exists(".vunify") || guests.are_one("f"));
}

TEST_F(VunifyFault, TooFewOpenFilesAreToldBeforeAnythingIsDone) {
  Guests guests(two_files());
  const auto under = [&](int open_files) {
    std::string line = "ulimit -n " + std::to_string(open_files) + "; exec " VUNIFY_BIN_DIR "/";
    for (const auto& word : guests.command({"--jobs=8"})) line += word + " ";
    return shell(line);
  };
  for (const int few : {12, 16, 20, 50, 115}) {
    const auto refused = under(few);
    EXPECT_EQ(refused.status, 3) << few << refused.out << refused.err;
    EXPECT_EQ(refused.err, "vunify: ulimit -n: " + std::to_string(few) + " open files are allowed, 116 are needed\n");
    EXPECT_FALSE(guests.exists(".vunify"));
  }
  EXPECT_EQ(under(116).status, 0);
  EXPECT_TRUE(guests.are_one("f") && guests.are_one("g"));
}

TEST_F(VunifyFault, FilesThatAreAllHoleAreLeftAlone) {
  Guests guests(two_files());
  shell_or_fail("cd " + guests.root() + " && truncate -s 1M a/hole b/hole && touch -d 2020-01-01 a/hole b/hole");
  const auto report = guests.report();
  EXPECT_EQ(report["skipped"]["empty"], 2);
  EXPECT_EQ(report["linked_files"], 2);
  EXPECT_FALSE(guests.are_one("hole"));
}

TEST_F(VunifyFault, WithoutTheCapabilityTheAdviceIsNotWhatWasGiven) {
  Guests guests(two_files());
  Words words{"setpriv", "--bounding-set=-linux_immutable", "--inh-caps=-linux_immutable", "--"};
  for (const auto& word : guests.command({})) words.push_back(word);
  words[4] = VUNIFY_BIN_DIR "/vunify";
  const auto refused = run(words);
  EXPECT_EQ(refused.status, 3) << refused.out << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("lacks CAP_LINUX_IMMUTABLE"));
  EXPECT_THAT(refused.err, Not(HasSubstr("--protect=immutable")));
}

TEST_F(VunifyFault, WhereOnlyTheReportIsLostTheLineSaysSo) {
  Guests guests(two_files());
  guests.make_directory("state/report.json");
  const auto not_kept = guests.vunify();
  EXPECT_EQ(not_kept.status, 1) << not_kept.err;
  EXPECT_THAT(not_kept.out, HasSubstr("state/report.json: Is a directory: only this report is lost"));
  std::string line = VUNIFY_BIN_DIR "/";
  for (const auto& word : guests.command({})) line += word + " ";
  EXPECT_THAT(shell(line + ">/dev/full").err, HasSubstr("only the report is lost, the work was done"));
  EXPECT_TRUE(guests.are_one("f") && guests.are_one("g"));
}

TEST_F(VunifyFault, WhatEndsARunIsToldInItsReport) {
  Guests guests(two_files());
  const auto ended = guests.vunify_under({"-e", "trace=syncfs", "-e", "inject=syncfs:error=EIO:when=1"}, {"--json"});
  EXPECT_EQ(ended.status, 5) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("Input/output error"));
  for (const auto& text : {ended.out, guests.read("state/report.json")}) {
    const auto report = Json::parse(text, nullptr, false);
    EXPECT_EQ(report["complete"], false) << text;
    EXPECT_THAT(report["failed"][0]["reason"].get<std::string>(), HasSubstr("Input/output error"));
  }
}

TEST_F(VunifyFault, ADamagedOrLostSealCostsTheIndexAndNoNight) {
  Guests guests(two_files());
  const auto expect_begun_anew = [&](const std::string& damage) {
    ASSERT_EQ(guests.vunify().status, 0);
    shell_or_fail("cd " + guests / "state" + " && " + damage);
    const auto next = guests.vunify();
    EXPECT_EQ(next.status, 0) << damage << next.out << next.err;
    EXPECT_THAT(next.err, HasSubstr("begun anew")) << damage;
  };
  expect_begun_anew("printf X | dd of=index.seal conv=notrunc bs=1 seek=2 2>&1");
  expect_begun_anew(": >index.seal");
  expect_begun_anew("rm index.seal");
  expect_begun_anew("rm index.seal && : >index");
}

}  // namespace
}  // namespace vunify::test
