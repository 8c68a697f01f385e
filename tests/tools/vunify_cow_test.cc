// SPDX-License-Identifier: Apache-2.0
// Adopted guests unified under cow: marked, without a flag, and never together with one that is not adopted.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mount.h>

#include <filesystem>
#include <fstream>

#include "sys/directory.h"
#include "tests/crash_points.h"
#include "tests/root_test.h"
#include "tests/tools/adopted_guests.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class VunifyCowOn : public RootTestOn {
 protected:
  void SetUp() override {
    RootTestOn::SetUp();
    if (!fs_.ok()) GTEST_SKIP() << fs_.reason();
  }

  void make(const Words& guests, const Words& adopted) {
    guests_.emplace(fs_.root(), in_each(guests, {"bin/sh", "lib/libc.so.6"}), adopted);
  }
  const AdoptedGuests& guests() const { return *guests_; }

 private:
  LoopFs fs_{GetParam()};
  std::optional<AdoptedGuests> guests_;
};

INSTANTIATE_TEST_SUITE_P(Each, VunifyCowOn, testing::Values("ext4", "xfs", "btrfs"), name_of_each);

TEST_P(VunifyCowOn, IsWhatAutoTakesForAdoptedGuests) {
  make({"a", "b"}, {"a", "b"});
  const auto report = guests().report({}, {"a", "b"});
  EXPECT_EQ(report["linked_files"], 2) << report.dump(1);
  EXPECT_EQ(report["guests"][0]["protection"], "cow");
  EXPECT_EQ(report["guests"][0]["root"], guests() / "a") << "under its own name";
  EXPECT_TRUE(guests().are_one("a/bin/sh", "b/bin/sh"));
  EXPECT_TRUE(guests().is_kept_by_cow("a/bin/sh"));
  EXPECT_THAT(guests().dir().names(".vcow"), ElementsAre("a", "b")) << "staging is gone";
}

TEST_P(VunifyCowOn, ASecondRunRests) {
  make({"a", "b"}, {"a", "b"});
  guests().report({}, {"a", "b"});
  const auto second = guests().report({}, {"a", "b"});
  EXPECT_EQ(second["linked_files"], 0) << second.dump(1);
  EXPECT_EQ(second["adopted_files"], 0) << second.dump(1);
  EXPECT_EQ(second["read_files"], 0) << second.dump(1);
  EXPECT_EQ(second["shared_files"], 4);
  EXPECT_TRUE(second["failed"].empty()) << second.dump(1);
  expect_every_file_is_told(second);
}

TEST_P(VunifyCowOn, NothingIsSharedWithAGuestThatIsNotAdopted) {
  make({"a", "b", "c"}, {"a", "b"});
  const auto finished = guests().vunify({"--protect=cow"}, {"a", "b", "c"});
  EXPECT_EQ(finished.status, 1);
  EXPECT_THAT(finished.out, HasSubstr("vcow adopt"));
  EXPECT_TRUE(guests().are_one("a/bin/sh", "b/bin/sh"));
  EXPECT_NE(guests().inode("a/bin/sh").ino, guests().dir().inode("c/bin/sh").ino);
  EXPECT_FALSE(has_mark(guests() / "c/bin/sh"));
  EXPECT_EQ(guests().vunify({protect_by_flag()}, {"a", "c"}).status, 1) << "nor the other way round";
  EXPECT_FALSE(has_mark(guests() / "c/bin/sh"));
}

TEST_P(VunifyCowOn, WithoutAdoptedGuestsCowIsRefused) {
  make({"a", "b"}, {});
  const auto finished = guests().vunify({"--protect=cow"}, {"a", "b"});
  EXPECT_EQ(finished.status, 3);
  EXPECT_THAT(finished.err, HasSubstr("it is not adopted"));
}

TEST_P(VunifyCowOn, IsTakenBackAndReleased) {
  make({"a", "b"}, {"a", "b"});
  const auto before = image_of(guests().tree("a"));
  guests().report({}, {"a", "b"});
  const auto refused = guests().vcow("release", {"a"});
  EXPECT_EQ(refused.status, 3);
  EXPECT_THAT(refused.err, HasSubstr("vunify -R"));
  EXPECT_EQ(guests().vunify({"-R"}, {"a"}).status, 0);
  EXPECT_EQ(guests().vcow("release", {"a"}).status, 0);
  EXPECT_EQ(image_of(guests() / "a"), before);
  EXPECT_FALSE(has_mark(guests().tree("b/bin/sh"))) << "the last name is its guest's own";
  EXPECT_EQ(guests().vcow("release", {"b"}).status, 0);
}

