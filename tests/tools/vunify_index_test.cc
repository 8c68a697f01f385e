// SPDX-License-Identifier: Apache-2.0
// Nights over guests that vunify knows: what did not change is not opened, and what changed is not taken for the same.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "sys/fd.h"
#include "tests/crash_points.h"
#include "tests/nights.h"

namespace vunify::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;
using Json = nlohmann::json;
using Words = Nights::Words;

std::string text(char letter, std::size_t size = 5000) { return std::string(size, letter); }

// Files of every kind that a night meets: shared, of one size and metadata but not one content, second copies,
// hard links, alone, and excluded.
void fill(const Nights& nights) {
  for (const std::string guest : {"a/", "b/"}) {
    for (std::size_t i = 0; i < 12; ++i) nights.write(guest + "usr/same" + std::to_string(i), text('s', 3000 + i));
    for (std::size_t i = 0; i < 12; ++i) nights.write(guest + "etc/own" + std::to_string(i), text(guest[0], 900 + i));
    nights.write(guest + "usr/twice", text('t'));
    nights.write(guest + "home/me", text('h', 77));
  }
  nights.write("a/usr/again", text('t'));
  nights.write("a/usr/linked", text('l', 2222));
  std::filesystem::create_hard_link(nights / "a/usr/linked", nights / "a/usr/linked2");
  nights.write("b/usr/linked", text('l', 2222));
  nights.write("a/alone", text('x', 12345));
  nights.rest();
}

Json status_of(const Nights& nights) {
  const auto status = run({"vunify", "--status", "--json", "--state", nights.state_dir()});
  EXPECT_EQ(status.status, 0) << status.err;
  return Json::parse(status.out, nullptr, false);
}

void expect_nothing_is_opened(const Nights& nights, const char* when) {
  const auto quiet = nights.night();
  EXPECT_EQ(quiet.finished.status, 0) << when << quiet.finished.err;
  EXPECT_EQ(quiet.finished.err, "") << when;
  EXPECT_THAT(quiet.opened, IsEmpty()) << when;
  EXPECT_EQ(quiet.report["read_files"], 0) << when;
  EXPECT_EQ(quiet.report["linked_files"], 0) << when;
}

class VunifyIndexOn : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!is_root()) GTEST_SKIP() << "needs root";
  }
};
class VunifyIndexWhereNumbersComeAgain : public VunifyIndexOn {};  // btrfs gives each once

INSTANTIATE_TEST_SUITE_P(Each, VunifyIndexWhereNumbersComeAgain, testing::Values("ext4", "xfs"),
                         [](const auto& kind) { return std::string(kind.param); });
INSTANTIATE_TEST_SUITE_P(Each, VunifyIndexOn, testing::Values("ext4", "xfs", "btrfs"),
                         [](const auto& each) { return std::string(each.param); });

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

TEST_P(VunifyIndexOn, FindsWhatWasEditedThoughItsSizeAndMtimeAreTheOld) {
  Nights nights(GetParam());
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  fill(nights);
  ASSERT_EQ(nights.run().status, 0);
  nights.write("a/etc/own3", text('b', 903));  // touch -d is in it
  const auto night = nights.night();
  EXPECT_THAT(night.opened, UnorderedElementsAre("a/etc/own3", "b/etc/own3"));
  EXPECT_TRUE(nights.are_one("a/etc/own3", "b/etc/own3"));
}

TEST_P(VunifyIndexWhereNumbersComeAgain, TakesNoLaterInodeOfTheSameNumberForTheOneItKnew) {
  Nights nights(GetParam());
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  fill(nights);
  ASSERT_EQ(nights.run().status, 0);
  const auto own = nights.ino("a/etc/own3"), shared = nights.ino("a/usr/same3");
  const auto again = [&](const std::string& path, std::uint64_t ino, const std::string& content) {
    for (int i = 0; i < 2000; ++i) {
      nights.write(path + std::to_string(i), content);
      if (nights.ino(path + std::to_string(i)) == ino) {
        std::filesystem::rename(nights / (path + std::to_string(i)), nights / path);
        return true;
      }
      std::filesystem::remove(nights / (path + std::to_string(i)));
    }
    return false;
  };
  std::filesystem::remove(nights / "a/etc/own3");
  const bool reused = again("a/etc/own3", own, text('b', 903));
  shell("chattr -i " + nights / "a/usr/same3" + "; rm -f " + nights / "a/usr/same3" + " " + nights / "b/usr/same3");
  const bool reused_shared = again("a/usr/same3", shared, text('z', 3003));
  ASSERT_TRUE(reused && reused_shared) << GetParam() << " gave no number a second time";
  shell("chattr +i " + nights / "a/usr/same3");
  nights.write("b/usr/same3", text('s', 3003));
  nights.rest();
  const auto before = nights.images();
  const auto night = nights.night();
  EXPECT_TRUE(nights.are_one("a/etc/own3", "b/etc/own3")) << "the new one is equal";
  EXPECT_FALSE(nights.are_one("a/usr/same3", "b/usr/same3"));
  EXPECT_EQ(night.report["skipped"]["own-flags"], 1) << night.report.dump(1);
  EXPECT_EQ(nights.images(), before);
  EXPECT_THAT(shell("lsattr " + nights / "a/usr/same3").out, HasSubstr("-i-")) << "its owner wanted it so";
}

