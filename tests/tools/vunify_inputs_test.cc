// SPDX-License-Identifier: Apache-2.0
// What may be named as a guest's root, and what is told, in one line, about what may not.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/root_test.h"
#include "tests/tools/guests.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class VunifyInputs : public RootTest {
 protected:
  Finished vunify(Words words) {
    words.insert(words.begin(), {"vunify", "--state", dir_ / "state", protect_by_flag()});
    return run(words);
  }

  // One line about it, nothing printed, nothing done.
  void expect_refused(const Words& words, const std::string& path, const std::string& reason, int status = 2) {
    const auto before = image_of(dir_ / "a");
    const auto finished = vunify(words);
    EXPECT_EQ(finished.status, status) << finished.out << finished.err;
    EXPECT_THAT(finished.err, StartsWith("vunify: " + path));
    EXPECT_THAT(finished.err, HasSubstr(reason));
    EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1) << finished.err;
    EXPECT_EQ(finished.out, "");
    EXPECT_NE(dir_.inode("a/f").ino, dir_.inode("b/f").ino);
    EXPECT_EQ(image_of(dir_ / "a"), before);
    EXPECT_FALSE(dir_.exists(".vunify"));
  }

  void mount(const Words& words) {
    const auto mounted = run(words);
    ASSERT_EQ(mounted.status, 0) << mounted.err;
  }

  const std::string same_ = std::string(5000, 's');
  Guests dir_{{{"a/f", same_}, {"b/f", same_}, {"a/inner/f", "another"}}};
};

TEST_F(VunifyInputs, OneRootBySeveralSpellingsIsRefused) {
  const auto a = dir_ / "a";
  std::filesystem::create_directory_symlink(a, dir_ / "link");
  expect_refused({a, a}, a, "named twice");
  expect_refused({a, a + "/"}, a + "/", "named twice");
  expect_refused({a, a + "/../a/."}, a + "/../a/.", "named twice");
  expect_refused({dir_ / "b", a, dir_ / "link"}, dir_ / "link", "named twice");
}

TEST_F(VunifyInputs, OneRootByABindMountIsRefused) {
  dir_.make_directory("again");
  mount({"mount", "--bind", dir_ / "a", dir_ / "again"});
  expect_refused({dir_ / "a", dir_ / "again"}, dir_ / "again", "named twice");
}

TEST_F(VunifyInputs, NestedRootsAreRefused) {
  expect_refused({dir_ / "a", dir_ / "a/inner"}, dir_ / "a/inner", "is inside");
  expect_refused({dir_ / "a/inner", dir_ / "b", dir_ / "a"}, dir_ / "a/inner", "is inside");
  dir_.make_directory("bound");
  mount({"mount", "--bind", dir_ / "a/inner", dir_ / "bound"});
  expect_refused({dir_ / "a", dir_ / "bound"}, dir_ / "bound", "is inside");
}

TEST_F(VunifyInputs, WhatIsNoDirectoryIsRefused) {
  expect_refused({dir_ / "a", dir_ / "missing"}, dir_ / "missing", "no such file or directory");
  expect_refused({dir_ / "a", dir_ / "b/f"}, dir_ / "b/f", "not a directory");
  expect_refused({dir_ / "a", dir_ / "b/f/x"}, dir_ / "b/f/x", "not a directory");
  expect_refused({dir_ / "a", ""}, "a guest", "has no name");
}

TEST_F(VunifyInputs, AnOverlayIsRefusedAndSoAreItsLayers) {
  for (const auto* name : {"upper", "work", "merged"}) dir_.make_directory(name);
  mount({"mount", "-t", "overlay", "overlay", "-o",
         "lowerdir=" + dir_ / "b" + ",upperdir=" + dir_ / "upper" + ",workdir=" + dir_ / "work", dir_ / "merged"});
  expect_refused({dir_ / "a", dir_ / "merged"}, dir_ / "merged", "overlay");
  expect_refused({dir_ / "a", dir_ / "b"}, dir_ / "b", "layer");
}

TEST_F(VunifyInputs, NoPathIsNoState) {
  for (const std::string verb : {"--status", "--all"}) {
    const auto finished = run({"vunify", "--state", "", verb});
    EXPECT_EQ(finished.status, 2);
    EXPECT_EQ(finished.err, "vunify: --state: wants a path\n");
  }
}

TEST_F(VunifyInputs, ZeroOrOneRootIsAUsageError) {
  expect_refused({}, "no guest", "given");
  expect_refused({dir_ / "a"}, "at least two", "guests");
  expect_refused({"-R"}, "no guest", "given");
  expect_refused({"--recover", dir_ / "a"}, "--recover", "takes no guest");
  expect_refused({"--why", dir_ / "a"}, "--why", "PATH");
  expect_refused({"-R", "--why", dir_ / "a", "f"}, "--deunify", "exclude one another");
}

