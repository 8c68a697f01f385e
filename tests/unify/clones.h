// SPDX-License-Identifier: Apache-2.0
// Guests as cp -al leaves them.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/scratch.h"
#include "tests/shared.h"

namespace vunify::test {

inline void link(const Scratch& dir, const std::string& from, const std::string& to) {
  std::filesystem::create_hard_link(dir / from, dir / to);
}

// a/f and b/f are one inode that nothing protects.
class Clones : public testing::Test {
 protected:
  void SetUp() override { link(dir_, "a/f", "b/f"); }
  Scratch dir_{{"a/f", "same"}, {"b/g", "other"}, {"c/g", "more"}};
};

}  // namespace vunify::test
