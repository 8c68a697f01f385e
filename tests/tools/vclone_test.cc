// SPDX-License-Identifier: Apache-2.0
// A guest cloned: alike in all but what makes it this one guest, sharing what is shared, complete or nowhere.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>

#include "sys/lock_file.h"
#include "tests/root_test.h"
#include "tests/shared.h"
#include "tests/tools/adopted_guests.h"
#include "tests/tools/script_in.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr auto identity = R"(
  mkdir -p %/etc/ssh %/var/lib/dbus %/var/lib/systemd %/run
  echo 0123 > %/etc/machine-id; echo key > %/etc/ssh/ssh_host_rsa_key; ln -s /etc/machine-id %/var/lib/dbus/machine-id
  echo seed > %/var/lib/systemd/random-seed; echo a > %/etc/hostname; echo 1 > %/run/some.pid)";

// All that a guest can see, but extents and numbers of inodes.
constexpr auto of_all_kinds = R"sh(
  cd % && mkdir -p usr/lib dir/sub && chmod 2750 dir && echo one > usr/lib/one && ln usr/lib/one usr/lib/two
  ln -s one usr/lib/symlink; chown -h 5:6 usr/lib/symlink; mkfifo -m 640 fifo; mknod null c 1 3; mknod disk b 7 9
  truncate -s 5M sparse; printf x | dd of=sparse bs=1 seek=3M conv=notrunc status=none
  cp /bin/true usr/lib/ping; setcap cap_net_raw+ep usr/lib/ping; setfattr -n user.a -v b usr/lib/one
  setfacl -m u:77:rwx dir/sub; setfacl -d -m u:78:r dir/sub; echo suid > suid; chmod 4755 suid; chown 7:8 dir
  : > empty; printf '\n' > "$(printf 'new\nline')"
  touch -d '2001-02-03 04:05:06.123456789' usr/lib/one; touch -h -d '2002-02-03 04:05:06.5' usr/lib/symlink fifo
  touch -d '2003-02-03 04:05:06.987654321' dir/sub dir usr/lib .)sh";

class Vclone : public RootTest {
 protected:
  static Finished clone(const Scratch& dir, const Words& options = {}, const std::string& fresh = "new") {
    Words words = {"vclone", "--state", dir / "state"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {dir / "a", dir / fresh});
    return run(words);
  }
  static Finished clone_under(const Scratch& dir, const Words& strace, const Words& options = {}) {
    Words words = {"strace", "-f", "-qq", "-o", dir / "strace"};
    words.insert(words.end(), strace.begin(), strace.end());
    words.insert(words.end(), {VUNIFY_BIN_DIR "/vclone", "--jobs", "1", "--state", dir / "state"});
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {dir / "a", dir / "new"});
    return run(words);
  }
  static void expect_nothing(const Scratch& dir) {
    EXPECT_FALSE(dir.exists("new"));
    EXPECT_FALSE(dir.exists(".vunify"));
  }
  static void expect_refused(const Finished& finished, const std::string& reason, int status = 3) {
    EXPECT_EQ(finished.status, status) << finished.err << finished.out;
    EXPECT_THAT(finished.err, StartsWith("vclone: "));
    EXPECT_THAT(finished.err, HasSubstr(reason));
    EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1) << finished.err;
  }
};

