// SPDX-License-Identifier: Apache-2.0
// chxid and lsxid, of guests on XFS, which keeps project ids, and on others, which keep none.
#include <fcntl.h>
#include <gmock/gmock.h>

#include <filesystem>

#include "sys/fd.h"
#include "sys/held_attr.h"
#include "sys/inode_attr.h"
#include "sys/mark.h"
#include "tests/root_test.h"
#include "tests/tools/configured_guests.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Words = ConfiguredGuests::Words;

// Guests a and b, with the numbers 41 and 42: in a a file with two names, a symlink out of it, a FIFO and a device.
class Tagging : public RootTest {
 protected:
  static void SetUpTestSuite() {
    if (is_root()) xfs_.emplace("xfs");
  }
  static void TearDownTestSuite() { xfs_.reset(); }

  void SetUp() override {
    RootTest::SetUp();
    ASSERT_TRUE(xfs_->ok()) << xfs_->reason();
    set_up_on(xfs_->root());
  }

  void set_up_on(const std::string& where) {
    dir_.emplace(Words{"a", "b"}, where);
    dir_->set("a/context", "41");
    dir_->set("b/context", "42");
    dir_->fill({"a", "b"}, "dir/f", "data");
    in_a("ln -s /etc out; mkfifo fifo; mknod dev c 1 3; ln dir/f dir/again");
  }

  void in_a(const std::string& commands) const { shell_or_fail("cd " + (*dir_ / "vs/a") + " && " + commands); }
  Finished tool(const std::string& name, const Words& words) const {
    Words command = {name, "--config", *dir_ / "config", "--state", *dir_ / "state"};
    command.insert(command.end(), words.begin(), words.end());
    return run(command);
  }
  Finished chxid(const Words& words) const { return tool("chxid", words); }
  Finished lsxid(const Words& words) const { return tool("lsxid", words); }
  std::string in(const std::string& path) const { return *dir_ / ("vs/" + path); }
  std::uint32_t project(const std::string& path) const {
    return held_attr(open_host(in(path), O_PATH | O_NOFOLLOW).get()).value().project;
  }
  void share(const std::string& path) const {
    const Fd fd = open_host(in(path), O_RDONLY);
    set_mark(fd.get(), {fs_id(fd.get()), stat_fd(fd.get()).ino});
  }

  static inline std::optional<LoopFs> xfs_;
  std::optional<ConfiguredGuests> dir_;
};

TEST_F(Tagging, ReachesAllThatIsInATree) {
  const auto done = chxid({"-c", "a", "-R", in("a")});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(done.out + done.err, "");
  for (const auto* path : {"a", "a/dir", "a/dir/f", "a/out", "a/fifo", "a/dev"}) EXPECT_EQ(project(path), 41u) << path;
  EXPECT_EQ(project("b"), 0u);
}

TEST_F(Tagging, IsRootsToReadWhereVunifyGaveNumbers) {
  dir_->make_directory("state");
  shell_or_fail("chmod 755 " + dir_->root() + " && chmod 700 " + *dir_ / "state");
  const auto refused = run({"setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", VUNIFY_BIN_DIR "/lsxid",
                            "--config", *dir_ / "config", "--state", *dir_ / "state", in("a/dir/f")});
  EXPECT_EQ(refused.status, 3);
  EXPECT_THAT(refused.err, HasSubstr("state/xids: Permission denied: guests' numbers are root's"));
}

TEST_F(Tagging, TakesEveryWayToSayWho) {
  for (const std::string who : {"42", "b", ":b"}) {
    EXPECT_EQ(chxid({"-c", "self", in("a/dir")}).status, 0);
    EXPECT_EQ(project("a/dir"), 0u);
    EXPECT_EQ(chxid({"-c", who, in("a/dir")}).status, 0);
    EXPECT_EQ(project("a/dir"), 42u) << who;
  }
  EXPECT_EQ(project("a/dir/f"), 0u) << "not asked to recurse";
}

TEST_F(Tagging, OfAnUnknownGuestChangesNothing) {
  const auto refused = chxid({"-c", "nobody", "-R", in("a")});
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, StartsWith("chxid: nobody: "));
  EXPECT_EQ(project("a"), 0u);
}

TEST_F(Tagging, PassesOverWhatIsShared) {
  share("b/dir/f");
  const auto told = chxid({"-c", "b", "-R", in("b")});
  EXPECT_EQ(told.status, 0);
  EXPECT_EQ(told.err, "chxid: 1 shared inodes passed over: they are nobody's\n");
  EXPECT_EQ(chxid({"-U", "-c", "b", "-R", in("b")}).err, "");
  EXPECT_EQ(chxid({"--force", "-c", "b", "-R", in("b")}).status, 1);
  EXPECT_EQ(project("b/dir/f"), 0u);
  EXPECT_EQ(project("b/dir"), 42u);
}

