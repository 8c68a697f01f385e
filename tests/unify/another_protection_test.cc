// SPDX-License-Identifier: Apache-2.0
// kill -9 while a shared inode goes from one protection to another, in a kernel that knows more than one: with
// kernel-cow, or with the guard.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "change/protection.h"
#include "sys/fd.h"
#include "tests/crash_points.h"
#include "tests/shared.h"

namespace vunify::test {
namespace {

// a and b share f, immutable; c has the same.
class Keeper {
 public:
  Keeper() : dir_{{"a/f", "same"}, {"b/f", "same"}, {"c/f", "same"}} {
    must(run({"vunify", "--state", dir_ / "state", "--protect=immutable", dir_ / "a", dir_ / "b"}));
  }

  std::vector<std::string> unify() const {
    return {"vunify", "--jobs", "1", "--state", dir_ / "state", protect_by_flag(), dir_ / "a", dir_ / "b", dir_ / "c"};
  }
  Finished recover() const { return run({"vunify", "--state", dir_ / "state", "--recover"}); }

  bool is_whole() const {
    return dir_.read("a/f") == "same" && dir_.read("b/f") == "same" && dir_.read("c/f") == "same";
  }
  bool is_one() const { return dir_.inode("c/f").ino == dir_.inode("a/f").ino; }
  bool is_protected() const { return is_shared(dir_ / "a/f") && dir_.inode("a/f").ino == dir_.inode("b/f").ino; }
  Protection protection() const { return protection_of(open_host(dir_ / "a/f", O_RDONLY).get()); }
  bool is_clear() const { return !dir_.exists(".vunify"); }

 private:
  Scratch dir_;
};

TEST(CrashInKernelCow, BeforeAnyStepOfAnotherProtectionLosesNeither) {
  sweep(1, 1, 20, [](int step) {
    const Keeper keeper;
    auto finished = run_until({step, 0, {}}, keeper.unify());
    EXPECT_TRUE(keeper.is_whole());
    EXPECT_EQ(keeper.recover().status, 0);
    EXPECT_TRUE(keeper.is_protected());
    EXPECT_EQ(run(keeper.unify()).status, 0);
    EXPECT_TRUE(keeper.is_whole() && keeper.is_one() && keeper.is_protected() && keeper.is_clear());
    EXPECT_EQ(keeper.protection(), by_flag());
    return finished;
  });
}

}  // namespace
}  // namespace vunify::test
