// SPDX-License-Identifier: Apache-2.0
// What is linked into a clone is what was seen to be shared, and what is copied is what the name leads to.
#include "clone/clone_tree.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <tbb/global_control.h>

#include <filesystem>
#include <future>
#include <optional>

#include "sys/inode_attr.h"
#include "sys/mark.h"
#include "tests/act_before.h"
#include "tests/root_test.h"
#include "tests/silent_fuse.h"

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

class CloneTree : public RootTest {
 protected:
  // From a/ to new/; its own inodes are copied.
  static Cloned clone_to_new(const Scratch& dir) {
    auto opened = open_guests({dir / "a"});
    const ClonePlan plan{.guest = &opened.guests.at(0), .exclude = {}, .conffiles = {}, .may_link = false};
    const RootDir tree(dir / "new");
    NameAdder adder(dir / "state", tree.fd(), dir / ".vunify");
    const CloneGround ground{&tree, &adder, true};
    return clone_tree(plan, &ground, [] { return false; });
  }
};

// Who answers for it is asked nothing: a user's, in a guest that stands still.
TEST_F(CloneTree, LeavesWhatIsMountedInTheGuest) {
  const Scratch dir{{"a/home/f", "mine"}, {"a/home/d/x", ""}, {"a/home/other/x", ""}, {"a/bin/sh", "text"}};
  dir.make_directory("new");
  std::optional<SilentFuse> file(std::in_place, dir / "a/home/f"), directory(std::in_place, dir / "a/home/d"),
      of_user(std::in_place, dir / "a/home/other", 1000);
  auto cloned = std::async(std::launch::async, [&] { return clone_to_new(dir); });
  const bool in_time = cloned.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
  file.reset(), directory.reset(), of_user.reset();
  ASSERT_TRUE(in_time);
  std::vector<std::string> left;
  for (const auto& [path, verb, note] : cloned.get().told)
    if (verb == "left") left.push_back(path);
  EXPECT_EQ(left, (std::vector<std::string>{"home/d", "home/f", "home/other"}));
  EXPECT_EQ(dir.names("new/home"), (std::vector<std::string>{"d", "other"})) << "empty ones";
  EXPECT_EQ(dir.read("new/bin/sh"), "text");
}

// Its number is another, and not known here.
TEST_F(CloneTree, CarriesNoTagOfTheFirstGuest) {
  const LoopFs xfs("xfs");
  ASSERT_TRUE(xfs.ok()) << xfs.reason();
  const Scratch dir({{"a/bin/sh", "text"}, {"a/etc/own", "project of its own"}}, xfs.root());
  dir.make_directory("new");
  shell_or_fail("cd " + dir.root() + " && chattr -p 41 a a/bin a/bin/sh && chattr -p 7 a/etc/own");
  clone_to_new(dir);
  const auto project = [&](const std::string& path) { return project_id(open_host(dir / path, O_RDONLY).get()); };
  for (const auto* path : {"new", "new/bin", "new/bin/sh"}) EXPECT_EQ(project(path), 0U) << path;
  EXPECT_EQ(project("new/etc/own"), 7U);
}

// A guest that runs, and renames over its files, or removes them, just before they are opened.
class CloneOfOneThatWrites : public CloneTree {
 protected:
  static void clone_while(const Scratch& dir, const std::function<void()>& guest) {
    const tbb::global_control alone(tbb::global_control::max_allowed_parallelism, 1);
    act_before(
        SYS_openat2, [&] { clone_to_new(dir); },
        [&](int nth) {
          if (nth == first_file) guest();
        });
  }

  static constexpr int first_file = 3;  // before it, the directory on each side
};

TEST_F(CloneOfOneThatWrites, HasAFileThatIsRenamedOver) {
  const Scratch dir{{"a/shadow", "old"}, {"fresh", "fresh"}};
  dir.make_directory("new");
  clone_while(dir, [&] { std::filesystem::rename(dir / "fresh", dir / "a/shadow"); });
  EXPECT_EQ(dir.read("new/shadow"), "fresh");
}

TEST_F(CloneOfOneThatWrites, HasASymlinkThatComesInPlaceOfAFile) {
  const Scratch dir{{"a/shadow", "old"}};
  dir.make_directory("new");
  std::filesystem::create_symlink("elsewhere", dir / "fresh");
  clone_while(dir, [&] { std::filesystem::rename(dir / "fresh", dir / "a/shadow"); });
  EXPECT_EQ(std::filesystem::read_symlink(dir / "new/shadow"), "elsewhere");
}

TEST_F(CloneOfOneThatWrites, HasTheOneNameThatIsLeftOfSeveral) {
  const std::vector<std::string> names{"1", "2", "3", "4"};
  for (const auto& left : names) {
    const Scratch dir{{"a/1", "linked"}};
    dir.make_directory("new");
    for (const auto& name : names)
      if (name != "1") std::filesystem::create_hard_link(dir / "a/1", dir / ("a/" + name));
    clone_while(dir, [&] {
      for (const auto& name : names)
        if (name != left) std::filesystem::remove(dir / ("a/" + name));
    });
    EXPECT_TRUE(dir.exists("new/" + left)) << left;
  }
}

}  // namespace
}  // namespace vunify::test
