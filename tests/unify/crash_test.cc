// SPDX-License-Identifier: Apache-2.0
// kill -9 before every single step of a run, and after each: every name leads to its full content, at once and when the
// next start has put things right; nothing is left in staging; and the next run comes to the same end.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "tests/crash_points.h"
#include "tests/root_test.h"

namespace vunify::test {
namespace {

// Longer than recovery takes two times for one moment.
constexpr std::chrono::milliseconds a_moment{15};

class Crash : public RootTestOn {
 protected:
  Crash() : fs_(GetParam()) {}
  void SetUp() override {
    if (!fs_.ok()) GTEST_SKIP() << fs_.reason();
  }
  // The n-th guests: fresh ones for each crash.
  CrashGuests guests(int n) const {
    const auto directory = fs_ / std::to_string(n);
    std::filesystem::create_directory(directory);
    return {directory, directory + ".state"};
  }

  LoopFs fs_;
};

void expect_recovered(const CrashGuests& guests) {
  const auto recovered = guests.recover();
  EXPECT_EQ(recovered.status, 0) << recovered.out << recovered.err;
  EXPECT_EQ(guests.image_faults(), "");
  EXPECT_EQ(guests.protection_faults(), "");
  EXPECT_EQ(guests.staged(), "");
}

// What a run without a crash leads to.
void expect_unified(const CrashGuests& guests, const std::vector<std::vector<std::string>>& links) {
  const auto unified = guests.unify();
  EXPECT_EQ(unified.status, 0) << unified.out << unified.err;
  EXPECT_EQ(guests.image_faults(), "");
  EXPECT_EQ(guests.protection_faults(), "");
  EXPECT_EQ(guests.last_names(), "");
  EXPECT_EQ(guests.links(), links);
  EXPECT_FALSE(guests.has_staging());
}

void expect_private(const CrashGuests& guests, const std::vector<std::vector<std::string>>& links) {
  const auto deunified = guests.deunify();
  EXPECT_EQ(deunified.status, 0) << deunified.out << deunified.err;
  EXPECT_EQ(guests.image_faults(), "");
  EXPECT_EQ(guests.protection_faults(), "");
  EXPECT_EQ(guests.last_names(), "");
  EXPECT_EQ(guests.links(), links);
  EXPECT_FALSE(guests.has_staging());
}

struct Ends {
  std::vector<std::vector<std::string>> unified, deunified;
};

Ends ends_without_crash(const CrashGuests& guests) {
  Ends ends;
  guests.unify();
  ends.unified = guests.links();
  guests.deunify();
  ends.deunified = guests.links();
  return ends;
}

TEST_P(Crash, BeforeAnyStepOfARunLosesNothing) {
  const auto ends = ends_without_crash(guests(0));
  sweep(1, 1, 80, [&](int step) {
    const auto these = guests(step);
    const auto finished = run_until({step, 0, {}}, these.command());
    EXPECT_EQ(these.content_faults(), "");
    expect_recovered(these);
    expect_unified(these, ends.unified);
    expect_private(these, ends.deunified);
    return finished;
  });
}

TEST_P(Crash, BeforeAnyStepOfTakingItBackLosesNothing) {
  const auto ends = ends_without_crash(guests(0));
  sweep(1, 1, 80, [&](int step) {
    const auto these = guests(step);
    these.unify();
    const auto finished = run_until({step, 0, {}}, these.command({"-R"}));
    EXPECT_EQ(these.content_faults(), "");
    expect_recovered(these);
    expect_private(these, ends.deunified);
    return finished;
  });
}

// The next start may be killed too, and the one after it.
TEST_P(Crash, BeforeAnyStepOfRecoveryLosesNothing) {
  for (const int first : {30, 40, 48, 55, 60, 66}) {
    const auto these = guests(first);
    SCOPED_TRACE("first before step " + std::to_string(first));
    ASSERT_EQ(run_until({first, 0, {}}, these.command()).status, killed);
    sweep(1, 1, 4, [&](int step) {
      std::this_thread::sleep_for(a_moment);
      const auto finished = run_until({step, 0, {}}, {"vunify", "--state", these.state_dir(), "--recover"});
      EXPECT_EQ(these.content_faults(), "");
      return finished;
    });
    expect_recovered(these);
  }
}

INSTANTIATE_TEST_SUITE_P(, Crash, testing::Values("ext4", "xfs", "btrfs"), name_of_each);

}  // namespace
}  // namespace vunify::test
