// SPDX-License-Identifier: Apache-2.0
// Guests whose files carry their numbers as project ids, on XFS: it keeps them whether the kernel counts quotas or not.
#include <fcntl.h>
#include <gmock/gmock.h>

#include "sys/fd.h"
#include "sys/inode_attr.h"
#include "tests/root_test.h"
#include "tests/shared.h"
#include "tests/tools/guests.h"

namespace vunify::test {
namespace {

using testing::Each;

class VunifyTags : public RootTest {
 protected:
  static void SetUpTestSuite() {
    if (is_root()) fs_.emplace("xfs");
  }
  static void TearDownTestSuite() { fs_.reset(); }

  void SetUp() override {
    RootTest::SetUp();
    ASSERT_TRUE(fs_->ok()) << fs_->reason();
    guests_.emplace(both({"f", "dir/g"}), fs_->root());
    tag("a", 41);
    tag("b", 42);
  }

  void tag(const std::string& guest, std::uint32_t project) {
    shell_or_fail("find " + (*guests_ / guest) + " -exec chattr -p " + std::to_string(project) + " {} +");
  }
  void in(const std::string& commands) { shell_or_fail("cd " + guests_->root() + " && " + commands); }
  std::uint32_t project(const std::string& path) const {
    return project_id(open_host(*guests_ / path, O_RDONLY | O_NOFOLLOW).get());
  }
  std::vector<std::uint32_t> projects(const Words& paths) const {
    std::vector<std::uint32_t> all;
    for (const auto& path : paths) all.push_back(project(path));
    return all;
  }
  void unify() {
    ASSERT_EQ(guests_->report()["linked_files"], 2);
    ASSERT_TRUE(guests_->are_one("f") && guests_->are_one("dir/g"));
  }

  static inline std::optional<LoopFs> fs_;
  std::optional<Guests> guests_;
};

TEST_F(VunifyTags, FilesOfTwoGuestsBecomeOneThatIsNobodys) {
  unify();
  EXPECT_THAT(projects({"a/f", "a/dir/g"}), Each(0u));
  EXPECT_THAT(projects({"a", "a/dir"}), Each(41u));
  expect_second_run_rests(*guests_);
}

TEST_F(VunifyTags, AKeptInodeIsNobodysToo) {
  ASSERT_EQ(guests_->report({"--sledgehammer"})["linked_files"], 2);
  EXPECT_THAT(projects({"b/f", "b/dir/g"}), Each(0u));
}

TEST_F(VunifyTags, CopiesCarryTheirGuestsTag) {
  unify();
  EXPECT_EQ(guests_->report({"-R"})["copied_files"], 4);
  EXPECT_THAT(projects({"a/f", "a/dir/g"}), Each(41u));
  EXPECT_THAT(projects({"b/f", "b/dir/g"}), Each(42u));
  EXPECT_FALSE(has_mark(*guests_ / "a/f") || has_mark(*guests_ / "b/f"));
}

TEST_F(VunifyTags, ALastNameCarriesItsGuestsTagAgain) {
  unify();
  in("chattr -i a/f && rm a/f && chattr +i b/f");
  EXPECT_EQ(guests_->report()["unmarked_files"], 1);
  EXPECT_EQ(project("b/f"), 42u);
}

// Of the other guest nothing is known, then.
TEST_F(VunifyTags, ALastNameStaysMarkedUntilItsGuestIsKnown) {
  unify();
  ASSERT_EQ(run({"vunify", "--state", *guests_ / "state", "-R", *guests_ / "a"}).status, 0);
  EXPECT_EQ(project("a/f"), 41u);
  EXPECT_TRUE(has_mark(*guests_ / "b/f"));
  EXPECT_EQ(guests_->report({"-R"})["copied_files"], 2);
  EXPECT_EQ(project("b/f"), 42u);
  EXPECT_FALSE(has_mark(*guests_ / "b/f"));
}

TEST_F(VunifyTags, AFileWithAnothersTagIsLeftAloneAndTold) {
  in("chattr -p 42 a/f");
  const auto report = guests_->report();
  EXPECT_EQ(report["linked_files"], 1);
  EXPECT_EQ(report["skipped"].value("other-tag", 0), 1) << report.dump(1);
  EXPECT_EQ(project("a/f"), 42u);
}

TEST_F(VunifyTags, ADirectoryThatPassesItsTagOnKeepsItsNames) {
  in("chattr +P b/dir");
  const auto report = guests_->report();
  EXPECT_EQ(report["linked_files"], 1);
  EXPECT_EQ(report["failed"], Json::array());
  EXPECT_EQ(report["skipped"].value("passed-on-tag", 0), 1) << report.dump(1);
  in("chattr -P b/dir");
  EXPECT_EQ(guests_->report()["linked_files"], 1);
}

TEST_F(VunifyTags, ACopyForSuchADirectoryCarriesItsTag) {
  unify();
  in("chattr +P a/dir && chattr -p 77 a/dir");
  EXPECT_EQ(guests_->report()["failed"], Json::array());
  EXPECT_TRUE(guests_->are_one("dir/g"));
  EXPECT_EQ(guests_->report({"-R"})["failed"], Json::array());
  EXPECT_EQ(project("a/dir/g"), 77u);
  EXPECT_FALSE(guests_->are_one("dir/g"));
}

TEST_F(VunifyTags, AProjectThatAGuestSetsOnASharedInodeIsTakenBack) {
  unify();
  in("xfs_io -r -c 'chproj 42' a/f");
  ASSERT_EQ(project("a/f"), 42u);
  EXPECT_EQ(guests_->report()["failed"], Json::array());
  EXPECT_EQ(project("a/f"), 0u);
}

TEST_F(VunifyTags, GuestsThatAreNotTaggedKeepNoneOfTheirProjects) {
  in("chattr -p 0 a b a/f b/f && chattr -p 7 a/dir/g b/dir/g");
  const auto report = guests_->report();
  EXPECT_EQ(report["linked_files"], 1);
  EXPECT_EQ(report["skipped"].value("other-tag", 0), 2);
}

TEST_F(VunifyTags, StagingBeneathADirectoryThatPassesItsTagOnPassesNone) {
  in("chattr +P . && chattr -p 9 .");
  unify();
  EXPECT_EQ(guests_->report({"-R"})["copied_files"], 4);
  EXPECT_EQ(project("b/f"), 42u);
}

}  // namespace
}  // namespace vunify::test
