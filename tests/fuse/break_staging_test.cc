// SPDX-License-Identifier: Apache-2.0
// Where breaks are staged comes and goes with the guests of one directory.
#include "fuse/break_staging.h"

#include <fcntl.h>

#include <future>

#include "tests/root_test.h"

namespace vunify::test {
namespace {

using BreakStagingOf = RootTest;

TEST_F(BreakStagingOf, OneGuestIsMadeWhileAnothersGoes) {
  const Scratch dir;
  const Fd parent = open_host(dir.root(), O_RDONLY | O_DIRECTORY);
  const auto come_and_go = [&](std::uint64_t root) {
    for (int i = 0; i < 200; ++i) stat_fd(BreakStaging(parent.get(), root, true).fd());
  };
  auto other = std::async(std::launch::async, come_and_go, 1);
  EXPECT_NO_THROW(come_and_go(2));
  EXPECT_NO_THROW(other.get());
  EXPECT_FALSE(dir.exists(break_staging_leaf));
}

}  // namespace
}  // namespace vunify::test
