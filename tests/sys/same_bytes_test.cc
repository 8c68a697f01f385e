// SPDX-License-Identifier: Apache-2.0
#include "sys/same_bytes.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "sys/fd.h"
#include "tests/scratch.h"

namespace vunify::test {
namespace {

bool are_same(const Scratch& dir) {
  return same_bytes(open_host(dir / "a", O_RDONLY).get(), open_host(dir / "b", O_RDONLY).get());
}

TEST(SameBytes, SeesTheLastByteOfManyChunks) {
  const std::string bytes(300000, 'x');
  EXPECT_TRUE(are_same({{"a", bytes + "y"}, {"b", bytes + "y"}}));
  EXPECT_FALSE(are_same({{"a", bytes + "y"}, {"b", bytes + "z"}}));
  EXPECT_FALSE(are_same({{"a", bytes}, {"b", bytes + "z"}}));
  EXPECT_TRUE(are_same({{"a", ""}, {"b", ""}}));
}

TEST(SameBytes, PassesOverHolesAndTakesThemForZeros) {
  const Scratch dir{{"a", "x"}, {"b", "x"}};
  shell_or_fail("cd " + dir.root() + " && truncate -s 1T a b");
  EXPECT_TRUE(are_same(dir));
  shell_or_fail("cd " + dir.root() + " && printf '\\0' | dd of=a bs=1 seek=500G conv=notrunc status=none");
  EXPECT_TRUE(are_same(dir));
  shell_or_fail("cd " + dir.root() + " && printf x | dd of=a bs=1 seek=500G conv=notrunc status=none");
  EXPECT_FALSE(are_same(dir));
}

}  // namespace
}  // namespace vunify::test
