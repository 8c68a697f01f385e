// SPDX-License-Identifier: Apache-2.0
// Nights over guests that vunify knows: what did not change is not opened, of what changed only what must be.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>

#include "sys/fd.h"
#include "tests/crash_points.h"
#include "tests/nights.h"
#include "tests/root_test.h"
#include "tests/shared.h"
#include "tests/stopped_run.h"

namespace vunify::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using Json = nlohmann::json;
using Words = Nights::Words;

class VunifyIndexOn : public RootTestOn {};
INSTANTIATE_TEST_SUITE_P(Each, VunifyIndexOn, testing::Values("ext4", "xfs", "btrfs"), name_of_each);

TEST_P(VunifyIndexOn, OpensNothingWhereNothingChanged) {
  Nights nights(GetParam());
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  fill(nights);
  const auto first = nights.night();
  ASSERT_EQ(first.finished.status, 0) << first.finished.err;
  EXPECT_EQ(first.report["linked_files"], 13);
  EXPECT_GE(first.opened.size(), 48u) << "else the trace shows nothing";
  expect_nothing_is_opened(nights, "directly after the run that linked");
  expect_nothing_is_opened(nights, "and again");
  const auto device = stat_name(AT_FDCWD, nights.root().c_str())->dev;
  nights.mount_elsewhere();
  if (GetParam() != std::string("btrfs")) {  // whose device numbers are of its own making
    EXPECT_NE(stat_name(AT_FDCWD, nights.root().c_str())->dev, device);
  }
  expect_nothing_is_opened(nights, "mounted elsewhere, from another device");
}

TEST_P(VunifyIndexOn, OpensOfAnUpgradeTheChangedFilesAndOneTwinOfEachContent) {
  Nights nights(GetParam(), {"a", "b", "c", "d"});
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  fill(nights);
  for (const std::string guest : {"c/", "d/"})
    for (std::size_t i = 0; i < 12; ++i) nights.write(guest + "usr/same" + std::to_string(i), text('s', 3000 + i));
  nights.rest();
  ASSERT_EQ(nights.run().status, 0);
  nights.replace("b/usr/same1", text('n', 4001));  // new, in two guests
  nights.replace("c/usr/same1", text('n', 4001));
  nights.replace("b/usr/same2", text('n', 4002));  // new, in one
  nights.replace("b/usr/same3", text('s', 3003));  // as it was
  nights.replace("b/usr/same4", text('b', 905));   // of the size of others, whose contents are known to be several
  nights.rest();
  const auto before = nights.images();
  const auto night = nights.night();
  EXPECT_EQ(night.finished.status, 0) << night.finished.err;
  EXPECT_THAT(night.opened, UnorderedElementsAre("b/usr/same1", "c/usr/same1", "b/usr/same3", "b/usr/same4",
                                                 AnyOf("a/usr/same3", "c/usr/same3", "d/usr/same3")));
  EXPECT_TRUE(nights.are_one("b/usr/same1", "c/usr/same1"));
  EXPECT_TRUE(nights.are_one("b/usr/same3", "a/usr/same3"));
  EXPECT_EQ(nights.images(), before);
  expect_nothing_is_opened(nights, "after the upgrade");
}

class VunifyIndex : public RootTest {};

TEST_F(VunifyIndex, ForgetsNothingOfGuestsThatAreMissingOrNotMounted) {
  Nights nights("ext4", {"a", "b", "sub/c", "sub/d"});
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  const LoopFs other("ext4", 64);
  if (!other.ok()) GTEST_SKIP() << other.reason();
  std::filesystem::create_directory(other / "sub");
  for (const std::string guest : {"c/", "d/"}) std::filesystem::create_directory(other / ("sub/" + guest));
  ASSERT_EQ(run({"mount", "--bind", other / "sub", nights / "sub"}).status, 0);
  fill(nights);
  for (std::size_t i = 0; i < 9; ++i)
    for (const std::string guest : {"c", "d"})
      nights.write("sub/" + guest + "/etc/own" + std::to_string(i), text(guest[0], 400 + i));
  nights.rest();
  ASSERT_EQ(nights.run().status, 0);
  expect_nothing_is_opened(nights, "all there");
  const auto records = [&] { return status_of(nights)["index"]["records"].get<int>(); };
  const auto all = records();
  ASSERT_EQ(::umount2((nights / "sub").c_str(), 0), 0);
  nights.write("a/etc/own1", text('A', 901));  // something new, so that the index is merged and pruned
  nights.rest();
  ASSERT_EQ(nights.night().finished.status, 0);  // sub/c and sub/d are there, and empty
  EXPECT_EQ(records(), all);
  std::filesystem::remove_all(nights / "sub/c");
  std::filesystem::remove_all(nights / "sub/d");
  nights.write("a/etc/own2", text('A', 902));
  nights.rest();
  EXPECT_EQ(nights.run().status, 2) << "a missing root is no guest";
  nights.only({"a", "b"});
  ASSERT_EQ(nights.run().status, 0);
  EXPECT_EQ(records(), all);
  ASSERT_EQ(run({"mount", "--bind", other / "sub", nights / "sub"}).status, 0);
  nights.only({"a", "b", "sub/c", "sub/d"});
  expect_nothing_is_opened(nights, "mounted again");
}

