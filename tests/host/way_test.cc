// SPDX-License-Identifier: Apache-2.0
#include "host/way.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <system_error>

#include "tests/scratch.h"
#include "tests/silent_fuse.h"

namespace vunify::test {
namespace {

struct Ways : testing::Test {
  Ways() { dir.make_directory("a/b/c"); }

  void link(const std::string& path, const std::string& target) const {
    std::filesystem::create_symlink(target, dir / path);
  }
  std::error_code failure(const std::string& path) const {
    try {
      follow(dir / path);
      return {};
    } catch (const std::system_error& error) {
      return error.code();
    }
  }

  const Scratch dir;
};

TEST_F(Ways, LeadWhereTheKernelGoes) {
  link("a/up", "../a//./b/");
  link("a/abs", dir / "a/up/c");
  EXPECT_EQ(follow(dir / "a/abs").path, dir / "a/b/c");
  EXPECT_EQ(follow(dir / "a/up/../b/c").path, dir / "a/b/c");
  EXPECT_EQ(follow("/../..").path, "/");
}

TEST_F(Ways, TellWhatTheyLedThrough) {
  dir.make_directory("guest");
  link("guest/out", dir / "a/b");
  const auto way = follow(dir / "guest/out/c");
  EXPECT_TRUE(way.enters(dir / "guest"));
  EXPECT_TRUE(way.enters(dir / "a/b"));
  EXPECT_TRUE(way.enters("/"));
  EXPECT_FALSE(way.enters(dir / "a/b/c"));
}

TEST_F(Ways, EndWhereNothingIs) {
  link("gone", "nowhere");
  link("circle", "circle");
  EXPECT_EQ(failure("gone"), std::errc::no_such_file_or_directory);
  EXPECT_EQ(failure("circle"), std::errc::too_many_symbolic_link_levels);
  dir.write("file", "");
  EXPECT_EQ(failure("file"), std::errc::not_a_directory);
}

// Who asks it for anything is turned away.
TEST_F(Ways, AskNothingOfWhatIsMountedWhereTheyEnd) {
  link("there", "a/b");
  const SilentFuse of_a_user(dir / "a/b", 65534);
  EXPECT_EQ(follow(dir / "there").path, dir / "a/b");
}

}  // namespace
}  // namespace vunify::test
