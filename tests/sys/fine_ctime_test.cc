// SPDX-License-Identifier: Apache-2.0
#include "sys/fine_ctime.h"

#include <sys/utsname.h>

#include <cstdio>

#include "tests/sys/on_filesystem.h"

namespace vunify::test {
namespace {

using FineCtimeOn = OnFilesystem;
INSTANTIATE_TEST_SUITE_P(Each, FineCtimeOn, each_filesystem, filesystem_name);

bool kernel_is_at_least(int major, int minor) {
  utsname name{};
  ::uname(&name);
  int here_major = 0, here_minor = 0;
  EXPECT_EQ(std::sscanf(name.release, "%d.%d", &here_major, &here_minor), 2);
  return std::pair(here_major, here_minor) >= std::pair(major, minor);
}

TEST_P(FineCtimeOn, IsWhatLinux613Has) { EXPECT_EQ(has_fine_ctime(directory().get()), kernel_is_at_least(6, 13)); }

TEST_P(FineCtimeOn, IsNotWhereNoFileCanBeMade) {
  dir().write("file", "");
  EXPECT_FALSE(has_fine_ctime(reader("file").get()));
}

}  // namespace
}  // namespace vunify::test