TEST_F(VunifyIndex, ForgetsWhatIsGone) {
  Nights nights("ext4", {"a", "b", "c"});
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  fill(nights);
  for (std::size_t i = 0; i < 12; ++i) nights.write("c/etc/own" + std::to_string(i), text('c', 900 + i));
  nights.rest();
  ASSERT_EQ(nights.run().status, 0);
  const int all = status_of(nights)["index"]["records"];
  for (const auto* path : {"a/etc/own1", "a/etc/own2", "b/etc/own2"}) std::filesystem::remove(nights / path);
  std::filesystem::remove_all(nights / "c");  // for good
  nights.write("b/usr/new", text('t'));
  nights.only({"a", "b"});
  nights.rest();
  ASSERT_EQ(nights.run().status, 0);
  const int left = status_of(nights)["index"]["records"];
  EXPECT_LE(left, all - 3 - 12 + 1);
  EXPECT_GE(left, 12) << "what is still there is not forgotten";
  EXPECT_EQ(status_of(nights)["guests"].size(), 2) << "a guest that is gone for good is not off";
}

// Each read takes 10 ms longer; killed when it opens its n-th file or directory.
Finished run_slowly_until(int n, const Nights& nights) {
  auto command = nights.command({"-q"});
  command[0] = VUNIFY_BIN_DIR "/vunify";
  Words slowly{"strace",
               "-f",
               "-qq",
               "-o",
               "/dev/null",
               "-e",
               "trace=preadv2,openat2",
               "-e",
               "inject=preadv2:delay_enter=10000",
               "-e",
               "inject=openat2:signal=KILL:when=" + std::to_string(n)};
  slowly.insert(slowly.end(), command.begin(), command.end());
  return run(slowly);
}

TEST_F(VunifyIndex, KeepsWhatAKilledRunHadLearnt) {
  Nights nights("ext4");
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  constexpr int files = 400;
  for (std::size_t i = 0; i < files; ++i)
    for (const char guest : {'a', 'b'})
      nights.write(std::string{guest} + "/etc/own" + std::to_string(i), text(guest, 500 + i));
  nights.rest();
  ASSERT_EQ(run_slowly_until(600, nights).status, killed);
  const auto next = nights.night();
  EXPECT_EQ(next.finished.status, 0) << next.finished.err;
  EXPECT_EQ(next.finished.err, "");
  // 600 read, in 6 s or more, less what was learnt in the 2 s after the last checkpoint.
  EXPECT_LT(next.report["read_files"], 2 * files - 600 + 250);
  EXPECT_GT(next.report["read_files"], 0);
  expect_nothing_is_opened(nights, "once the next run is done");
}

TEST_F(VunifyIndex, LeadsAGuestThatComesAloneToTheKeepersItKnows) {
  Nights nights("ext4", {"a", "b", "c"});
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  fill(nights);
  nights.only({"a", "b"});
  ASSERT_EQ(nights.run().status, 0);
  for (std::size_t i = 0; i < 6; ++i) nights.write("c/usr/same" + std::to_string(i), text('s', 3000 + i));
  nights.write("c/usr/same6", text('S', 3006));
  nights.rest();
  nights.only({"c"});
  const auto before = nights.images();
  const auto night = nights.night();
  EXPECT_EQ(night.finished.status, 0) << night.finished.err;
  EXPECT_EQ(night.report["linked_files"], 6) << night.report.dump(1);
  EXPECT_TRUE(nights.are_one("c/usr/same3", "b/usr/same3"));
  EXPECT_FALSE(nights.are_one("c/usr/same6", "b/usr/same6"));
  EXPECT_EQ(nights.images(), before);
  for (const auto& path : night.opened) EXPECT_THAT(path, HasSubstr("/usr/same"));
  nights.only({"a", "b", "c"});
  EXPECT_EQ(nights.night().report["linked_files"], 0);
}

