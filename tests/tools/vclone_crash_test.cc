// SPDX-License-Identifier: Apache-2.0
// kill -9 of vclone before a step of every kind: the new guest is there, whole, or it is nowhere; the guest it is
// cloned from, and the one that shares with that, are as they were; the next run leaves nothing in staging and nothing
// unprotected.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/crash_points.h"
#include "tests/root_test.h"

namespace vunify::test {
namespace {

class CrashVclone : public RootTest {
 protected:
  void SetUp() override {
    RootTest::SetUp();
    if (!fs_.ok()) GTEST_SKIP() << fs_.reason();
  }
  // The n-th guests: fresh ones for each crash.
  CrashGuests guests(int n) const {
    const auto directory = fs_ / std::to_string(n);
    std::filesystem::create_directory(directory);
    return {directory, directory + ".state"};
  }
  static std::vector<std::string> vclone(const CrashGuests& guests) {
    return {"vclone", "--jobs", "1", protect_by_flag(), "--state", guests.state_dir(), guests / "a", guests / "new"};
  }
  static void expect_whole_or_nowhere(const CrashGuests& guests) {
    if (std::filesystem::exists(guests / "new")) {
      EXPECT_EQ(image_of(guests / "new"), image_of(guests / "a"));
    }
    EXPECT_EQ(guests.image_faults(), "");
  }

  LoopFs fs_{"ext4"};
};

TEST_F(CrashVclone, BeforeAnyStepOfACloneLeavesItWholeOrNowhere) {
  sweep(1, 7, 60, [&](int step) {
    const auto these = guests(step);
    const auto finished = run_until({step, 0, {}}, vclone(these));
    expect_whole_or_nowhere(these);
    const auto recovered = these.recover();
    EXPECT_EQ(recovered.status, 0) << recovered.out << recovered.err;
    EXPECT_EQ(these.protection_faults(), "");
    const auto unified = these.unify();
    EXPECT_EQ(unified.status, 0) << unified.out << unified.err;
    EXPECT_FALSE(these.has_staging());
    EXPECT_EQ(these.last_names(), "");
    expect_whole_or_nowhere(these);
    return finished;
  });
}

}  // namespace
}  // namespace vunify::test
