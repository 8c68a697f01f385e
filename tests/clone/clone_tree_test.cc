// SPDX-License-Identifier: Apache-2.0
// What is linked into a clone is what was seen to be shared.
#include "clone/clone_tree.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <tbb/global_control.h>

#include <filesystem>

#include "sys/mark.h"
#include "tests/act_before.h"
#include "tests/root_test.h"

namespace vunify::test {
namespace {

class CloneOfAdopted : public RootTest {
 protected:
  // A file that a and b share under cow.
  CloneOfAdopted() : dir_({{".vcow/a/bin/sh", "shared"}, {".vcow/a/bin/own", "own"}, {"new/x", ""}}) {
    std::filesystem::remove(dir_ / "new/x");
    std::filesystem::create_hard_link(dir_ / ".vcow/a/bin/sh", dir_ / ".vcow/sh");
    const Fd fd = open_host(dir_ / ".vcow/sh", O_RDONLY);
    set_mark(fd.get(), {fs_id(fd.get()), dir_.inode(".vcow/sh").ino});
    std::filesystem::create_directory(dir_ / "a");
  }

  Scratch dir_;
};

TEST_F(CloneOfAdopted, LinksNothingThatCameToTheNameMeanwhile) {
  const tbb::global_control alone(tbb::global_control::max_allowed_parallelism, 1);
  auto opened = open_guests({dir_ / "a"});
  ASSERT_EQ(opened.guests.size(), 1U);
  ASSERT_TRUE(opened.guests[0].is_adopted());
  const ClonePlan plan{.guest = &opened.guests[0], .exclude = {}, .conffiles = {}};
  const RootDir tree(dir_ / "new");
  NameAdder adder(dir_ / "state", tree.fd(), dir_ / ".vunify");
  const CloneGround ground{&tree, &adder, false};
  const auto swap = [&](int) { std::filesystem::rename(dir_ / ".vcow/a/bin/own", dir_ / ".vcow/a/bin/sh"); };
  bool is_swapped = false;
  act_before(
      SYS_linkat, [&] { clone_tree(plan, &ground, [] { return false; }); },
      [&](int nth) {
        if (!is_swapped) swap(nth);
        is_swapped = true;
      });
  EXPECT_TRUE(is_swapped);
  EXPECT_EQ(dir_.inode(".vcow/a/bin/sh").nlink, 1U) << "a file of a's own is no other guest's";
}

}  // namespace
}  // namespace vunify::test