TEST_F(VunifyIndex, IsReadByOthersWhileARunIsGoing) {
  Nights nights("ext4");
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  fill(nights);
  ASSERT_EQ(nights.run().status, 0);
  for (std::size_t i = 0; i < 150; ++i)
    for (const char guest : {'a', 'b'})
      nights.write(std::string{guest} + "/new" + std::to_string(i), text(guest, 500 + i));
  nights.rest();
  StoppedRun going(nights.command({"-q"}), "preadv2", 100, nights.state() / "trace");
  const auto status = status_of(nights);
  EXPECT_EQ(status["unreadable"], Json::array());
  EXPECT_EQ(status["running"]["process"], going.process());
  EXPECT_EQ(status["index"]["note"], "");
  EXPECT_GT(status["index"]["records"], 0);
  const auto dry = nights.run({"-n"});
  EXPECT_EQ(dry.status, 0);
  EXPECT_EQ(dry.err, "");
  const auto finished = going.go_on();
  EXPECT_EQ(finished.status, 0) << finished.err;
  expect_nothing_is_opened(nights, "after a run that was watched");
}

TEST_F(VunifyIndex, IsAskedButNotChangedByADryRun) {
  Nights nights("ext4");
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  fill(nights);
  ASSERT_EQ(nights.run().status, 0);
  const auto before = nights.state().read("state/index") + nights.state().read("state/index.seal");
  const auto dry = nights.night({"-n"});
  EXPECT_THAT(dry.opened, IsEmpty());
  nights.write("a/etc/own3", text('b', 903));
  nights.rest();
  EXPECT_EQ(nights.night({"-n"}).report["linked_files"], 1);
  EXPECT_EQ(nights.state().read("state/index") + nights.state().read("state/index.seal"), before);
}

// A guest whose root may take the flag off writes to what others share.
class VunifyIndexTampered : public RootTest {
 protected:
  void SetUp() override {
    RootTest::SetUp();
    if (!nights_.ok()) GTEST_SKIP() << nights_.reason();
    fill(nights_);
    ASSERT_EQ(nights_.run().status, 0);
    ASSERT_TRUE(nights_.are_one(a_, b_));
  }
  // With the flag off, and as it was, or not, afterwards.
  void tamper(const std::string& change, bool flag_back) {
    const auto file = nights_ / a_;
    shell_or_fail("chattr -i " + file + " && f=" + file + " && " + change + (flag_back ? " && chattr +i " + file : ""));
  }
  void expect_told_and_parted(const std::string& what) {
    const auto night = nights_.night();
    EXPECT_EQ(night.finished.status, 1) << what << night.finished.err;
    ASSERT_EQ(night.report["failed"].size(), 2u) << what << night.report["failed"].dump();
    EXPECT_EQ(night.report["failed"][0]["path"], "usr/same3");
    EXPECT_THAT(night.report["failed"][0]["reason"].get<std::string>(), HasSubstr("not what was shared"));
    EXPECT_EQ(night.report["adopted_files"], 0);
    EXPECT_FALSE(nights_.are_one(a_, b_)) << what;
    for (const auto& path : {a_, b_}) EXPECT_FALSE(has_mark(nights_ / path)) << what;
  }

  Nights nights_{"ext4"};
  const std::string a_ = "a/usr/same3", b_ = "b/usr/same3";
};

TEST_F(VunifyIndexTampered, WhatWasWrittenToIsToldByNameAndEachNameGetsItsOwn) {
  tamper("printf X | dd of=$f conv=notrunc 2>/dev/null", false);
  expect_told_and_parted("flag off");
}

TEST_F(VunifyIndexTampered, WithTheFlagSetAgainAsWell) {
  tamper("printf X | dd of=$f conv=notrunc 2>/dev/null", true);
  expect_told_and_parted("flag on");
}

TEST_F(VunifyIndexTampered, WithItsMtimeSetBackItIsToldByItsBytes) {
  tamper("m=$(stat -c @%.Y $f) && printf X | dd of=$f conv=notrunc 2>/dev/null && touch -d $m $f", false);
  expect_told_and_parted("by its bytes");
}

TEST_F(VunifyIndexTampered, ByAnotherModeAlone) {
  tamper("chmod 4755 $f", true);
  expect_told_and_parted("mode");
}

TEST_F(VunifyIndexTampered, WithoutItsFlagAndElseAsItWasItIsProtectedAgain) {
  tamper("true", false);
  const auto night = nights_.night();
  EXPECT_EQ(night.finished.status, 0) << night.finished.err << night.report["failed"].dump();
  EXPECT_EQ(night.report["adopted_files"], 2);
  EXPECT_TRUE(is_shared(nights_ / a_));
  EXPECT_TRUE(nights_.are_one(a_, b_));
}

TEST_F(VunifyIndexTampered, ADryRunTellsAndChangesNothing) {
  tamper("printf X | dd of=$f conv=notrunc 2>/dev/null", true);
  const auto night = nights_.night({"-n"});
  EXPECT_EQ(night.finished.status, 1);
  EXPECT_EQ(night.report["failed"].size(), 2u);
  EXPECT_TRUE(nights_.are_one(a_, b_));
}

}  // namespace
}  // namespace vunify::test
