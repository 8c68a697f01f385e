// SPDX-License-Identifier: Apache-2.0
// Guests as cp -al leaves them, and inodes as a run does.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "change/protection.h"
#include "sys/mark.h"
#include "tests/scratch.h"

namespace vunify::test {

inline void link(const Scratch& dir, const std::string& from, const std::string& to) {
  std::filesystem::create_hard_link(dir / from, dir / to);
}

// Marked and protected, as what guests share.
inline void share(const Scratch& dir, const std::string& path) {
  const Fd file = open_host(dir / path, O_RDONLY);
  set_mark(file.get(), {fs_id(file.get()), stat_fd(file.get()).ino});
  protect(file.get(), Protection::immutable);
}

// a/f and b/f are one inode that nothing protects.
class Clones : public testing::Test {
 protected:
  void SetUp() override { link(dir_, "a/f", "b/f"); }
  Scratch dir_{{"a/f", "same"}, {"b/g", "other"}, {"c/g", "more"}};
};

}  // namespace vunify::test
