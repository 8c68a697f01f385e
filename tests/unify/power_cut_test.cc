// SPDX-License-Identifier: Apache-2.0
// Power cut at a step of a run, with whatever half of it the disk happens to hold: every name leads to its full
// content, and the next start puts things right. The state directory may lie on the same filesystem or on one that
// survives.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "sys/fd.h"
#include "tests/crash_points.h"

namespace vunify::test {
namespace {

struct Cut {
  const char* kind;
  bool state_beside;  // on the filesystem that loses its power
};

class PowerCut : public testing::TestWithParam<Cut> {
 protected:
  PowerCut() : fs_(GetParam().kind) {}
  void SetUp() override {
    if (!fs_.ok()) GTEST_SKIP() << fs_.reason();
  }

  CrashGuests guests(int n) const {
    const auto directory = fs_ / std::to_string(n);
    std::filesystem::create_directory(directory);
    CrashGuests made(directory, GetParam().state_beside ? directory + ".state" : elsewhere_ / std::to_string(n));
    sync_filesystem(open_host(fs_.root(), O_RDONLY | O_DIRECTORY).get(), fs_.root());
    return made;
  }

  // The power goes before a step; what was done up to the last step but some is on the disk.
  Finished cut_at(int step, const CrashGuests& guests, std::vector<std::string> command) {
    auto finished = run_until({step, step - step % 4, fs_.root()}, std::move(command));
    fs_.power_cut();
    EXPECT_EQ(guests.content_faults(), "");
    const auto recovered = guests.recover();
    EXPECT_EQ(recovered.status, 0) << recovered.out << recovered.err;
    EXPECT_EQ(guests.image_faults(), "");
    EXPECT_EQ(guests.protection_faults(), "");
    EXPECT_EQ(guests.staged(), "");
    return finished;
  }

  Scratch elsewhere_;
  LoopFs fs_;
};

TEST_P(PowerCut, InARunLosesNothing) {
  sweep(3, 3, 80, [&](int step) {
    const auto these = guests(step);
    auto finished = cut_at(step, these, these.command());
    EXPECT_EQ(these.unify().status, 0);
    EXPECT_EQ(these.image_faults(), "");
    EXPECT_FALSE(these.has_staging());
    return finished;
  });
}

TEST_P(PowerCut, InTakingItBackLosesNothing) {
  sweep(3, 5, 150, [&](int step) {
    const auto these = guests(step);
    EXPECT_EQ(these.unify().status, 0);
    auto finished = cut_at(step, these, these.command({"-R"}));
    EXPECT_EQ(these.deunify().status, 0);
    EXPECT_EQ(these.image_faults(), "");
    EXPECT_FALSE(these.has_staging());
    return finished;
  });
}

INSTANTIATE_TEST_SUITE_P(, PowerCut,
                         testing::Values(Cut{"ext4", true}, Cut{"ext4", false}, Cut{"xfs", true}, Cut{"xfs", false},
                                         Cut{"btrfs", true}, Cut{"btrfs", false}),
                         [](const auto& cut) {
                           return std::string(cut.param.kind) + (cut.param.state_beside ? "" : "StateElsewhere");
                         });

}  // namespace
}  // namespace vunify::test
