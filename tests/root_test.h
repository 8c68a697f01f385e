// SPDX-License-Identifier: Apache-2.0
// Fixtures of tests that only root can run: for anybody else they skip, and say so.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/scratch.h"

namespace vunify::test {

class RootTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_root()) GTEST_SKIP() << "needs root";
  }
};

// The same once for each name, of a filesystem mostly: INSTANTIATE_TEST_SUITE_P(Each, Suite, Values(...),
// name_of_each).
class RootTestOn : public RootTest, public testing::WithParamInterface<const char*> {};

inline std::string name_of_each(const testing::TestParamInfo<const char*>& each) { return each.param; }

}  // namespace vunify::test
