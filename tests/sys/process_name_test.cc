// SPDX-License-Identifier: Apache-2.0
#include "sys/process_name.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <thread>

namespace vunify::test {
namespace {

TEST(ProcessNames, OfOneThatCallsItselfAnythingArePrintable) {
  const ProcessNames names;
  std::string told;
  std::thread([&] {
    ::prctl(PR_SET_NAME, "a\n\x1b[\xc3\xa9\"", 0, 0, 0);
    told = names.of(::gettid());
  }).join();
  EXPECT_EQ(told, "a??[??\"");
}

TEST(ProcessNames, OfNobodyAndOfTheGoneAreQuestions) {
  const ProcessNames names;
  EXPECT_EQ(names.of(0), "?");
  EXPECT_EQ(names.of(1 << 30), "?");
}

}  // namespace
}  // namespace vunify::test
