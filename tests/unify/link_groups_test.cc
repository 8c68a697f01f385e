// SPDX-License-Identifier: Apache-2.0
#include "unify/link_groups.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "tests/scene.h"

namespace vunify::test {
namespace {

// Two equal files of guests a, b, c each, and one that differs.
class LinkingGroups : public testing::Test {
 protected:
  Tally link(bool dry_run = false, const Stop& stop = Stop()) {
    const vunify::Run how{.stop = stop, .counters = scene_.counters, .dry_run = dry_run, .state_dir = state_.root()};
    Places places(under(by_flag(), scene_.guests), dry_run);
    auto tally = link_groups(scene_.survey, places, how);
    places.close();
    return tally;
  }
  std::uint64_t ino(const std::string& path) const { return dir_.inode(path).ino; }

  Scratch dir_{{"a/1", "same"},      {"b/1", "same"},      {"c/1", "same"},
               {"a/2", "large one"}, {"b/2", "large one"}, {"c/2", "Large one"}};
  Scratch state_;
  Scene scene_{dir_, {"a", "b", "c"}};
};

TEST_F(LinkingGroups, CountsWhatEachGuestGaveUp) {
  const auto tally = link();
  EXPECT_THAT(tally.linked_files, testing::ElementsAre(0, 2, 1));
  EXPECT_THAT(tally.freed_bytes, testing::ElementsAre(0, 2 * 4096, 4096));
  EXPECT_EQ(ino("a/1"), ino("c/1"));
  EXPECT_EQ(ino("a/2"), ino("b/2"));
  EXPECT_EQ(scene_.verdict("c/2"), Verdict::content_differs);
}

TEST_F(LinkingGroups, IsPlannedAlikeInADryRunThatChangesNothing) {
  const auto before = image_of(dir_.root());
  const auto tally = link(true);
  EXPECT_THAT(tally.linked_files, testing::ElementsAre(0, 2, 1));
  EXPECT_EQ(dir_.inode("a/1").nlink, 1u);
  EXPECT_EQ(image_of(dir_.root()), before);
}

TEST_F(LinkingGroups, TakesNoLeasesInADryRun) {
  const Fd writer = open_host(dir_ / "b/1", O_WRONLY);
  EXPECT_THAT(link(true).linked_files, testing::ElementsAre(0, 2, 1));
}

TEST_F(LinkingGroups, LeavesAllToTheNextRunOnceStopped) {
  const auto tally = link(false, Stop(std::chrono::seconds(0)));
  EXPECT_THAT(tally.linked_files, testing::Each(0));
  for (const auto* name : {"a/1", "c/2"}) EXPECT_EQ(scene_.verdict(name), Verdict::not_reached);
}

// The second linkat(2) of the run is refused, as by an inode with as many names as the filesystem allows.
TEST(LinkLimitReached, IsAReasonAndNoFailure) {
  const Scratch dir{{"a/f", "same"}, {"b/f", "same"}, {"c/f", "same"}};
  const Scratch state;
  const auto before = image_of(dir.root());
  const auto finished = run({"strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=linkat", "-e",
                             "inject=linkat:error=EMLINK:when=2", VUNIFY_BIN_DIR "/vunify", "--json", "--jobs", "1",
                             protect_by_flag(), "--state", state / "state", dir / "a", dir / "b", dir / "c"});
  if (finished.status == 127) GTEST_SKIP() << finished.err;
  EXPECT_EQ(finished.status, 0) << finished.err << finished.out;
  EXPECT_THAT(finished.out, testing::HasSubstr("\"linked_files\":1"));
  EXPECT_THAT(finished.out, testing::HasSubstr("\"link-limit\":1"));
  EXPECT_EQ(image_of(dir.root()), before);
}

// More of them than can be held open at once, no two of a guest alike.
TEST(ManyFilesOfOneSize, AreLinkedInAsFewBatchesAsAnyOthers) {
  const Scratch dir, state;
  for (int n = 100; n < 200; ++n)
    for (const char* guest : {"a/", "b/"}) dir.write(guest + std::to_string(n), std::to_string(n));
  ASSERT_EQ(shell("touch -d @1600000000 " + dir.root() + "/?/*").status, 0);
  const auto finished = shell("ulimit -n 128; strace -f -qq -o " + (state / "trace") + " -e trace=fdatasync " +
                              VUNIFY_BIN_DIR "/vunify -q --jobs 1 " + protect_by_flag() + " --state " +
                              (state / "state") + " " + (dir / "a") + " " + (dir / "b"));
  if (finished.status == 127) GTEST_SKIP() << finished.err;
  ASSERT_EQ(finished.status, 0) << finished.err;
  EXPECT_EQ(dir.inode("a/199").ino, dir.inode("b/199").ino);
  const auto trace = state.read("trace");
  EXPECT_LT(std::ranges::count(trace, '\n'), 50) << trace;
}

TEST(NoView, IsNoHindrance) {
  const Scratch dir{{"a/f", "same"}, {"b/f", "same"}, {"c/f", "same"}};
  const Scratch state;
  const auto finished = run({"strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=open_tree", "-e",
                             "inject=open_tree:error=EPERM", VUNIFY_BIN_DIR "/vunify", "--json", protect_by_flag(),
                             "--state", state / "state", dir / "a", dir / "b", dir / "c"});
  if (finished.status == 127) GTEST_SKIP() << finished.err;
  EXPECT_EQ(finished.status, 0) << finished.err << finished.out;
  EXPECT_THAT(finished.out, testing::HasSubstr("\"linked_files\":2"));
  EXPECT_EQ(dir.inode("a/f").ino, dir.inode("c/f").ino);
}

}  // namespace
}  // namespace vunify::test