TEST_P(VunifyCowOn, ALastNameIsUnmarkedByTheNextRun) {
  make({"a", "b"}, {"a", "b"});
  guests().report({}, {"a", "b"});
  std::filesystem::remove(guests().tree("b/bin/sh"));
  const auto report = guests().report({}, {"a", "b"});
  EXPECT_EQ(report["unmarked_files"], 1) << report.dump(1);
  EXPECT_FALSE(has_mark(guests().tree("a/bin/sh")));
}

TEST_P(VunifyCowOn, WhatTheHostWroteToASharedInodeIsFound) {
  make({"a", "b"}, {"a", "b"});
  guests().report({}, {"a", "b"});
  std::ofstream(guests().tree("a/bin/sh"), std::ios::in) << "changed";
  const auto report = guests().report({}, {"a", "b"});
  EXPECT_EQ(report["failed"].size(), 2u) << report.dump(1);
  EXPECT_THAT(report.dump(), HasSubstr("is not what was shared any more"));
  EXPECT_FALSE(guests().are_one("a/bin/sh", "b/bin/sh"));
}

TEST_P(VunifyCowOn, WhatAFlagKeptNeedsNoneAnyMore) {
  make({"a", "b"}, {});
  ASSERT_EQ(guests().vunify({protect_by_flag()}, {"a", "b"}).status, 0);
  ASSERT_TRUE(is_shared(guests() / "a/bin/sh"));
  ASSERT_EQ(guests().vcow("adopt", {"a", "b"}).status, 0);
  const auto report = guests().report({}, {"a", "b"});
  EXPECT_TRUE(report["failed"].empty()) << report.dump(1);
  EXPECT_EQ(report["copied_files"], 0);
  EXPECT_TRUE(guests().are_one("a/bin/sh", "b/bin/sh"));
  EXPECT_TRUE(guests().is_kept_by_cow("a/bin/sh"));
  EXPECT_EQ(guests().report({}, {"a", "b"})["linked_files"], 0);
}

TEST_P(VunifyCowOn, WhatOthersHaveNativelyKeepsItsFlagAndIsLeft) {
  make({"a", "b", "c", "d"}, {});
  ASSERT_EQ(guests().vunify({protect_by_flag()}, {"a", "b", "c", "d"}).status, 0);
  ASSERT_EQ(guests().vcow("adopt", {"a", "b"}).status, 0);
  guests().report({}, {"a", "b"});
  EXPECT_TRUE(is_shared(guests() / "c/bin/sh"));
  EXPECT_NE(guests().inode("a/bin/sh").ino, guests().dir().inode("c/bin/sh").ino);
  guests().report({}, {"a", "b"});
  EXPECT_TRUE(guests().are_one("a/bin/sh", "b/bin/sh"));
  EXPECT_TRUE(guests().is_kept_by_cow("a/bin/sh"));
}

TEST_P(VunifyCowOn, AGuestAloneFindsOnlyKeepersOfItsKind) {
  make({"a", "b", "c", "d"}, {"a", "b", "c"});
  guests().report({}, {"a", "b"});
  EXPECT_EQ(guests().report({protect_by_flag()}, {"d"})["linked_files"], 0);
  EXPECT_EQ(guests().report({}, {"c"})["linked_files"], 2);
  EXPECT_TRUE(guests().are_one("a/bin/sh", "c/bin/sh"));
  EXPECT_FALSE(has_mark(guests() / "d/bin/sh"));
}

TEST_P(VunifyCowOn, AGuestThatVcowHasIsLeftAlone) {
  make({"a", "b", "c"}, {"a", "b", "c"});
  const Fd daemon = open_host(guests().tree("a"), O_RDONLY | O_DIRECTORY);
  ASSERT_TRUE(lock_exclusively(daemon.get()));
  const auto report = guests().report({}, {"a", "b", "c"});
  EXPECT_EQ(report["failed"][0]["guest"], "a") << report.dump(1);
  EXPECT_THAT(report["failed"][0]["reason"], HasSubstr("mounted"));
  EXPECT_EQ(report["skipped"]["mounted"], 2);
  EXPECT_TRUE(guests().are_one("b/bin/sh", "c/bin/sh"));
  EXPECT_FALSE(has_mark(guests().tree("a/bin/sh")));
  EXPECT_EQ(guests().vunify({}, {"a"}).status, 3);
  EXPECT_EQ(guests().vunify({"-R"}, {"a"}).status, 3);
  EXPECT_EQ(guests().vunify({"--delete"}, {"a"}).status, 3);
  EXPECT_TRUE(guests().dir().exists(".vcow/a/bin/sh"));
}