class VunifyIndex : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_root()) GTEST_SKIP() << "needs root";
  }
};

// The last name left is its guest's own, and so is what it does with it.
TEST_F(VunifyIndex, DoesNotTakeForSharedWhatWasSharedOnce) {
  Nights nights("ext4");
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  fill(nights);
  ASSERT_EQ(nights.run().status, 0);
  shell("chattr -i " + nights / "a/usr/same5" + " && rm " + nights / "b/usr/same5" + "; chattr +i " +
        nights / "a/usr/same5");
  ASSERT_EQ(nights.run().status, 0);
  EXPECT_THAT(shell("lsattr " + nights / "a/usr/same5").out, Not(HasSubstr("-i-"))) << "unmarked and given back";
  Words take_back = {"vunify", "-R", "--state", nights.state_dir(), nights / "a", nights / "b"};
  ASSERT_EQ(run(take_back).status, 0);
  shell("chattr +i " + nights / "a/usr/same5" + " " + nights / "a/usr/same6" + " " + nights / "b/usr/same6");
  const auto night = nights.night();
  EXPECT_EQ(night.report["skipped"]["own-flags"], 3) << night.report.dump(1);
  for (const auto* path : {"a/usr/same5", "a/usr/same6", "b/usr/same6"})
    EXPECT_THAT(shell("lsattr " + nights / path).out, HasSubstr("-i-")) << path;
  EXPECT_FALSE(nights.are_one("a/usr/same6", "b/usr/same6"));
  EXPECT_TRUE(nights.are_one("a/usr/same7", "b/usr/same7"));
}

TEST_F(VunifyIndex, LeavesAGuestTheLinksAndFlagsThatItMadeOfWhatItWasGivenBack) {
  Nights nights("ext4");
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  fill(nights);
  ASSERT_EQ(nights.run().status, 0);
  const auto inode = nights.ino("a/usr/same6");
  ASSERT_EQ(run({"vunify", "-R", "--state", nights.state_dir(), nights / "a", nights / "b"}).status, 0);
  const std::string guest = nights.ino("a/usr/same6") == inode ? "a/" : "b/";
  std::filesystem::create_hard_link(nights / (guest + "usr/same6"), nights / (guest + "usr/same6too"));
  ASSERT_EQ(shell("chattr +i " + nights / (guest + "usr/same6")).status, 0);
  for (int night = 0; night < 2; ++night) {
    const auto report = nights.night().report;
    EXPECT_EQ(report["copied_files"], 0) << report.dump(1);
    EXPECT_TRUE(nights.are_one(guest + "usr/same6", guest + "usr/same6too"));
    EXPECT_FALSE(nights.are_one("a/usr/same6", "b/usr/same6"));
    EXPECT_THAT(shell("lsattr " + nights / (guest + "usr/same6")).out, HasSubstr("-i-"));
    EXPECT_TRUE(nights.are_one("a/usr/same7", "b/usr/same7"));
  }
}

// As a clock that was set back leaves it: an edit with an older ctime; and one with the very ctime that is known,
// which nothing can tell but the proof.
class Ctimes {
 public:
  Ctimes(Nights& nights, const Words& paths, const std::string& time) {
    std::string script;
    for (const auto& path : paths)
      for (const auto& field : {"ctime " + time, std::string("ctime_extra 0")})
        script += "set_inode_field <" + std::to_string(nights.ino(path)) + "> " + field + "\n";
    nights.unmount();
    done_ = run({"debugfs", "-w", "-f", "-", nights.device()}, script);
    nights.mount();
  }
  bool done() const { return done_.status == 0; }

 private:
  Finished done_;
};

TEST_F(VunifyIndex, FindsAnEditMadeWhileTheClockWasSetBack) {
  Nights nights("ext4");
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  fill(nights);
  ASSERT_EQ(nights.run().status, 0);
  nights.write("a/etc/own3", text('b', 903));
  ASSERT_TRUE(Ctimes(nights, {"a/etc/own3"}, "20100101000000").done());
  const auto night = nights.night();
  EXPECT_THAT(night.opened, UnorderedElementsAre("a/etc/own3", "b/etc/own3"));
  EXPECT_TRUE(nights.are_one("a/etc/own3", "b/etc/own3"));
}

