// SPDX-License-Identifier: Apache-2.0
#include "sys/swap_files.h"

#include <gmock/gmock.h>

namespace vunify::test {
namespace {

TEST(SwapFiles, AreThePathsOfTheTableWithoutPartitions) {
  const auto paths = parse_swap_files(
      "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
      "/dev/sda2                               partition\t999\t\t0\t\t-2\n"
      "/var/my\\040swap                         file\t\t2044\t\t0\t\t-3\n");
  EXPECT_THAT(paths, testing::ElementsAre("/var/my swap"));
  EXPECT_TRUE(parse_swap_files("").empty());
}

}  // namespace
}  // namespace vunify::test
