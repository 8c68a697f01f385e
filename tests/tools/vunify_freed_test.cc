// SPDX-License-Identifier: Apache-2.0
// What a report says was freed is what df shows, however the filesystem stores its files.
#include <gmock/gmock.h>

#include <optional>

#include "tests/root_test.h"
#include "tests/tools/guests.h"

namespace vunify::test {
namespace {

constexpr std::int64_t margin = 64 << 10;  // what filesystems need for themselves

std::int64_t freed_at_once(const Json& report) {
  return report["freed_bytes"].get<std::int64_t>() - report["freed_when_closed"].get<std::int64_t>();
}

void expect_as_df(const Json& report) {
  EXPECT_NEAR(static_cast<double>(freed_at_once(report)), static_cast<double>(-free_drop(report)), margin)
      << report.dump(1);
}

class VunifyFreed : public RootTestOn {
 protected:
  void SetUp() override {
    RootTest::SetUp();
    if (!fs_.ok()) GTEST_SKIP() << fs_.reason();
    guests_.emplace(Guests::Files{}, fs_.root(), Words{"a", "b", "c"});
    do_here("for i in 1 2 3 4; do head -c 1000000 /dev/urandom >a/$i; done; touch -d @1500000000 a/*");
  }

  void do_here(const std::string& script) const {
    shell_or_fail("cd " + guests_->root() + " && " + script + " && sync -f .");
  }

  // The state lies elsewhere: it takes space, too.
  Json run_here(Words options) const {
    const Words head = {"vunify", "--json", "--state", elsewhere_ / "state"};
    options.insert(options.begin(), head.begin(), head.end());
    for (const auto* guest : {"a", "b", "c"}) options.push_back(*guests_ / guest);
    const auto finished = run(options);
    EXPECT_EQ(finished.status, 0) << finished.err << finished.out;
    return Json::parse(finished.out, nullptr, false);
  }

  // A dry run says the same.
  Json run_twice(const Words& options = {}) const {
    Words wet{protect_by_flag()};
    wet.insert(wet.end(), options.begin(), options.end());
    auto foreseen = wet;
    foreseen.push_back("-n");
    const auto dry = run_here(foreseen);
    auto report = run_here(wet);
    EXPECT_EQ(dry["freed_bytes"], report["freed_bytes"]);
    expect_as_df(report);
    return report;
  }

  Scratch elsewhere_;
  LoopFs fs_{GetParam()};
  std::optional<Guests> guests_;
};
INSTANTIATE_TEST_SUITE_P(Each, VunifyFreed, testing::Values("xfs", "btrfs"), name_of_each);

TEST_P(VunifyFreed, IsNothingOfWhatWasSharedAlready) {
  do_here("cp -a --reflink=always a/. b; cp -a --reflink=always a/. c");
  const auto report = run_twice();
  EXPECT_EQ(report["linked_files"], 8);
  EXPECT_LT(freed_at_once(report), margin);
}

TEST_P(VunifyFreed, IsNothingAfterARunThatSharedData) {
  do_here("cp -a --reflink=never a/. b; cp -a --reflink=never a/. c");
  expect_as_df(run_here({}));
  EXPECT_LT(freed_at_once(run_twice()), margin);
}

TEST_P(VunifyFreed, IsOnceWhatTwoOfThoseThatWentHadInCommon) {
  do_here("cp -a --reflink=never a/. b; cp -a --reflink=always b/. c");
  EXPECT_GT(freed_at_once(run_twice()), 3900000);
}

TEST_P(VunifyFreed, IsNotWhatOthersLieOn) {
  do_here("cp -a --reflink=never a/. b; cp -a --reflink=always b beside; rmdir c; mkdir c");
  EXPECT_LT(freed_at_once(run_twice()), margin);
}

TEST_P(VunifyFreed, IsThePartThatWasNotShared) {
  do_here("cp -a --reflink=always a/. b; for i in 1 2 3 4; do dd if=a/$i of=b/$i bs=100k count=5 conv=notrunc; done");
  do_here("touch -d @1500000000 b/*");
  // A copy in place of both would free the half, too, that btrfs still calls shared when one of them has left it.
  EXPECT_NEAR(static_cast<double>(freed_at_once(run_twice({"--sledgehammer"}))), 4 * 512000, margin);
}

TEST_P(VunifyFreed, IsWhatWasReservedToo) {
  do_here("cp -a --reflink=never a/. b; fallocate -l 2M --keep-size b/1; touch -d @1500000000 b/1");
  run_twice();
}

TEST_P(VunifyFreed, ByADeletedGuestIsNotWhatOthersLieOn) {
  do_here("cp -a --reflink=always a/. b; cp -a --reflink=never a/1 b/own; cp -a --reflink=always b/own b/again");
  const auto finished = run({"vunify", "--delete", *guests_ / "b", "--state", elsewhere_ / "state", "--json"});
  ASSERT_EQ(finished.status, 0) << finished.err << finished.out;
  const auto report = Json::parse(finished.out);
  expect_as_df(report);
  EXPECT_GT(freed_at_once(report), 900000);
}

using VunifyFreedCompressed = RootTest;

TEST_F(VunifyFreedCompressed, IsWhatLayOnDisk) {
  const LoopFs fs("btrfs", 320, "compress=zstd");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const Guests guests({}, fs.root());
  const Scratch elsewhere;
  const auto report = [&](const std::string& protect) {
    return Json::parse(
        run({"vunify", "--json", "--state", elsewhere / "state", protect, guests / "a", guests / "b"}).out);
  };
  shell_or_fail("cd " + guests.root() +
                " && for i in $(seq 40); do seq $i 150000 >a/$i; done; cp -a --reflink=never a/. b; sync -f .");
  const auto shared = report("--protect=reflink");
  EXPECT_EQ(shared["linked_files"], 40);
  expect_as_df(shared);
  EXPECT_GT(freed_at_once(shared), 2 << 20);
  EXPECT_LT(freed_at_once(report(protect_by_flag())), margin);
}

struct InlineCase {
  int inode_bytes;
  int file_bytes;
};

// Marked, each would need a block of its own.
class VunifyInline : public RootTest, public testing::WithParamInterface<InlineCase> {};
INSTANTIATE_TEST_SUITE_P(In, VunifyInline, testing::Values(InlineCase{256, 100}, InlineCase{1024, 800}),
                         [](const auto& each) { return std::to_string(each.param.inode_bytes); });

TEST_P(VunifyInline, FilesAreLeftAlone) {
  const LoopFs fs("ext4", 64, "", "-O inline_data -I " + std::to_string(GetParam().inode_bytes));
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const Guests guests(both({"large"}), fs.root());
  shell_or_fail("cd " + guests.root() + " && for i in $(seq 200); do printf '%0" +
                std::to_string(GetParam().file_bytes) + "d' $i >a/$i; done; cp -a a/. b; sync -f .");
  const Scratch elsewhere;
  const auto finished =
      run({"vunify", "--json", protect_by_flag(), "--state", elsewhere / "state", guests / "a", guests / "b"});
  const auto report = Json::parse(finished.out);
  EXPECT_EQ(report["linked_files"], 1) << report.dump(1);
  EXPECT_EQ(report["skipped"]["not-shareable"], 400);
  expect_as_df(report);
  EXPECT_GT(freed_at_once(report), 4000);
}

}  // namespace
}  // namespace vunify::test
