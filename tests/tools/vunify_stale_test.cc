// SPDX-License-Identifier: Apache-2.0
// Guests whose filesystem is another by identity than it was when they were unified: every mark is stale, and every
// flag is there.
#include <fcntl.h>
#include <gmock/gmock.h>

#include "sys/fd.h"
#include "sys/mark.h"
#include "tests/root_test.h"
#include "tests/shared.h"
#include "tests/tools/guests.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;

class VunifyStale : public RootTestOn {
 protected:
  void SetUp() override {
    RootTest::SetUp();
    if (!fs_.ok()) GTEST_SKIP() << fs_.reason();
    guests_.emplace(both({"f", "g"}), fs_.root());
    ASSERT_EQ(guests_->vunify().status, 0);
    fs_.change_uuid();
    ASSERT_FALSE(is_valid("a/f"));
  }

  // Validly marked.
  bool is_valid(const std::string& path) const {
    const Fd file = open_host(*guests_ / path, O_RDONLY);
    return is_marked(file.get(), {fs_id(file.get()), stat_fd(file.get()).ino});
  }
  bool is_free(const std::string& path) const {
    const auto inode = guests_->inode(path);
    return inode.nlink == 1 && !inode.immutable && !has_mark(*guests_ / path);
  }

  LoopFs fs_{GetParam()};
  std::optional<Guests> guests_;
};
INSTANTIATE_TEST_SUITE_P(Each, VunifyStale, testing::Values("ext4", "xfs", "btrfs"), name_of_each);

TEST_P(VunifyStale, MarksAreRenewed) {
  const auto before = image_of(*guests_ / "a");
  const auto report = guests_->report();
  EXPECT_EQ(report["stale_files"], 4) << report.dump(1);
  EXPECT_EQ(report["shared_files"], 4);
  EXPECT_TRUE(guests_->are_one("f") && is_shared(*guests_ / "a/f") && is_shared(*guests_ / "b/g"));
  EXPECT_EQ(image_of(*guests_ / "a"), before);
  EXPECT_EQ(guests_->report()["stale_files"], 0);
  expect_second_run_rests(*guests_);
}

TEST_P(VunifyStale, MarksAreToldAndLeftInADryRun) {
  const auto report = guests_->report({"-n"});
  EXPECT_EQ(report["stale_files"], 4) << report.dump(1);
  EXPECT_EQ(report["shared_files"], 4);
  expect_every_file_is_told(report);
  EXPECT_FALSE(is_valid("a/f"));
  EXPECT_TRUE(guests_->inode("a/f").immutable);
}

TEST_P(VunifyStale, FilesAreTakenBack) {
  const auto taken = guests_->vunify({"-R"});
  EXPECT_EQ(taken.status, 0) << taken.err;
  EXPECT_THAT(taken.out, HasSubstr("found 4 files immutable under marks of another filesystem"));
  for (const auto* path : {"a/f", "b/f", "a/g", "b/g"}) EXPECT_TRUE(is_free(path)) << path;
}

TEST_P(VunifyStale, FilesStaySharedAmongThoseWhoAreNotTakenBack) {
  shell_or_fail("cd " + guests_->root() + " && mkdir c && chattr -i a/f && ln a/f c/f && chattr +i a/f");
  ASSERT_EQ(run({"vunify", "-R", "--state", *guests_ / "state", *guests_ / "c"}).status, 0);
  EXPECT_TRUE(is_free("c/f"));
  EXPECT_TRUE(guests_->are_one("f") && guests_->inode("a/f").immutable);
  EXPECT_EQ(guests_->report()["stale_files"], 4);
}

TEST_P(VunifyStale, LastNameIsReleased) {
  shell_or_fail("cd " + guests_->root() + " && chattr -i b/f && rm b/f && chattr +i a/f");
  const auto report = guests_->report();
  EXPECT_EQ(report["unmarked_files"], 1) << report.dump(1);
  EXPECT_TRUE(is_free("a/f"));
}

TEST_P(VunifyStale, FileTakesANewGuestsTwin) {
  guests_->write("c/f", same("f"));
  const auto all = [&](const Words& options) {
    Words words = {"vunify", "--state", *guests_ / "state", protect_by_flag(), "--json"};
    words.insert(words.end(), options.begin(), options.end());
    for (const auto* guest : {"a", "b", "c"}) words.push_back(*guests_ / guest);
    return Json::parse(run(words).out);
  };
  EXPECT_EQ(all({"-n"})["linked_files"], 1);
  EXPECT_EQ(all({})["linked_files"], 1);
  EXPECT_TRUE(guests_->are_one("a/f", "c/f") && is_shared(*guests_ / "c/f"));
}

using VunifyForgedMark = RootTest;

// By a guest that may take flags off, too: nothing is done to it that it could not do itself.
TEST_F(VunifyForgedMark, CostsNobodyElse) {
  const Guests guests(both({"f"}));
  ASSERT_EQ(guests.vunify().status, 0);
  shell_or_fail("cd " + guests / "a" +
                " && echo own >own && setfattr -n trusted.vunify -v twelve_bytes own && chattr +i own");
  const auto before = image_of(guests / "b");
  EXPECT_EQ(guests.report()["unmarked_files"], 1);
  EXPECT_FALSE(has_mark(guests / "a/own") || guests.inode("a/own").immutable);
  EXPECT_EQ(image_of(guests / "b"), before);
  EXPECT_TRUE(is_shared(guests / "b/f"));
}

using VunifySnapshot = RootTest;

TEST_F(VunifySnapshot, SharesAsItsOriginalDoes) {
  const LoopFs fs("btrfs");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  shell_or_fail("btrfs subvolume create " + fs / "sub");
  const Guests original(both({"f"}), fs / "sub");
  ASSERT_EQ(original.vunify().status, 0);
  shell_or_fail("btrfs subvolume snapshot " + fs / "sub" + " " + fs / "snap");
  const auto there = fs / "snap" + original.root().substr((fs / "sub").size());
  const auto in_snapshot = [&](const std::string& how) {
    const Words words = {"vunify", how, "--state", original / "state", "--json", there + "/a", there + "/b"};
    return Json::parse(run(words).out);
  };
  EXPECT_EQ(in_snapshot(protect_by_flag())["stale_files"], 2);
  EXPECT_TRUE(is_shared(there + "/a/f"));
  EXPECT_EQ(in_snapshot("-R")["copied_files"], 2);
  EXPECT_FALSE(has_mark(there + "/a/f") || has_mark(there + "/b/f"));
  EXPECT_TRUE(is_shared(original / "a/f"));
}

// Inodes behind its new end are given other numbers.
TEST(VunifyShrunk, FilesystemKeepsWhatIsShared) {
  LoopFs fs("ext4", 64, "", "-b 1024 -N 8192");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  // More than the first of its eight groups has inodes for.
  shell_or_fail("cd " + fs.root() + " && mkdir full && touch $(seq -f full/%g 3000)");
  const Guests guests(both({"f"}), fs.root());
  shell_or_fail("rm -r " + fs / "full");
  ASSERT_EQ(guests.vunify({"--sledgehammer"}).status, 0);  // what lies behind the new end stays there
  const auto before = guests.inode("a/f").ino;
  fs.shrink();
  ASSERT_NE(guests.inode("a/f").ino, before);
  EXPECT_EQ(guests.report()["stale_files"], 2);
  EXPECT_TRUE(is_shared(guests / "a/f") && guests.are_one("f"));
  expect_second_run_rests(guests);
}

}  // namespace
}  // namespace vunify::test
