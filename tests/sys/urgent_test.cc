// SPDX-License-Identifier: Apache-2.0
#include "sys/urgent.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include <functional>
#include <thread>

#include "sys/process.h"

namespace vunify::test {
namespace {

// In a thread of its own, for who is nice may not be less so again.
void nicely(const std::function<void()>& act) {
  std::thread([&] {
    ASSERT_EQ(setpriority(PRIO_PROCESS, 0, 19), 0);
    act();
  }).join();
}

TEST(Urgent, IsThisThreadUntilItsEnd) {
  if (!is_root()) GTEST_SKIP() << "needs root, for a priority above the ordinary";
  nicely([] {
    {
      const Urgent urgent;
      EXPECT_EQ(sched_getscheduler(0), SCHED_FIFO);
    }
    EXPECT_EQ(sched_getscheduler(0), SCHED_OTHER);
    EXPECT_EQ(getpriority(PRIO_PROCESS, 0), 19);
  });
}

TEST(Urgent, LeavesWhoIsSoAlready) {
  if (!is_root()) GTEST_SKIP() << "needs root, for a priority above the ordinary";
  nicely([] {
    const Urgent urgent;
    { const Urgent within; }
    EXPECT_EQ(sched_getscheduler(0), SCHED_FIFO);
  });
}

}  // namespace
}  // namespace vunify::test