// On each filesystem.
class VcloneOn : public RootTestOn {
 protected:
  void SetUp() override {
    RootTestOn::SetUp();
    if (!fs_.ok()) GTEST_SKIP() << fs_.reason();
  }
  LoopFs fs_{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Each, VcloneOn, testing::Values("ext4", "xfs", "btrfs"), name_of_each);

TEST_P(VcloneOn, IsAlikeInAllThatAGuestSees) {
  const Guests guests({}, fs_.root());
  ASSERT_EQ(::mknod((guests / "a/socket").c_str(), S_IFSOCK | 0600, 0), 0);
  shell_or_fail(script_in(guests / "a", of_all_kinds));
  const auto before = image_of(guests / "a");
  const auto finished = run({"vclone", "--state", guests / "state", guests / "a", guests / "new"});
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_EQ(image_of(guests / "new"), before);
  EXPECT_EQ(image_of(guests / "a"), before);
  EXPECT_EQ(link_sets(guests / "new"), link_sets(guests / "a"));
  for (const std::string path : {"/usr/lib/one", "/usr/lib", "/dir/sub", ""})
    EXPECT_EQ(guests.inode("new" + path).stamp.mtime, guests.inode("a" + path).stamp.mtime) << path;
  EXPECT_LT(guests.inode("new/sparse").bytes_on_disk(), 1U << 20) << "holes are kept";
  EXPECT_EQ(run({"getfacl", "-c", guests / "new/dir/sub"}).out, run({"getfacl", "-c", guests / "a/dir/sub"}).out);
}

TEST_F(Vclone, LinksWhatIsSharedAndCopiesWhatIsNot) {
  const Guests guests(both({"bin/sh"}));
  guests.write("a/bin/own", same("own"));
  ASSERT_EQ(guests.vunify().status, 0);
  const auto finished = clone(guests);
  EXPECT_THAT(finished.out, HasSubstr("1 files linked (8.0 KiB), 1 copied (8.0 KiB)")) << finished.err;
  EXPECT_TRUE(guests.are_one("a/bin/sh", "new/bin/sh"));
  EXPECT_TRUE(is_shared(guests / "new/bin/sh"));
  EXPECT_EQ(guests.inode("a/bin/sh").nlink, 3U);
  EXPECT_FALSE(guests.are_one("a/bin/own", "new/bin/own")) << "auto takes no flag that nobody asked for";
  EXPECT_FALSE(has_mark(guests / "a/bin/own"));
  expect_second_run_rests(guests);
}

TEST_F(Vclone, SharesWhatIsTheGuestsAloneUnderTheProtectionThatIsNamed) {
  const Guests guests(both({"bin/sh"}));
  guests.write("a/bin/own", same("own"));
  const auto before = image_of(guests / "a");
  EXPECT_EQ(clone(guests, {protect_by_flag()}).status, 0);
  for (const std::string path : {"bin/sh", "bin/own"}) {
    EXPECT_TRUE(guests.are_one("a/" + path, "new/" + path));
    EXPECT_TRUE(is_shared(guests / ("a/" + path)));
  }
  EXPECT_EQ(image_of(guests / "a"), before);
}

TEST_F(Vclone, NeverLinksWhatItsPackageManagerOrItsServicesWriteInPlace) {
  const Words apart = {"var/lib/dpkg/status", "var/lib/rpm/rpmdb.sqlite", "etc/passwd", "var/log/syslog"};
  Guests::Files files = {{"a/usr/lib/libc.so", same("c")}};
  for (const auto& path : apart) files.push_back({"a/" + path, same(path)});
  const Guests guests(files);
  EXPECT_EQ(clone(guests, {protect_by_flag(), "--exclude=/usr/lib/libc.*"}).status, 0);
  for (const auto& path : apart) EXPECT_FALSE(guests.are_one("a/" + path, "new/" + path)) << path;
  EXPECT_FALSE(guests.are_one("a/usr/lib/libc.so", "new/usr/lib/libc.so")) << "--exclude";
}

TEST_F(Vclone, CopiesASharedInodeThatLostItsFlag) {
  const Guests guests(both({"bin/sh"}));
  ASSERT_EQ(guests.vunify().status, 0);
  shell_or_fail("chattr -i " + guests / "a/bin/sh");
  EXPECT_EQ(clone(guests).status, 0);
  EXPECT_FALSE(guests.are_one("a/bin/sh", "new/bin/sh"));
  EXPECT_FALSE(has_mark(guests / "new/bin/sh"));
}

TEST_F(Vclone, CopiesWhatHasAllTheNamesThatItMayHave) {
  const Guests guests(both({"bin/sh"}));
  ASSERT_EQ(guests.vunify().status, 0);
  const auto finished = clone_under(guests, {"-e", "inject=linkat:error=EMLINK:when=1"});
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_EQ(guests.read("new/bin/sh"), same("bin/sh"));
  EXPECT_FALSE(guests.are_one("a/bin/sh", "new/bin/sh"));
  EXPECT_TRUE(is_shared(guests / "a/bin/sh"));
}

TEST_F(Vclone, KeepsWhatTheGuestMadeImmutableItself) {
  const Guests guests(Guests::Files{{"a/opt/conf", "mine"}, {"a/opt/dir/file", "theirs"}});
  shell_or_fail("chattr +i " + guests / "a/opt/conf" + " " + guests / "a/opt/dir");
  EXPECT_EQ(clone(guests).status, 0);
  EXPECT_TRUE(guests.inode("new/opt/conf").immutable);
  EXPECT_TRUE(guests.inode("new/opt/dir").immutable);
  EXPECT_EQ(guests.read("new/opt/dir/file"), "theirs");
}

TEST_F(Vclone, ResetsWhatMakesItOneGuest) {
  const Guests guests;
  shell_or_fail(script_in(guests / "a", identity));
  const auto before = image_of(guests / "a");
  const auto finished = clone(guests);
  EXPECT_EQ(guests.read("new/etc/machine-id"), "");
  for (const auto* path : {"etc/ssh/ssh_host_rsa_key", "var/lib/systemd/random-seed", "run/some.pid"})
    EXPECT_FALSE(guests.exists(std::string("new/") + path)) << path;
  EXPECT_TRUE(std::filesystem::is_symlink(guests / "new/var/lib/dbus/machine-id"));
  EXPECT_EQ(guests.read("new/etc/hostname"), "a\n");
  EXPECT_THAT(finished.out, HasSubstr("reset     etc/machine-id"));
  EXPECT_THAT(finished.out, HasSubstr("removed   etc/ssh/ssh_host_rsa_key  (Debian makes no new one at boot"));
  EXPECT_THAT(finished.out, HasSubstr("reported  etc/hostname"));
  EXPECT_EQ(image_of(guests / "a"), before);
}

TEST_F(Vclone, ADryRunTellsAllAndMakesNothing) {
  const Guests guests(both({"bin/sh"}));
  shell_or_fail(script_in(guests / "a", identity));
  ASSERT_EQ(guests.vunify().status, 0);
  const auto finished = clone(guests, {"-n"});
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("linked    bin/sh\n"));
  EXPECT_THAT(finished.out, HasSubstr("copied    etc/hostname\n"));
  EXPECT_THAT(finished.out, HasSubstr("removed   etc/ssh/ssh_host_rsa_key"));
  expect_nothing(guests);
}

