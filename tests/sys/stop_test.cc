// SPDX-License-Identifier: Apache-2.0
#include "sys/stop.h"

#include <gtest/gtest.h>

#include <csignal>

#include "sys/child.h"
#include "tests/eventually.h"

namespace vunify::test {
namespace {

using namespace std::chrono_literals;

TEST(Stop, WithoutATimeGoesOn) { EXPECT_FALSE(Stop().requested()); }

TEST(Stop, ComesWhenTheTimeIsUp) {
  EXPECT_FALSE(Stop(1h).requested());
  const Stop stop(1s);
  EXPECT_TRUE(eventually([&] { return stop.requested(); }));
  EXPECT_TRUE(stop.time_is_up());
  EXPECT_EQ(stop.signal(), 0);
}

// In a process of its own: it would stop the tests after it, too.
TEST(Stop, ComesWithASignal) {
  constexpr unsigned plenty = 60;
  EXPECT_TRUE(succeeds_in_child(
      [] {
        catch_stop_signals();
        ::raise(SIGTERM);
        return Stop().requested() && Stop().signal() == SIGTERM;
      },
      plenty));
}

TEST(Stop, ComesWithAHangupUnlessThatIsIgnored) {
  constexpr unsigned plenty = 60;
  const auto stops = [](void (*before)(int)) {
    return succeeds_in_child(
        [before] {
          ::signal(SIGHUP, before);
          catch_stop_signals();
          ::raise(SIGHUP);
          return Stop().signal() == SIGHUP;
        },
        plenty);
  };
  EXPECT_TRUE(stops(SIG_DFL));
  EXPECT_FALSE(stops(SIG_IGN));
}

}  // namespace
}  // namespace vunify::test
