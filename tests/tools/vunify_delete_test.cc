// SPDX-License-Identifier: Apache-2.0
// A guest deleted: without space, without harm to those who share with it, and to the end though it was interrupted.
#include <gmock/gmock.h>
#include <sys/mount.h>

#include "tests/mounts_elsewhere.h"
#include "tests/root_test.h"
#include "tests/shared.h"
#include "tests/tools/guests.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;

class VunifyDelete : public RootTest {
 protected:
  void SetUp() override {
    RootTest::SetUp();
    if (!fs_.ok()) GTEST_SKIP() << fs_.reason();
    guests_.emplace(Guests::Files{}, fs_.root(), Words{"a", "b", "c"});
    for (const std::string guest : {"a/", "b/", "c/"})
      for (const auto* path : {"f", "usr/g"})
        if (guest != "c/" || path[0] == 'f') guests_->write(guest + path, same(path));
    guests_->write("b/own", "b's own");
    ASSERT_EQ(guests_->vunify().status, 0);
    before_ = image_of(*guests_ / "a");
  }

  Words words(const Words& options) const {
    Words words{"vunify", "--state", *guests_ / "state", "--delete", *guests_ / "b"};
    words.insert(words.begin() + 1, options.begin(), options.end());
    return words;
  }
  Finished remove(const Words& options = {}) const { return run(words(options)); }

  void expect_gone_and_nothing_else() const {
    EXPECT_FALSE(guests_->exists("b"));
    EXPECT_EQ(image_of(*guests_ / "a"), before_);
    EXPECT_TRUE(is_shared(*guests_ / "a/f"));
    EXPECT_TRUE(is_shared(*guests_ / "a/usr/g")) << "until a run gives a a copy";
  }
  void expect_refused(const std::string& reason) const {
    const auto refused = remove();
    EXPECT_EQ(refused.status, 3) << refused.out;
    EXPECT_THAT(refused.err, HasSubstr(reason));
    EXPECT_TRUE(is_shared(*guests_ / "b/usr/g"));
    EXPECT_EQ(guests_->read("b/own"), "b's own");
  }

  LoopFs fs_{"ext4", 64};
  std::optional<Guests> guests_;
  std::map<std::string, std::string> before_;
};

TEST_F(VunifyDelete, NeedsNoSpace) {
  shell("cat /dev/zero >" + fs_ / "full 2>/dev/null");
  const auto deleted = remove();
  EXPECT_EQ(deleted.status, 0) << deleted.out << deleted.err;
  EXPECT_THAT(deleted.out, HasSubstr("deleted guest " + *guests_ / "b" + ": 3 files"));
  expect_gone_and_nothing_else();
}

TEST_F(VunifyDelete, SaysWhatItWouldFreeAndChangesNothingInADryRun) {
  const auto before = image_of(*guests_ / "b");
  const auto told = remove({"-n"});
  EXPECT_EQ(told.status, 0) << told.err;
  EXPECT_THAT(told.out, HasSubstr("would delete guest " + *guests_ / "b" + ": 3 files, would free 1.0 KiB"));
  EXPECT_EQ(image_of(*guests_ / "b"), before);
}

TEST_F(VunifyDelete, IsRefusedWhereSomebodyLivesInTheGuest) {
  const auto b = *guests_ / "b";
  for (const auto& script : Words{"true", "mount --bind " + b + " " + b}) {
    const MountsElsewhere container(script, b);
    expect_refused("lives in it");
  }
}

TEST_F(VunifyDelete, IsRefusedWhereSomethingIsMountedInTheGuest) {
  guests_->make_directory("b/mnt");
  shell_or_fail("mount --bind " + *guests_ / "c" + " " + *guests_ / "b/mnt");
  expect_refused("is mounted in it");
  ASSERT_EQ(::umount((*guests_ / "b/mnt").c_str()), 0);
}

TEST_F(VunifyDelete, IsRefusedWhereTheStateIsInTheGuest) {
  shell_or_fail("mv " + *guests_ / "state " + *guests_ / "b/state");
  const auto refused = run({"vunify", "--state", *guests_ / "b/state", "--delete", *guests_ / "b"});
  EXPECT_EQ(refused.status, 3) << refused.out << refused.err;
  EXPECT_TRUE(guests_->exists("b/own"));
}

TEST_F(VunifyDelete, TakesOneDirectory) {
  EXPECT_EQ(run({"vunify", "--delete", *guests_ / "a", *guests_ / "b"}).status, 2);
  EXPECT_TRUE(guests_->exists("a/f") && guests_->exists("b/f"));
}

// The names first, which the kernel refuses; then, with the inode unprotected, those that it takes.
TEST_F(VunifyDelete, GoesOnWhereItWasKilled) {
  for (const auto* when : {"1", "2", "3", "4", "5"}) {
    Words strace{"strace",
                 "-f",
                 "-qq",
                 "-o",
                 *guests_ / "strace",
                 "-e",
                 "trace=unlinkat",
                 "-e",
                 std::string("inject=unlinkat:signal=KILL:when=") + when};
    auto command = words({});
    command[0] = VUNIFY_BIN_DIR "/vunify";
    strace.insert(strace.end(), command.begin(), command.end());
    run(strace);
    EXPECT_EQ(run({"vunify", "--state", *guests_ / "state", "--recover"}).status, 0);
    EXPECT_TRUE(is_shared(*guests_ / "a/f")) << when;
    EXPECT_EQ(image_of(*guests_ / "a"), before_) << when;
    ASSERT_TRUE(guests_->exists("b")) << when;
  }
  EXPECT_EQ(remove().status, 0);
  expect_gone_and_nothing_else();
}

}  // namespace
}  // namespace vunify::test
