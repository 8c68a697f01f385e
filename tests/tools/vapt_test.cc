// SPDX-License-Identifier: Apache-2.0
// vapt: a guest's own "package manager", a script here, run where it reaches nothing but its guest.
#include <csignal>
#include <filesystem>
#include <future>

#include "sys/directory.h"
#include "sys/process_roots.h"
#include "tests/mounts_elsewhere.h"
#include "tests/tools/vapt_guests.h"

namespace vunify::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST_F(Vapt, RunsNothingWhereOneGuestOrWordWillNotDo) {
  set_script("> /ran");
  const auto is_told = [&](const Words& words, int status, const std::string& reason) {
    const auto finished = vapt(words);
    EXPECT_EQ(finished.status, status) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr(reason));
    EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1) << finished.err;
  };
  is_told({"a", "b"}, 2, "nothing is asked of the package managers");
  is_told({"a", "--"}, 2, "nothing is asked of the package managers");
  is_told({"--", "update"}, 2, "guests are to be named, or --all");
  is_told({"a", "--all", "--", "update"}, 2, "guests are to be named, or --all");
  is_told({"a", "wbe", "--", "update"}, 2, "wbe: no guest of this name");
  std::filesystem::remove(guests_ / "vs/b/usr/bin/apt-get");
  is_told({"a", "b", "--", "update"}, 3, "b: no package manager that is known");
  EXPECT_FALSE(was_run());
}

TEST_F(Vapt, LeavesOutOfAllWhomItCannotUpgrade) {
  set_script("echo \"$@\"");
  std::filesystem::remove_all(guests_ / "vs/b/var/lib/dpkg");
  const auto finished = vapt({"--all", "--no-unify", "--", "-y", "dist-upgrade", "--", "x"});
  EXPECT_EQ(finished.status, 1);
  EXPECT_THAT(finished.err, HasSubstr("b: no package manager"));
  EXPECT_THAT(finished.out, HasSubstr("a: -y dist-upgrade -- x\n"));
}

TEST_F(Vapt, TellsLineByLineWhoSaysWhatAndHowItEnded) {
  set_script(R"(printf 'one\n10%%\r20%%\r\n\033[31mred\n'; echo wrong >&2; printf end; exit 100)", {"a"});
  set_script("exit 0", {"b"});
  const auto finished = vapt({"--all", "--no-unify", "--", "x"});
  EXPECT_EQ(finished.status, 1);
  EXPECT_THAT(finished.out, HasSubstr("a: one\na: 20%\na: \\x1B[31mred\na: wrong\na: end\n"));
  EXPECT_THAT(finished.out, testing::ContainsRegex("guest +exit +seconds\na +100 .*\nb +0 "));
}

TEST_F(Vapt, GivesAStoppedGuestNamespacesOfItsOwnButTheNetwork) {
  std::istringstream lines(told_by(namespaces + "; echo $$"));
  for (const auto* kind : kinds) {
    std::string link;
    std::getline(lines, link);
    const bool is_ours = link == link_of_process("self", "ns/" + std::string(kind));
    EXPECT_EQ(is_ours, kind == std::string("net") || kind == std::string("user")) << kind;
  }
  std::string number;
  std::getline(lines, number);
  EXPECT_EQ(number, "2");
}

// With a terminal, an open file and a secret of ours.
TEST_F(Vapt, InheritsNeitherFilesNorEnvironmentNorATerminal) {
  set_script(
      "env; ls /proc/self/fd; tty; cat < /dev/tty; ls -l /proc/1/exe; cat /proc/1/environ /proc/1/cmdline; id -G");
  std::string words;
  for (const auto& word : command({"-q", "--no-unify", "a", "--", "x"})) words += word + " ";
  const auto out =
      shell("export SECRET=mine; exec 7</etc/passwd; script -qec '" VUNIFY_BIN_DIR "/" + words + "' /dev/null").out;
  EXPECT_THAT(out,
              AllOf(Not(HasSubstr("SECRET")), HasSubstr("DEBIAN_FRONTEND=noninteractive"), HasSubstr("not a tty")));
  EXPECT_THAT(out,
              AllOf(HasSubstr("a: 0\r\na: 1\r\na: 2\r\na: 3\r\na: not a tty"), HasSubstr("/dev/tty: No such device")));
  EXPECT_THAT(out, AllOf(HasSubstr("can't open '/proc/1/environ'"), Not(HasSubstr("vapt --"))));
  EXPECT_THAT(out,
              AllOf(HasSubstr("/proc/1/exe: cannot read link"), Not(HasSubstr("--config")), HasSubstr("a: 0\r\n")));
}