TEST_F(VunifyInputs, BadOptionValuesNameTheOptionAndTheValue) {
  const Words both = {dir_ / "a", dir_ / "b"};
  const auto expect_bad = [&](const std::string& option, const std::string& value, const std::string& reason) {
    expect_refused({option, value, both[0], both[1]}, option, reason);
  };
  for (const auto* bad : {"x", "-1", "1T5", "99999999999999999999"}) expect_bad("--min-size", bad, "size");
  for (const auto* bad : {"0", "-2", "x", "5000", ""}) expect_bad("--jobs", bad, "");
  for (const auto* bad : {"x", "-1", "5d", "99999999999h"}) expect_bad("--max-time", bad, "time");
  expect_bad("--protect", "wishes", "not one of");
  expect_bad("--progress", "loud", "not one of");
  expect_bad("--exclude-from", dir_ / "missing", "No such file");
  expect_refused({"--no-such", both[0], both[1]}, "--no-such", "no such option");
}

TEST_F(VunifyInputs, EmptyDirectoriesAreGuestsLikeAnyOther) {
  dir_.make_directory("empty");
  const auto finished = vunify({dir_ / "a", dir_ / "empty"});
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("linked 0 files"));
}

TEST_F(VunifyInputs, AReadOnlyMountIsRefused) {
  dir_.make_directory("ro/c");
  dir_.write("ro/d/f", same_);
  mount({"mount", "--bind", dir_ / "ro", dir_ / "ro"});
  mount({"mount", "-o", "remount,bind,ro", dir_ / "ro"});
  const auto finished = vunify({dir_ / "ro/c", dir_ / "ro/d"});
  EXPECT_EQ(finished.status, 3) << finished.out << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("Read-only file system"));
  EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1) << finished.err;
}

// Two guests, each a bind mount of its own: links do not cross mounts.
TEST_F(VunifyInputs, BindMountedGuestsAreToldThatLinksDoNotCrossMounts) {
  for (const auto* name : {"a", "b"}) mount({"mount", "--bind", dir_ / name, dir_ / name});
  const auto finished = vunify({dir_ / "a", dir_ / "b"});
  EXPECT_EQ(finished.status, 3) << finished.out << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("is on another mount"));
  EXPECT_NE(dir_.inode("a/f").ino, dir_.inode("b/f").ino);
}

TEST_F(VunifyInputs, OneBindMountedGuestAmongOthersIsNamedAndLeftAlone) {
  dir_.write("c/f", same_);
  mount({"mount", "--bind", dir_ / "c", dir_ / "c"});
  const auto finished = vunify({"--json", dir_ / "a", dir_ / "b", dir_ / "c"});
  EXPECT_EQ(finished.status, 1) << finished.out << finished.err;
  const auto report = Json::parse(finished.out);
  EXPECT_EQ(report["failed"][0]["guest"], "c");
  EXPECT_THAT(report["failed"][0]["reason"].get<std::string>(), HasSubstr("reflink"));
  EXPECT_TRUE(dir_.are_one("f"));
  EXPECT_NE(dir_.inode("a/f").ino, dir_.inode("c/f").ino);
}

TEST_F(VunifyInputs, TwoSubvolumesShareDataOnly) {
  const LoopFs fs("btrfs", 256);
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  shell("cd " + fs.root() + " && btrfs -q subvolume create a && btrfs -q subvolume create b");
  for (const auto* name : {"a", "b"}) run({"sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x >" + fs / name + "/f"});
  run({"sync", "-f", fs.root()});
  const auto vunify_with = [&](const std::string& how) {
    return vunify({"--json", "--protect", how, fs / "a", fs / "b"});
  };
  EXPECT_EQ(vunify_with("immutable").status, 3);
  const auto shared = vunify_with("auto");
  EXPECT_EQ(shared.status, 0) << shared.err;
  EXPECT_EQ(Json::parse(shared.out)["linked_files"], 1) << shared.out;
}

// A snapshot has the inode numbers of its origin: that makes neither its files nor its hard links ours.
TEST_F(VunifyInputs, SnapshotsAreNotTakenForLinks) {
  const LoopFs fs("btrfs", 256);
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  shell("cd " + fs.root() + " && btrfs -q subvolume create a && head -c 300000 /dev/urandom >a/f && ln a/f a/g &&" +
        " head -c 200000 /dev/urandom >a/h && sync -f a && btrfs -q subvolume snapshot a b");
  for (int round = 0; round < 2; ++round) {
    const auto report = Json::parse(vunify({"--json", "--protect=auto", fs / "a", fs / "b"}).out);
    EXPECT_EQ(report["copied_files"], 0) << report.dump(1);
    EXPECT_EQ(report["adopted_files"], 0);
    EXPECT_EQ(report["linked_files"], 0);
    EXPECT_EQ(report["shared_files"], 2);
    EXPECT_EQ(report["skipped"]["hard-linked"], 4);
    expect_every_file_is_told(report);
  }
}

}  // namespace
}  // namespace vunify::test
