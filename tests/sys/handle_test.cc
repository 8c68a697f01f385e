// SPDX-License-Identifier: Apache-2.0
#include "sys/handle.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "sys/inode_attr.h"
#include "tests/sys/on_filesystem.h"

namespace vunify::test {
namespace {

class HandleOn : public OnFilesystem {
 protected:
  std::uint32_t generation(const std::string& path) const {
    unsigned answer[2]{};  // the kernel writes an int, and calls it a long
    EXPECT_EQ(::ioctl(reader(path).get(), FS_IOC_GETVERSION, answer), 0);
    return answer[0];
  }
};
INSTANTIATE_TEST_SUITE_P(Each, HandleOn, each_filesystem, filesystem_name);

TEST_P(HandleOn, TellsTheGenerationWithoutAnOpen) {
  dir().write("file", "x");
  const bool has_one = GetParam() != "btrfs";
  EXPECT_EQ(generation_at(directory().get(), "file"), has_one ? std::optional(generation("file")) : std::nullopt);
}

TEST_P(HandleOn, OfAnotherFileIsAnother) {
  if (GetParam() == "btrfs") return;
  dir().write("file", "x");
  dir().write("other", "x");
  EXPECT_NE(generation_at(directory().get(), "file"), generation_at(directory().get(), "other"));
  EXPECT_FALSE(generation_at(directory().get(), "none"));
}

}  // namespace
}  // namespace vunify::test