TEST_F(Tagging, RefusesWhatTwoGuestsHaveAndNamesBoth) {
  std::filesystem::create_hard_link(in("a/dir/f"), in("b/too"));
  const auto refused = chxid({"-c", "a", in("a/dir/f")});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr(in("a/dir/")));
  EXPECT_THAT(refused.err, HasSubstr(in("b/too")));
  EXPECT_EQ(project("a/dir/f"), 0u);
  EXPECT_EQ(chxid({"--force", "-c", "a", in("a/dir/f")}).status, 0);
  EXPECT_EQ(project("a/dir/f"), 41u);
}

TEST_F(Tagging, HasDirectoriesNotPassTheirsOn) {
  in_a("chattr -p 7 dir && chattr +P dir");
  EXPECT_EQ(chxid({"--repair", "-R", in("a")}).status, 0);
  EXPECT_FALSE(inherited_project(open_host(in("a/dir"), O_RDONLY).get()));
  EXPECT_EQ(project("a/dir"), 7u);
  in_a("chattr +P dir");
  EXPECT_EQ(chxid({"-c", "a", in("a/dir")}).status, 0);
  EXPECT_FALSE(inherited_project(open_host(in("a/dir"), O_RDONLY).get()));
}

TEST_F(Tagging, FollowsNoSymlinkOfAGuest) {
  std::filesystem::create_directory_symlink(in("b/dir"), in("a/way"));
  const auto refused = chxid({"-c", "a", "-R", in("a/way/f"), in("a/way")});
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(project("b/dir/f"), 0u);
  EXPECT_EQ(project("a/way"), 41u);
}

TEST_F(Tagging, IsListedByWhoseItIsAndHowThatIsKnown) {
  chxid({"-c", "a", in("a/dir/f")});
  share("b/dir/f");
  const Words files = {in("a/dir/f"), in("a/fifo"), in("b/dir/f")};
  const auto line = [&](const std::string& who, const std::string& path) {
    return std::string(20 - who.size(), ' ') + who + "  " + path + "\n";
  };
  EXPECT_EQ(lsxid(files).out, line("a", files[0]) + line("a", files[1]) + line("0", files[2]));
  EXPECT_EQ(lsxid({"-n", "--source", files[0], files[1], files[2]}).out,
            line("41", "tag     " + files[0]) + line("41", "place   " + files[1]) + line("0", "shared  " + files[2]));
}

TEST_F(Tagging, IsNotKnownOfWhatIsNotThere) {
  const auto listed = lsxid({in("a/none")});
  EXPECT_EQ(listed.status, 1);
  EXPECT_EQ(listed.out, std::string(13, ' ') + "!!ERR!!  " + in("a/none") + "\n");
  EXPECT_THAT(listed.err, StartsWith("lsxid: " + in("a/none")));
}

TEST_F(Tagging, IsCheckedByVdu) {
  chxid({"-c", "a", "-R", in("a")});
  EXPECT_EQ(tool("vdu", {"--check-tags", "a"}).status, 0);
  in_a("chattr -p 42 dir/f && chattr -p 0 dir && chattr +P . ");
  const auto told = tool("vdu", {"--check-tags", "a"});
  EXPECT_EQ(told.status, 1);
  EXPECT_EQ(told.out, "        41  " + in("a") + "  passes it on: chxid --repair\n" +  //
                          "         0  " + in("a/dir") + "  carries none\n" +          //
                          "        42  " + in("a/dir/again") + "  is b's\n" + "        42  " + in("a/dir/f") +
                          "  is b's\n");
}

TEST_F(Tagging, OfAnotherGuestIsToldByTheOldVdu) {
  chxid({"-c", "b", in("a/dir")});
  const auto told = tool("vdu", {"--xid", "b", "--inodes", in("a")});
  EXPECT_EQ(told.out, in("a") + " 1\n");
  EXPECT_THAT(told.err, HasSubstr("1 files or directories carry another number"));
}

TEST_F(Tagging, OfARootIsNotBelievedWhereItIsAnothersNumber) {
  dir_->fill({"a", "b"}, "same", std::string(5000, 's'));
  chxid({"-c", "b", "-R", in("a"), in("b")});
  const auto report = dir_->report({protect_by_flag(), "a", "b"});
  EXPECT_EQ(report["linked_files"], 0);
  EXPECT_EQ(report["notes"][0]["guest"], "a");
  EXPECT_THAT(std::string(report["notes"][0]["reason"]), HasSubstr("project id 42, and its number is 41"));
}

TEST_F(Tagging, IsRefusedWhereNoneIsKept) {
  const LoopFs ext4("ext4", 32);
  ASSERT_TRUE(ext4.ok()) << ext4.reason();
  set_up_on(ext4.root());
  const auto refused = chxid({"-c", "a", "-R", in("a")});
  EXPECT_EQ(refused.status, 3);
  EXPECT_EQ(refused.err, "chxid: " + in("a") + ": this filesystem keeps no tags; the place decides\n");
  EXPECT_EQ(lsxid({"-d", "--source", in("a")}).out, std::string(19, ' ') + "a  place   " + in("a") + "\n");
  dir_.reset();
}

}  // namespace
}  // namespace vunify::test
