// SPDX-License-Identifier: Apache-2.0
#include "sys/link_limit.h"

#include <gtest/gtest.h>

namespace vunify::test {
namespace {

TEST(LinkLimit, LeavesOneNameFreeForStaging) {
  EXPECT_EQ(link_limit("ext4"), 64999u);
  EXPECT_EQ(link_limit("btrfs"), 65534u);
  EXPECT_EQ(link_limit("xfs"), no_link_limit);
}

}  // namespace
}  // namespace vunify::test
