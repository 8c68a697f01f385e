// SPDX-License-Identifier: Apache-2.0
#include "change/break_links.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/syscall.h>

#include <filesystem>

#include "sys/mark.h"
#include "tests/act_before.h"
#include "tests/scratch.h"
#include "tests/shared.h"
#include "tests/waiting_writer.h"

namespace vunify::test {
namespace {

using testing::IsEmpty;

// One shared inode with a name in each of a, b, c.
class Breaking : public testing::Test {
 protected:
  explicit Breaking(const std::string& where = "/var/tmp") : dir_({{"a/f", "same"}}, where) {}
  void SetUp() override {
    for (const auto* directory : {"b", "c", "staging", "state"}) dir_.make_directory(directory);
    for (const auto* path : {"b/f", "c/f"}) std::filesystem::create_hard_link(dir_ / "a/f", dir_ / path);
    shared_ = share(dir_ / "a/f");
    root_.emplace(dir_.root());
  }

  BreakResult break_off(const std::vector<std::string>& paths) {
    std::vector<BreakRequest> requests{{{}, shared_}};
    for (const auto& path : paths) requests[0].names.push_back({&*root_, path});
    Journal journal(dir_ / "state", "test");
    const Fd staging = open_host(dir_ / "staging", O_RDONLY | O_DIRECTORY);
    const auto results = LinkBreaker(journal, staging.get(), dir_ / "staging").run(requests, [] { return false; });
    EXPECT_THAT(dir_.names("staging/copy"), IsEmpty());
    return results.at(0);
  }

  Scratch dir_;
  FileId shared_;
  std::optional<RootDir> root_;
};

TEST_F(Breaking, OneNameLeavesTheOthersShared) {
  const auto before = image_of(dir_ / "b");
  EXPECT_EQ(break_off({"b/f"}).copied, 1u);
  EXPECT_EQ(image_of(dir_ / "b"), before);
  EXPECT_FALSE(is_shared(dir_ / "b/f"));
  EXPECT_TRUE(is_shared(dir_ / "a/f"));
  EXPECT_EQ(dir_.inode("a/f").ino, dir_.inode("c/f").ino);
}

// Whose names left may hold it still: a run gives the last one a copy.
TEST_F(Breaking, AllButOneLeavesThatOneProtected) {
  EXPECT_EQ(break_off({"b/f", "c/f"}).copied, 2u);
  EXPECT_EQ(dir_.inode("a/f").ino, shared_.ino);
  EXPECT_TRUE(is_shared(dir_ / "a/f"));
  for (const auto* path : {"b/f", "c/f"}) EXPECT_FALSE(is_shared(dir_ / path));
}

TEST_F(Breaking, AllButOneLeavesThatOneMarkedThoughTheGuardIsGone) {
  ASSERT_EQ(shell("chattr -i " + dir_ / "a/f").status, 0);
  EXPECT_EQ(break_off({"b/f", "c/f"}).copied, 2u);
  EXPECT_TRUE(has_mark(dir_ / "a/f"));
}

TEST_F(Breaking, ANameThatLeadsElsewhereIsLeftAsItIs) {
  ASSERT_EQ(shell("cd " + dir_.root() + " && chattr -i a/f && rm b/f && echo own > b/f && chattr +i a/f").status, 0);
  EXPECT_EQ(break_off({"a/f", "b/f"}).copied, 1u);
  EXPECT_EQ(dir_.read("b/f"), "own\n");
  EXPECT_NE(dir_.inode("a/f").ino, shared_.ino);
}

TEST_F(Breaking, ANameThatIsReplacedAtTheLastMomentKeepsWhatItLedTo) {
  BreakResult result;
  const auto guest = [this](int nth) {
    if (nth != 1) return;
    std::filesystem::rename(dir_ / "b/f", dir_ / "b/moved");
    dir_.write("b/f", "own");
  };
  act_before(
      SYS_renameat2, [&] { result = break_off({"b/f"}); }, guest);
  EXPECT_EQ(result.copied, 0u);
  EXPECT_EQ(dir_.read("b/f"), "own");
  EXPECT_TRUE(is_shared(dir_ / "b/moved"));
}

TEST_F(Breaking, AFileThatSomebodyWritesToStaysShared) {
  const Fd file = open_host(dir_ / "a/f", O_RDONLY);
  unprotect(file.get());
  const Fd writer = open_host(dir_ / "a/f", O_WRONLY);
  protect(file.get(), by_flag());
  const auto result = break_off({"b/f"});
  EXPECT_EQ(result.copied, 0u);
  EXPECT_EQ(result.reason, "open for writing");
  EXPECT_EQ(dir_.inode("b/f").ino, shared_.ino);
}

TEST_F(Breaking, AnInodeThatIsNotTheSharedOneIsNotTouched) {
  shared_.ino += 1;
  const auto result = break_off({"a/f"});
  EXPECT_EQ(result.copied, 0u);
  EXPECT_EQ(result.reason, "changed");
}

// Gone after what lies on it.
struct OnXfs {
  LoopFs fs_{"xfs"};
};

class BreakingOnXfs : protected OnXfs, public Breaking {
 protected:
  BreakingOnXfs() : Breaking(fs_.ok() ? fs_.root() : "/var/tmp") {}
  void SetUp() override {
    if (!fs_.ok()) GTEST_SKIP() << fs_.reason();
    Breaking::SetUp();
  }
};

// He passed the kernel's permission check while the inode was not protected, and comes to its lease only now. On ext4
// the write itself would be refused.
TEST_F(BreakingOnXfs, AWriterWhoComesLateIsTurnedAway) {
  const Fd file = open_host(dir_ / "a/f", O_RDONLY), staging = open_host(dir_ / "staging", O_RDONLY | O_DIRECTORY);
  const BreakRequest request{{{&*root_, "b/f"}}, shared_};
  LinkBreak breaking(request, {{staging.get(), "0"}});
  ASSERT_TRUE(breaking.open(OnLease::fail));
  breaking.copy();
  breaking.exchange();
  unprotect(file.get());
  const WaitingWriter writer(dir_, "a/f");
  ASSERT_TRUE(writer.waits());
  protect(file.get(), by_flag());
  EXPECT_EQ(breaking.finish().copied, 1u);
  ASSERT_TRUE(writer.is_done());
  EXPECT_EQ(dir_.read("a/f"), "same");
}

TEST(BreakingOnAFullDisk, ChangesNothing) {
  const LoopFs fs("ext4", 16);
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  ASSERT_EQ(shell("cd " + fs.root() + " && mkdir a b state && head -c 8M /dev/urandom > a/f && ln a/f b/f").status, 0);
  const auto before = image_of(fs / "b");
  const RootDir root(fs.root());
  const Fd file = open_host(fs / "a/f", O_RDONLY), staging = open_host(fs / "state", O_RDONLY | O_DIRECTORY);
  const std::vector<BreakRequest> requests{{{{&root, "b/f"}}, {fs_id(file.get()), stat_fd(file.get()).ino}}};
  Journal journal(fs / "state", "test");
  const auto results = LinkBreaker(journal, staging.get(), fs / "state").run(requests, [] { return false; });
  EXPECT_TRUE(results.at(0).disk_full);
  EXPECT_EQ(results.at(0).copied, 0u);
  EXPECT_EQ(stat_fd(file.get()).nlink, 2u);
  EXPECT_EQ(image_of(fs / "b"), before);
}

}  // namespace
}  // namespace vunify::test