TEST_F(Vapt, MountsAndWritesNothingThatIsSeenElsewhere) {
  set_script("mkdir /run/made /dev/shm/made; echo > /dev/null; head -c1 /dev/zero | grep -c .");
  const auto before = image_of(root("a"));
  const auto finished = vapt({"--no-unify", "a", "--", "x"});
  EXPECT_EQ(finished.status, 0) << finished.out << finished.err;
  EXPECT_EQ(image_of(root("a")), before);
  for (const auto& mount : read_mounts()) EXPECT_FALSE(mount.point.starts_with(guests_.root())) << mount.point;
}

TEST_F(Vapt, GivesNoRightsThatInstallingDoesNotTake) {
  EXPECT_THAT(told_by("grep CapBnd /proc/self/status; grep Seccomp: /proc/self/status"),
              "CapBnd:\\t00000000800405fb\nSeccomp:\\t2\n");
  must(shell("mknod -m 666 " + root("a") + "/zero c 1 5"));
  EXPECT_THAT(told_by("head -c1 /zero"), HasSubstr("Permission denied"));
  EXPECT_THAT(told_by("echo x > /proc/self/oom_score_adj; echo x > /sys/kernel/uevent_seqnum"),
              AllOf(HasSubstr("oom_score_adj: Read-only"), HasSubstr("uevent_seqnum: Read-only")));
  EXPECT_EQ(told_by("grep ' \\(/dev\\|/dev/shm\\|/run\\) tmpfs ' /proc/mounts | grep -c nr_inodes"), "3\n");
}

TEST_F(Vapt, ShowsTheHostsResolverWhereTheGuestHasNone) {
  guests_.write("vs/a/etc/resolv.conf", "");
  const auto hosts = run({"cat", "/etc/resolv.conf"}).out;
  EXPECT_EQ(told_by("cat /etc/resolv.conf"), hosts);
  EXPECT_EQ(guests_.read("vs/a/etc/resolv.conf"), "");
  guests_.write("vs/a/etc/resolv.conf", "nameserver 192.0.2.1\n");
  EXPECT_EQ(told_by("cat /etc/resolv.conf"), "nameserver 192.0.2.1\n");
  std::filesystem::remove(guests_ / "vs/a/etc/resolv.conf");
  std::filesystem::create_symlink("../run/resolve/stub", guests_ / "vs/a/etc/resolv.conf");
  EXPECT_EQ(told_by("cat /etc/resolv.conf"), hosts);
  EXPECT_THAT(guests_.names("vs/a/run"), IsEmpty());
}

TEST_F(Vapt, RunsSoManyAtATime) {
  set_script("> /ran; until [ -e /go ]; do sleep 0.01; done");
  auto finished = std::async(std::launch::async, [&] {
    return vapt({"--jobs", "2", "--no-unify", "--all", "--", "x"});
  });
  const bool are_both = eventually([&] { return guests_.exists("vs/a/ran") && guests_.exists("vs/b/ran"); });
  for (const auto* name : {"a", "b"}) guests_.write(tree(name + std::string("/go")), "");
  EXPECT_TRUE(are_both);
  EXPECT_EQ(finished.get().status, 0);
}

TEST_F(Vapt, LeavesNoProcessBehind) {
  set_script("sleep 1000 &");
  EXPECT_EQ(vapt({"-q", "--no-unify", "a", "--", "x"}).status, 0);
  EXPECT_THAT(ProcessRoots().processes_in(root("a")), IsEmpty());
}

// vapt, its vcow, and two of the guest say where it lies, or what was asked.
TEST_F(Vapt, LeavesNothingBehindWhenItIsKilled) {
  adopt();
  set_script("sh /sleeper \"$1\" & > /ran; sleep 1000", {"a"});
  guests_.write(tree("a/sleeper"), "sleep 1000; true\n");
  const auto vapt = begin({"-q", "--no-unify", "a", "--", guests_.root()});
  EXPECT_TRUE(begins_to_run());
  EXPECT_TRUE(eventually([&] { return processes_that_say(guests_.root()) >= 4; }));
  ::kill(vapt, SIGKILL);
  ended(vapt);
  EXPECT_TRUE(eventually([&] { return processes_that_say(guests_.root()) == 0; }));
  const Fd kept = open_host(guests_ / tree("a"), O_RDONLY | O_DIRECTORY);
  EXPECT_TRUE(eventually([&] { return lock_exclusively(kept.get()); }));
}

