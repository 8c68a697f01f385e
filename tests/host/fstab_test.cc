// SPDX-License-Identifier: Apache-2.0
#include "host/fstab.h"

#include <gmock/gmock.h>

#include "tests/scratch.h"

namespace vunify::test {
namespace {

TEST(Fstab, OptionsOfMountItselfAreNotVcows) {
  const Scratch dir{{"fstab",
                     "# /vm/c /vm/c fuse.vcow\n/dev/sda1 / ext4 defaults 0 1\n"
                     "/vm/a\\040b /vm/a\\040b/ fuse.vcow defaults,noauto,x-systemd.automount,native=/srv,/home 0 0\n"}};
  const auto lines = vcow_lines(dir / "fstab");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].source, "/vm/a b");
  EXPECT_EQ(lines[0].point, "/vm/a b");
  EXPECT_THAT(lines[0].options, testing::ElementsAre("native=/srv", "/home"));
  EXPECT_FALSE(lines[0].is_at_boot);
}

TEST(Fstab, NoneIsNone) { EXPECT_TRUE(vcow_lines("/var/tmp/absent/fstab").empty()); }

}  // namespace
}  // namespace vunify::test