TEST_P(VunifyCowOn, ADeadMountIsNotAsked) {
  make({"a", "b", "c"}, {"a", "b", "c"});
  {
    const Fd device = open_host("/dev/fuse", O_RDWR);
    const auto options = "fd=" + std::to_string(device.get()) + ",rootmode=40000,user_id=0,group_id=0";
    ASSERT_EQ(::mount("vcow", (guests() / "a").c_str(), "fuse.vcow", 0, options.c_str()), 0) << errno;
  }
  const auto report = guests().report({}, {"a", "b", "c"});
  EXPECT_THAT(report["failed"][0]["reason"], HasSubstr("mounted")) << report.dump(1);
  EXPECT_EQ(report["linked_files"], 2);
  EXPECT_THAT(guests().vcow("release", {"a"}).err, HasSubstr("is mounted"));
  EXPECT_THAT(run({"vcow", "list"}).out, HasSubstr("dead"));
  ::umount2((guests() / "a").c_str(), MNT_DETACH);
  EXPECT_EQ(guests().report({}, {"a", "b", "c"})["linked_files"], 2);
}

TEST_P(VunifyCowOn, ADeletedGuestTakesItsMountPointAlong) {
  make({"a", "b"}, {"a", "b"});
  guests().report({}, {"a", "b"});
  const auto finished = guests().vunify({"--delete"}, {"b"});
  EXPECT_EQ(finished.status, 0) << finished.err << finished.out;
  EXPECT_FALSE(guests().dir().exists("b"));
  EXPECT_THAT(guests().dir().names(".vcow"), ElementsAre("a"));
  EXPECT_EQ(guests().dir().read(".vcow/a/bin/sh"), same("bin/sh"));
}

TEST_P(VunifyCowOn, WhyKnowsWhomItIsSharedWith) {
  make({"a", "b"}, {"a", "b"});
  guests().report({}, {"a", "b"});
  const auto finished =
      run({"vunify", "--state", guests() / "state", "--why", guests() / "a", "bin/sh", guests() / "b"});
  EXPECT_THAT(finished.out, HasSubstr("b: /bin/sh")) << finished.err;
}

// Killed at any step of a run, whatever it was about: the next one finishes, and no flag is left behind.
TEST_P(VunifyCowOn, AKilledRunIsFinishedByTheNext) {
  sweep(1, 7, 4, [&](int step) {
    make({"a", "b"}, {"a", "b"});
    const auto before = image_of(guests().tree("a"));
    const auto finished = run_until({step, 0, {}}, guests().words("vunify", {}, {"a", "b"}));
    const auto report = guests().report({}, {"a", "b"});
    EXPECT_EQ(image_of(guests().tree("a")), before) << step;
    EXPECT_TRUE(guests().are_one("a/bin/sh", "b/bin/sh")) << step << report.dump(1);
    EXPECT_TRUE(guests().is_kept_by_cow("a/bin/sh")) << step;
    return finished;
  });
}

// A vcow that began without recovery (another state) knows nothing of what is done beneath it.
TEST_P(VunifyCowOn, RecoveryLeavesAGuestAloneThatVcowHas) {
  sweep(100, 3, 100, [this](int step) {
    make({"a", "b"}, {"a", "b"});
    const auto before = image_of(guests().tree("a"));
    auto finished = run_until({step, 0, {}}, guests().words("vunify", {"--jobs=1"}, {"a", "b"}));
    if (finished.status != killed) return finished;
    const auto left = guests().inode("a/bin/sh").ino;
    {
      const Fd daemon = open_host(guests().tree("a"), O_RDONLY | O_DIRECTORY);
      EXPECT_TRUE(lock_exclusively(daemon.get()));
      run({"vunify", "--state", guests() / "state", "--recover"});
      EXPECT_EQ(guests().inode("a/bin/sh").ino, left) << step;
    }
    run({"vunify", "--state", guests() / "state", "--recover"});
    EXPECT_EQ(image_of(guests().tree("a")), before) << step;
    EXPECT_EQ(shell("find " + guests() / ".vcow/.vunify" + " -type f").out, "") << step;
    return finished;
  });
}

}  // namespace
}  // namespace vunify::test
