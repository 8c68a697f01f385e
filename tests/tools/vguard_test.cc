// SPDX-License-Identifier: Apache-2.0
// vguard where the kernel cannot: one line with the cure, and nothing changed. Where it can: ./dev guard.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>

#include "kernel-cow/guard.h"
#include "sys/guard_programs.h"
#include "tests/root_test.h"
#include "tests/tools/guests.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class Vguard : public RootTest {
 protected:
  void SetUp() override {
    RootTest::SetUp();
    if (what_hinders_guard().empty()) GTEST_SKIP() << "this kernel can";
  }
  static Finished vguard(const std::string& verb) { return run({"vguard", verb}); }
};

TEST_F(Vguard, RefusesInOneLineWhatTheKernelCannot) {
  const auto finished = vguard("load");
  EXPECT_EQ(finished.status, 3);
  EXPECT_EQ(finished.out, "");
  EXPECT_THAT(finished.err, StartsWith("vguard: "));
  EXPECT_THAT(finished.err, HasSubstr(what_hinders_guard()));
  EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1);
  EXPECT_FALSE(std::filesystem::exists(VUNIFY_GUARD_DIRECTORY));
}

TEST_F(Vguard, SaysThatItIsNotLoadedAndWhatItWants) {
  const auto finished = vguard("status");
  EXPECT_EQ(finished.status, 1);
  EXPECT_EQ(finished.out, "not loaded: " + what_hinders_guard() + "\n");
}

TEST_F(Vguard, HasNothingToUnload) {
  const auto finished = vguard("unload");
  EXPECT_EQ(finished.status, 3);
  EXPECT_EQ(finished.err, "vguard: the guard is not loaded\n");
}

TEST_F(Vguard, MeetsNoRun) {
  const Scratch dir({{"state/lock", ""}});
  const auto unload = std::string(VUNIFY_BIN_DIR "/vguard unload --state ") + dir / "state";
  EXPECT_EQ(shell("flock " + dir / "state/lock " + unload).status, 4);
  EXPECT_EQ(shell(unload).status, 3);
}

TEST_F(Vguard, IsNotLoadedSoVunifySharesNothingByIt) {
  Guests guests({{"a/f", std::string(5000, 's')}, {"b/f", std::string(5000, 's')}});
  const auto finished = run({"vunify", "--protect=guard", "--state", guests / "state", guests / "a", guests / "b"});
  EXPECT_EQ(finished.status, 3);
  EXPECT_THAT(finished.err, HasSubstr("vguard load"));
  EXPECT_FALSE(guests.are_one("f"));
}

}  // namespace
}  // namespace vunify::test
