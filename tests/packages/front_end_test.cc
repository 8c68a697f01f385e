// SPDX-License-Identifier: Apache-2.0
// The program that installs a guest's packages, found without running anything.
#include "packages/front_end.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/scratch.h"

namespace vunify::test {
namespace {

class FrontEnd : public testing::Test {
 protected:
  std::optional<std::string> found() const { return find_front_end(RootDir(dir_.root())); }
  void add_program(const std::string& path) const {
    dir_.write(path, "#!/bin/sh\n");
    std::filesystem::permissions(dir_ / path, std::filesystem::perms::all);
  }

  const Scratch dir_;
};

TEST_F(FrontEnd, IsThereWithItsDatabase) {
  add_program("usr/bin/apt-get");
  add_program("usr/bin/dnf");
  EXPECT_EQ(found(), std::nullopt);
  dir_.make_directory("usr/lib/sysimage/rpm");
  EXPECT_EQ(found(), "/usr/bin/dnf");
  dir_.make_directory("var/lib/dpkg");
  EXPECT_EQ(found(), "/usr/bin/apt-get");
}

TEST_F(FrontEnd, LiesWhereverProgramsDo) {
  dir_.make_directory("lib/apk/db");
  dir_.make_directory("usr/sbin");
  add_program("usr/libexec/apk");
  std::filesystem::create_symlink("usr/sbin", dir_ / "sbin");
  std::filesystem::create_symlink("/usr/libexec/apk", dir_ / "usr/sbin/apk");
  EXPECT_EQ(found(), "/usr/sbin/apk");
}

TEST_F(FrontEnd, IsAProgram) {
  dir_.make_directory("var/lib/pacman/local");
  dir_.write("usr/bin/pacman", "not executable");
  EXPECT_EQ(found(), std::nullopt);
  std::filesystem::remove(dir_ / "usr/bin/pacman");
  std::filesystem::create_symlink("/nowhere", dir_ / "usr/bin/pacman");
  EXPECT_EQ(found(), std::nullopt);
}

}  // namespace
}  // namespace vunify::test
