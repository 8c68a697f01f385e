// SPDX-License-Identifier: Apache-2.0
// A run that was killed, and whose state is lost or damaged before the next.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "tests/root_test.h"
#include "tests/shared.h"
#include "tests/tools/guests.h"

namespace vunify::test {
namespace {

class VunifyLost : public RootTest {
 protected:
  VunifyLost() : guests_(both({"one", "two", "three", "four"})) {}

  // After two exchanges, with more prepared.
  void kill_a_run() const {
    const auto killed =
        guests_.vunify_under({"-e", "trace=renameat2", "-e", "inject=renameat2:signal=KILL:when=3"}, {"--jobs", "1"});
    ASSERT_EQ(killed.status, 128 + SIGKILL) << killed.err;
    ASSERT_TRUE(guests_.exists(".vunify"));
  }
  void expect_all_is_well() const {
    EXPECT_FALSE(guests_.exists(".vunify"));
    for (const std::string path : {"one", "two", "three", "four"}) {
      EXPECT_EQ(guests_.read("b/" + path), same(path));
      EXPECT_EQ(guests_.inode("b/" + path).immutable, guests_.inode("b/" + path).nlink > 1);
    }
  }

  Guests guests_;
};

TEST_F(VunifyLost, StateLeavesNothingInStagingAndNothingUnprotected) {
  kill_a_run();
  std::filesystem::remove_all(guests_ / "state");
  EXPECT_EQ(guests_.vunify().status, 0);
  expect_all_is_well();
  EXPECT_TRUE(guests_.are_one("four"));
}

TEST_F(VunifyLost, StateIsMadeUpForByTakingBackToo) {
  kill_a_run();
  std::filesystem::remove_all(guests_ / "state");
  EXPECT_EQ(guests_.vunify({"-R"}).status, 0);
  expect_all_is_well();
  EXPECT_EQ(guests_.inode("b/one").nlink, 1u);
}

TEST_F(VunifyLost, ByteOfTheJournalIsToldOnce) {
  kill_a_run();
  auto journal = guests_.read("state/journal.0");
  journal[80] = 'X';
  guests_.write("state/journal.0", journal);
  const auto first = guests_.vunify();
  EXPECT_EQ(first.status, 1);
  EXPECT_NE((first.out + first.err).find("state/damaged-journal.0"), std::string::npos) << first.out;
  EXPECT_EQ(guests_.vunify().status, 0);
  expect_all_is_well();
}

TEST_F(VunifyLost, StateIsNeverKeptInAGuest) {
  const auto refused = run({"vunify", "--state", guests_ / "a/var/lib/vunify", guests_ / "a", guests_ / "b"});
  EXPECT_EQ(refused.status, 3);
  EXPECT_FALSE(guests_.exists("a/var"));
}

TEST_F(VunifyLost, FileThatNothingExplainsIsNamedByEveryRun) {
  kill_a_run();
  std::filesystem::remove_all(guests_ / "state");
  guests_.write(".vunify/0/stranger", "the only copy");
  for (int run = 0; run < 2; ++run) {
    const auto finished = guests_.vunify();
    EXPECT_EQ(finished.status, 1);
    EXPECT_NE((finished.out + finished.err).find(".vunify/0/stranger"), std::string::npos) << finished.out;
  }
  EXPECT_EQ(guests_.read(".vunify/0/stranger"), "the only copy");
}

}  // namespace
}  // namespace vunify::test
