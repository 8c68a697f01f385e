// SPDX-License-Identifier: Apache-2.0
#include "unify/separate.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <stdexcept>

#include "survey/scan.h"
#include "sys/mark.h"
#include "sys/quiet_read.h"
#include "tests/scene.h"
#include "tests/scratch.h"
#include "tests/shared.h"
#include "tests/unify/clones.h"

namespace vunify::test {
namespace {

struct SeparatedRules {
  std::string exclude{};
  Protection protection = by_flag();
  bool dry_run = false;
};

// Guests a, b, c of a directory, with the walk just behind them.
class Separated {
 public:
  explicit Separated(const Scratch& dir, const SeparatedRules& rules = {})
      : state_{{"journals", ""}},
        guests_(open_guests({dir / "a", dir / "b", dir / "c"}).guests),
        places_(under(rules.protection, guests_), false),
        run_{.stop = stop_, .counters = counters_, .dry_run = rules.dry_run, .state_dir = state_.root()} {
    scan_ = scan_guests(excluding(rules.exclude, guests_), {}, stop_, counters_);
  }
  ~Separated() { places_.close(); }

  Outcome run() {
    Outcome outcome;
    separate_hard_links(survey_, places_, run_, outcome);
    return outcome;
  }
  const File& file(const std::string& wanted) const {
    for (std::uint32_t guest = 0; guest < guests_.size(); ++guest)
      for (std::uint32_t i = 0; i < scan_.trees[guest].files().size(); ++i)
        if (guests_[guest].name + "/" + scan_.trees[guest].path(i) == wanted) return scan_.trees[guest].file(i);
    throw std::out_of_range("no file " + wanted);
  }
  Verdict verdict(const std::string& wanted) const { return file(wanted).verdict; }

 private:
  Scratch state_;
  std::vector<Guest> guests_;
  Stop stop_;
  Counters counters_;
  Places places_;
  Run run_;
  Scan scan_;
  Survey survey_{guests_, scan_.trees, {}};
};

class SeparatedClones : public Clones {};

TEST_F(SeparatedClones, KeepWhatEachLinkedItself) {
  for (const auto* path : {"a/g", "b/h"}) link(dir_, "a/f", path);
  const auto before = image_of(dir_ / "b");
  Separated separated(dir_);
  EXPECT_EQ(separated.run().copied_files, 2u);
  EXPECT_EQ(dir_.inode("a/f").ino, dir_.inode("a/g").ino);
  EXPECT_EQ(dir_.inode("b/f").ino, dir_.inode("b/h").ino);
  EXPECT_NE(dir_.inode("a/f").ino, dir_.inode("b/f").ino);
  EXPECT_EQ(dir_.inode("a/f").nlink + dir_.inode("b/f").nlink, 4u);
  EXPECT_EQ(separated.verdict("b/h"), Verdict::hard_linked);
  EXPECT_EQ(image_of(dir_ / "b"), before);
}

TEST_F(SeparatedClones, HaveExcludedFilesOfTheirOwn) {
  EXPECT_EQ(Separated(dir_, {.exclude = "/f", .dry_run = true}).run().copied_files, 1u);
  EXPECT_EQ(dir_.inode("a/f").nlink, 2u);
  EXPECT_EQ(Separated(dir_, {.exclude = "/f"}).run().copied_files, 1u);
  EXPECT_EQ(dir_.inode("a/f").nlink, 1u);
  EXPECT_EQ(dir_.read("b/f"), "same");
}

TEST_F(SeparatedClones, AreToldWhileAnExcludedFileIsBeingWritten) {
  const Fd writer = open_host(dir_ / "a/f", O_WRONLY);
  Separated separated(dir_, {.exclude = "/f"});
  const auto outcome = separated.run();
  ASSERT_EQ(outcome.failed.size(), 1u);
  EXPECT_EQ(outcome.failed[0].reason, "open for writing");
  EXPECT_EQ(separated.verdict("b/f"), Verdict::shared_unprotected);
  EXPECT_EQ(dir_.inode("a/f").nlink, 2u);
}

TEST(SeparatedClonesWithReflink, HaveInodesOfTheirOwnAndShareTheirData) {
  const LoopFs fs("xfs");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const Scratch dir({{"a/f", "same"}, {"b/g", "other"}, {"c/g", "more"}}, fs.root());
  link(dir, "a/f", "b/f");
  const auto before = image_of(dir / "b");
  Separated separated(dir, {.protection = Protection::reflink});
  const auto outcome = separated.run();
  EXPECT_EQ(outcome.adopted_files, 2u);
  EXPECT_EQ(outcome.copied_files, 0u);
  EXPECT_NE(dir.inode("a/f").ino, dir.inode("b/f").ino);
  EXPECT_EQ(dir.inode("a/f").nlink, 1u);
  EXPECT_EQ(separated.file("b/f").ino, dir.inode("b/f").ino);
  EXPECT_EQ(separated.verdict("b/f"), Verdict::open);
  EXPECT_EQ(image_of(dir / "b"), before);
}

// A page that the kernel is still to write to for a guest would go to where the others' data lies.
TEST(SeparatedClonesWithReflink, LoseThePagesThatTheyHadTogether) {
  const LoopFs fs("xfs");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const Scratch dir({{"a/f", std::string(100'000, 'x')}, {"b/g", "other"}, {"c/g", "more"}}, fs.root());
  link(dir, "a/f", "b/f");
  const Fd together = open_host(dir / "a/f", O_RDONLY);
  EXPECT_GT(resident_bytes(together.get()), 0u);
  Separated(dir, {.protection = Protection::reflink}).run();
  EXPECT_EQ(resident_bytes(together.get()), 0u);
}

// A guest moved a shared file of its to an excluded place.
class MovedAside : public testing::Test {
 protected:
  void SetUp() override {
    link(dir_, "a/home/f", "b/f");
    link(dir_, "a/home/f", "c/f");
    share(dir_ / "a/home/f");
  }
  Scratch dir_{{"a/home/f", "same"}, {"a/f", "same"}, {"b/g", "other"}, {"c/g", "more"}};
};

TEST_F(MovedAside, IsAFileOfItsGuestAgain) {
  EXPECT_EQ(Separated(dir_, {.exclude = "/home"}).run().copied_files, 1u);
  EXPECT_EQ(dir_.inode("a/home/f").nlink, 1u);
  EXPECT_FALSE(has_mark(dir_ / "a/home/f"));
  EXPECT_TRUE(is_shared(dir_ / "b/f"));
}

TEST_F(MovedAside, LeavesTheOthersAsTheyAreNow) {
  std::filesystem::remove(dir_ / "a/f");
  shell_or_fail("cd " + dir_.root() + " && chattr -i c/f && rm c/f && chattr +i b/f");
  Separated separated(dir_, {.exclude = "/home"});
  EXPECT_EQ(separated.run().copied_files, 1u);
  EXPECT_TRUE(is_shared(dir_ / "b/f"));
  EXPECT_TRUE(separated.file("b/f").marked);
  EXPECT_EQ(separated.file("b/f").nlink, 1u);
}

// Else a run could lead the guest's other file to the same inode.
TEST_F(MovedAside, StaysANameOfTheSharedInodeWhereItCannotLeave) {
  ASSERT_EQ(shell("chattr +i " + dir_ / "a/home").status, 0);
  Separated separated(dir_, {.exclude = "/home"});
  EXPECT_EQ(separated.run().failed.size(), 1u);
  EXPECT_EQ(separated.verdict("a/home/f"), Verdict::open);
  EXPECT_TRUE(is_shared(dir_ / "a/home/f"));
}

}  // namespace
}  // namespace vunify::test
