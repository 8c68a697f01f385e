// SPDX-License-Identifier: Apache-2.0
#include "sys/stop.h"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>

namespace vunify::test {
namespace {

using namespace std::chrono_literals;

TEST(Stop, WithoutATimeGoesOn) { EXPECT_FALSE(Stop().requested()); }

TEST(Stop, ComesWhenTheTimeIsUp) {
  EXPECT_FALSE(Stop(1h).requested());
  const Stop stop(1s);
  EXPECT_FALSE(stop.requested());
  std::this_thread::sleep_for(1100ms);
  EXPECT_TRUE(stop.time_is_up());
  EXPECT_TRUE(stop.requested());
  EXPECT_EQ(stop.signal(), 0);
}

TEST(Stop, ComesWithASignal) {
  catch_stop_signals();
  ::raise(SIGTERM);
  EXPECT_TRUE(Stop().requested());
  EXPECT_EQ(Stop().signal(), SIGTERM);
}

}  // namespace
}  // namespace vunify::test