TEST_F(VunifyIndex, LinksNothingWrongThoughAnEditCannotBeSeen) {
  Nights nights("ext4", {"a", "b", "c"});
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  fill(nights);
  const Words second_copies = {"a/usr/again", "a/usr/twice"};
  ASSERT_TRUE(Ctimes(nights, second_copies, "20200101000000").done());
  ASSERT_EQ(nights.run().status, 0);
  const std::string kept = nights.are_one("a/usr/again", "b/usr/twice") ? "a/usr/twice" : "a/usr/again";
  nights.write(kept, text('T'));  // known as 't'
  ASSERT_TRUE(Ctimes(nights, {kept}, "20200101000000").done());
  for (const auto* path : {"c/usr/1", "c/usr/2"}) nights.write(path, text('t'));
  nights.rest();
  const auto before = nights.images();
  const auto night = nights.night();
  EXPECT_EQ(night.finished.status, 0) << night.finished.err;
  EXPECT_THAT(night.opened, testing::Contains(kept)) << "the index has to be fooled, or this shows nothing";
  EXPECT_EQ(nights.images(), before);
  EXPECT_EQ(night.report["linked_files"], 1);
  expect_nothing_is_opened(nights, "what was found out is known");
}

// The tick in which it was read is not over: the same ctime may come again.
TEST_F(VunifyIndex, DoesNotTrustACtimeThatMayComeAgain) {
  Nights nights("ext4");
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  fill(nights);
  const Words both = {"a/etc/own3", "b/etc/own3"};
  ASSERT_TRUE(Ctimes(nights, both, "20370101000000").done());
  const auto first = nights.night();
  EXPECT_EQ(first.report["linked_files"], 13);
  nights.write("a/etc/own3", text('b', 903));
  ASSERT_TRUE(Ctimes(nights, both, "20370101000000").done());
  const auto night = nights.night();
  EXPECT_TRUE(nights.are_one("a/etc/own3", "b/etc/own3"));
  EXPECT_THAT(night.opened, UnorderedElementsAre("a/etc/own3", "b/etc/own3"));
}

TEST_F(VunifyIndex, FindsEveryRewriteDirectlyAfterARun) {
  Nights nights("ext4");
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  for (int round = 0; round < 8; ++round) {
    const auto name = "etc/" + std::to_string(round);
    nights.write("a/" + name, text('a', 700));
    nights.write("b/" + name, text(static_cast<char>('k' + round), 700));
    ASSERT_EQ(nights.run().status, 0);  // reads what was written just now
    nights.write("a/" + name, text(static_cast<char>('k' + round), 700));
    ASSERT_EQ(nights.run().status, 0);
    EXPECT_TRUE(nights.are_one("a/" + name, "b/" + name)) << round;
  }
}

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
  EXPECT_LE(status_of(nights)["index"]["records"], all - 3 - 12 + 1);
  EXPECT_EQ(status_of(nights)["guests"].size(), 2) << "a guest that is gone for good is not off";
}

TEST_F(VunifyIndex, KeepsWhatAKilledRunHadLearnt) {
  Nights nights("ext4");
  if (!nights.ok()) GTEST_SKIP() << nights.reason();
  constexpr int files = 400;
  for (std::size_t i = 0; i < files; ++i)
    for (const char guest : {'a', 'b'})
      nights.write(std::string{guest} + "/etc/own" + std::to_string(i), text(guest, 500 + i));
  nights.rest();
  auto command = nights.command({"-q"});
  command[0] = VUNIFY_BIN_DIR "/vunify";
  Words slowly{
      "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=preadv2", "-e", "inject=preadv2:delay_enter=10000"};
  slowly.insert(slowly.end(), command.begin(), command.end());
  std::thread killer([&] {
    for (int i = 0; i < 200; ++i, ::usleep(50000)) {
      const auto running = status_of(nights)["running"];
      if (!running.is_object() || running["seconds"].is_null() || running["seconds"] < 6) continue;
      run({"kill", "-9", std::to_string(running["process"].get<int>())});
      return;
    }
  });
  run(slowly);
  killer.join();
  ASSERT_FALSE(std::filesystem::exists(nights.state_dir() + "/report.json")) << "it was to be killed";
  const auto next = nights.night();
  EXPECT_EQ(next.finished.status, 0) << next.finished.err;
  EXPECT_EQ(next.finished.err, "");
  EXPECT_LT(next.report["read_files"], 2 * files * 7 / 10);
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
  auto command = nights.command({"-q"});
  command[0] = VUNIFY_BIN_DIR "/vunify";
  Words slowly{
      "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=preadv2", "-e", "inject=preadv2:delay_enter=10000"};
  slowly.insert(slowly.end(), command.begin(), command.end());
  Finished going;
  std::thread run_meanwhile([&] { going = run(slowly); });
  int seen = 0;
  for (int i = 0; i < 8; ++i) {
    const auto status = status_of(nights);
    EXPECT_EQ(status["unreadable"], Json::array());
    EXPECT_EQ(status["index"]["note"], "");
    seen += !status["running"].is_null() && !status["index"]["records"].is_null();
    const auto dry = nights.run({"-n"});
    EXPECT_EQ(dry.status, 0);
    EXPECT_EQ(dry.err, "");
  }
  run_meanwhile.join();
  EXPECT_EQ(going.status, 0) << going.err;
  EXPECT_GT(seen, 1);
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

}  // namespace
}  // namespace vunify::test