TEST_F(Vclone, RefusesAGuestThatIsLivedIn) {
  const Guests guests(Guests::Files{{"a/bin/sh", "shell"}});
  std::filesystem::current_path(guests / "a");
  expect_refused(clone(guests), "lives or works in it: stop it first");
  std::filesystem::current_path("/");
  expect_nothing(guests);
}

TEST_F(Vclone, KeepsSystemdNspawnFromStartingItAndIsKeptByIt) {
  const Guests guests(Guests::Files{{"a/bin/sh", "shell"}});
  const auto root = guests.inode("a");
  const auto path = "/run/systemd/nspawn/locks/inode-" + std::to_string(root.dev) + ":" + std::to_string(root.ino);
  std::filesystem::create_directories("/run/systemd/nspawn/locks");
  {
    const auto lock = LockFile::take(path);
    expect_refused(clone(guests), "systemd-nspawn has it locked");
  }
  const auto finished = clone_under(guests, {"-e", "trace=openat"});
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_THAT(guests.read("strace"), HasSubstr(path));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(Vclone, OnAFilesystemWithReflinksClonesAGuestThatIsLivedIn) {
  LoopFs fs("xfs");
  const Guests guests(Guests::Files{{"a/bin/sh", same("sh")}}, fs.root());
  std::filesystem::current_path(guests / "a");
  const auto finished = clone(guests, {protect_by_flag()});
  std::filesystem::current_path("/");
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_EQ(guests.read("new/bin/sh"), same("sh"));
  EXPECT_FALSE(has_mark(guests / "a/bin/sh")) << "who may have it in his hands shares no inode";
  EXPECT_THAT(run({"filefrag", "-v", guests / "new/bin/sh"}).out, Not(HasSubstr("shared")))
      << "what is dirty still is written to where it lies";
}

TEST_F(Vclone, RefusesAPlaceThatWillNotDo) {
  const Guests guests(Guests::Files{{"a/bin/sh", "shell"}, {"a/srv/x", "x"}, {"open/x", "x"}});
  expect_refused(clone(guests, {}, "b"), "is there already");
  expect_refused(clone(guests, {}, "a/srv/new"), "is inside " + guests / "a");
  expect_refused(clone(guests, {}, ".new"), "begins with a dot");
  expect_refused(clone(guests, {}, "nowhere/new"), "No such file or directory", 2);
  shell_or_fail("chmod 777 " + guests / "open");
  expect_refused(clone(guests, {}, "open/new"), "is writable by others");
  const LoopFs other("ext4", 24);
  expect_refused(run({"vclone", "--state", guests / "state", guests / "a", other / "new"}), "is on another mount than");
  expect_nothing(guests);
}

TEST_F(Vclone, ADiskThatIsFullLeavesNothing) {
  LoopFs fs("ext4", 24);
  const Guests guests(Guests::Files{{"a/big", std::string(12 << 20, 'b')}}, fs.root());
  const auto finished = clone(guests);
  expect_refused(finished, "No space left on device", 5);
  expect_nothing(guests);
}

TEST_F(Vclone, ASignalLeavesNothing) {
  const Guests guests(both({"bin/sh", "lib/libc", "lib/libm"}));
  const auto finished = clone_under(guests, {"-e", "inject=mkdirat:signal=SIGINT:when=4"});
  expect_refused(finished, "interrupted: nothing is left of the clone", 130);
  expect_nothing(guests);
}

TEST_F(Vclone, WhatAKilledOneLeftGoesWithTheNextRun) {
  const Guests guests(both({"bin/sh", "lib/libc"}));
  ASSERT_EQ(guests.vunify().status, 0);
  clone_under(guests, {"-e", "inject=syncfs:signal=SIGKILL:when=1"}, {protect_by_flag()});
  EXPECT_FALSE(guests.exists("new"));
  EXPECT_TRUE(guests.exists(".vunify")) << "it was killed in the middle";
  const auto report = guests.report();
  EXPECT_TRUE(report["failed"].empty()) << report.dump(1);
  expect_nothing(guests);
  EXPECT_EQ(guests.inode("a/bin/sh").nlink, 2U);
  EXPECT_TRUE(is_shared(guests / "a/bin/sh"));
}

TEST_F(Vclone, OfAnAdoptedGuestIsAdoptedAndSharesAllUnderVcow) {
  const AdoptedGuests guests("/var/tmp", in_each({"a", "b"}, {"bin/sh", "etc/passwd"}), {"a", "b"});
  guests.vunify({}, {"a", "b"});
  shell_or_fail("head -c 5000 /dev/urandom > " + guests.tree("a/bin/own"));
  const auto finished = clone(guests.dir());
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_TRUE(guests.dir().inode("new").immutable) << "its mount point";
  EXPECT_THAT(guests.dir().names("new"), ElementsAre());
  for (const std::string path : {"bin/sh", "bin/own"}) {
    EXPECT_TRUE(guests.are_one("a/" + path, "new/" + path)) << path;
    EXPECT_TRUE(guests.is_kept_by_cow("new/" + path)) << path;
  }
  EXPECT_FALSE(guests.are_one("a/etc/passwd", "new/etc/passwd"));
  EXPECT_THAT(guests.dir().names(".vcow"), ElementsAre("a", "b", "new")) << "staging is gone";
}

TEST_F(Vclone, SaysWhatIsWrongInOneLine) {
  const Guests guests;
  expect_refused(run({"vclone", "--state", guests / "state", guests / "a"}), "two guests are to be named", 2);
  expect_refused(run({"vclone", "--state", guests / "state", guests / "a", "word"}), "it has a slash", 2);
  expect_refused(run({"vclone", "--config", guests / "state", "word", "new"}), "no such directory", 2);
  guests.make_directory("etc");
  expect_refused(run({"vclone", "--config", guests / "etc", "word", "new"}), "no guest of this name", 2);
}

}  // namespace
}  // namespace vunify::test