TEST_F(Vapt, BeginsNoOtherGuestOnceItIsInterrupted) {
  set_script("trap 'exit 7' INT; > /ran; while sleep 0.01; do :; done", {"a"});
  set_script("> /ran", {"b"});
  const auto vapt = begin({"-q", "--no-unify", "a", "b", "--", "x"});
  EXPECT_TRUE(begins_to_run());
  ::kill(vapt, SIGTERM);
  EXPECT_EQ(ended(vapt), 143);
  EXPECT_FALSE(guests_.exists("vs/b/ran"));
}

TEST_F(Vapt, KillsWhatDoesNotEndWhenItIsInterruptedOnceMore) {
  set_script("trap '' INT TERM; > /ran; for i in $(seq 500); do sleep 0.01; done; > /outlived", {"a"});
  set_script("> /ran", {"b"});
  const auto vapt = begin({"-q", "--no-unify", "a", "b", "--", "x"});
  EXPECT_TRUE(begins_to_run());
  ::kill(vapt, SIGTERM);
  ::kill(vapt, SIGINT);
  EXPECT_THAT(ended(vapt), testing::AnyOf(130, 143));
  EXPECT_FALSE(guests_.exists("vs/a/outlived") || guests_.exists("vs/b/ran"));
  EXPECT_TRUE(eventually([&] { return ProcessRoots().processes_in(root("a")).empty(); }));
}

// A guest may open the pipe as well, and take what is in it between the wait for it and the read.
TEST_F(Vapt, ReadsNoOutputThatItWouldWaitFor) {
  set_script("> /ran; until [ -e /go ]; do sleep 0.01; done", {"a"});
  const auto vapt = begin({"-q", "--no-unify", "a", "--", "x"});
  EXPECT_TRUE(begins_to_run());
  const auto output = link_of_process(processes_of(vapt).back(), "fd/1"), number = std::to_string(vapt);
  std::vector<std::string> read;
  for (const auto& file : list_names(open_host("/proc/" + number + "/fd", O_RDONLY | O_DIRECTORY).get()))
    if (link_of_process(number, "fd/" + file) == output) read.push_back("/proc/" + number + "/fdinfo/" + file);
  ASSERT_EQ(read.size(), 1u);
  EXPECT_THAT(read_all(open_host(read[0], O_RDONLY).get(), read[0]), HasSubstr("flags:\t02004000"));  // O_NONBLOCK
  guests_.write(tree("a/go"), "");
  EXPECT_EQ(ended(vapt), 0);
}

TEST_F(Vapt, IsAloneWithAState) {
  set_script("> /ran");
  const auto state = guests_ / "state";
  const auto finished =
      shell("mkdir -m 700 -p " + state + "; flock " + state + "/vapt.lock " VUNIFY_BIN_DIR "/vapt --config " +
            guests_ / "config" + " --state " + state + " a -- x");
  EXPECT_EQ(finished.status, 4) << finished.err;
  EXPECT_FALSE(was_run());
}

// --- where files are shared

TEST_F(Vapt, UnifiesWhatGuestsWereGivenAlike) {
  adopt();
  set_script("head -c 100000 /bin/busybox > /usr/bin/new; touch -d @0 /usr/bin/new");
  const auto finished = vapt({"a", "b", "--", "install"});
  EXPECT_EQ(finished.status, 0) << finished.out << finished.err;
  EXPECT_TRUE(guests_.are_one(".vcow/a/usr/bin/new", ".vcow/b/usr/bin/new"));
  EXPECT_THAT(guests_.names("vs/a"), IsEmpty());  // no vcow is mounted there any more
}

TEST_F(Vapt, WritesToNothingThatOthersShare) {
  guests_.fill({"a", "b"}, "usr/lib/shared", std::string(5000, 's'));
  must(guests_.vunify({"-q", protect_by_flag(), "--all"}));
  ASSERT_TRUE(guests_.are_one("a/usr/lib/shared", "b/usr/lib/shared"));
  EXPECT_EQ(told_by("echo more >> /usr/lib/shared && grep -c more /usr/lib/shared"), "1\n");
  EXPECT_EQ(guests_.read("vs/b/usr/lib/shared"), std::string(5000, 's'));
}

TEST_F(Vapt, RefusesAGuestThatRunsInOurPidNamespace) {
  set_script("> /ran");
  const MountsElsewhere guest("true", root("a"));
  const auto finished = vapt({"a", "--", "x"});
  EXPECT_EQ(finished.status, 3);
  EXPECT_THAT(finished.err, HasSubstr("in no container that can be entered"));
  EXPECT_FALSE(was_run());
}

}  // namespace
}  // namespace vunify::test
