// SPDX-License-Identifier: Apache-2.0
// vapt in a container that runs: what it takes over of that, and what one who is root there finds of the host.
#include <csignal>
#include <filesystem>

#include "host/who_runs.h"
#include "sys/mount.h"
#include "sys/process_roots.h"
#include "tests/tools/vapt_guests.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;

class VaptInContainer : public Vapt {
 protected:
  void TearDown() override {
    if (container_ != 0) ::kill(-container_, SIGKILL), ended(container_);
  }
  // Begun by unshare(1) with these options, and there.
  void start(const std::string& options, const std::string& before = "") {
    const auto script =
        "mount -t proc proc " + root("a") + "/proc; exec " + before + " chroot " + root("a") + " sleep 1000";
    container_ = ::fork();
    if (container_ == 0) {
      ::setpgid(0, 0);
      const auto line = "exec unshare --fork --kill-child --mount --pid " + options + " sh -c '" + script + "'";
      ::execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
      ::_exit(1);
    }
    EXPECT_TRUE(eventually([&] { return first_process_of(root("a")).has_value(); }));
  }
  std::string first() const { return std::to_string(first_process_of(root("a")).value()); }

 private:
  pid_t container_ = 0;
};

TEST_F(VaptInContainer, RunsInAllItsNamespaces) {
  start("--ipc --uts --net --cgroup");
  std::string links;
  for (const auto* kind : kinds) links += link_of_process(first(), "ns/" + std::string(kind)) + "\n";
  EXPECT_EQ(told_by(namespaces + "; ls /proc/self/fd"), links + "0\n1\n2\n3\n");
}

// Its root may have CAP_SYS_PTRACE, and look into a process that is about to be its program.
TEST_F(VaptInContainer, MapsNoFileOfTheHostThatItCouldWriteTo) {
  start("");
  set_script("> /ran; until [ -e /go ]; do sleep 0.01; done", {"a"});
  const auto vapt = begin({"-q", "--no-unify", "a", "--", "x"});
  EXPECT_TRUE(begins_to_run());
  const auto processes = processes_of(vapt);
  EXPECT_EQ(processes.size(), 2u);
  for (const auto& process : processes)
    for (const auto& file : std::filesystem::directory_iterator("/proc/" + process + "/map_files")) {
      EXPECT_FALSE(Fd(::open(file.path().c_str(), O_RDWR | O_CLOEXEC))) << std::filesystem::read_symlink(file.path());
      EXPECT_THAT(errno, testing::AnyOf(EROFS, ETXTBSY));
    }
  guests_.write(tree("a/go"), "");
  EXPECT_EQ(ended(vapt), 0);
}

TEST_F(VaptInContainer, TellsNothingOfOurEnvironment) {
  start("");
  set_script("> /ran; until [ -e /go ]; do sleep 0.01; done", {"a"});
  ::setenv("SECRET", "mine", 1);
  const auto vapt = begin({"-q", "--no-unify", "a", "--", "x"});
  ::unsetenv("SECRET");
  EXPECT_TRUE(begins_to_run());
  const auto environment = "/proc/" + processes_of(vapt).back() + "/environ";
  EXPECT_EQ(read_all(open_host(environment, O_RDONLY).get(), environment).find_first_not_of('\0'), std::string::npos);
  guests_.write(tree("a/go"), "");
  EXPECT_EQ(ended(vapt), 0);
}

TEST_F(VaptInContainer, HasNoCapabilityThatItsFirstProcessHasNot) {
  start("", "setpriv --bounding-set=-chown,-setfcap");
  EXPECT_EQ(told_by("grep CapBnd /proc/self/status"), "CapBnd:\\t00000000000405fa\n");
}

// In a group of its own of the unified hierarchy, and of that of devices, where it is apart (cgroups(7), version 1).
class VaptInGroups : public VaptInContainer {
 protected:
  void TearDown() override {
    VaptInContainer::TearDown();
    for (const auto& group : groups_) EXPECT_TRUE(eventually([&] { return ::rmdir(group.c_str()) == 0; })) << group;
  }
  void start_in_groups() {
    start("");
    for (const auto& mount : read_mounts()) {
      const bool is_devices = mount.type == "cgroup" && mount.super_options.find("devices") != std::string::npos;
      if (mount.root == "/" && (is_devices || mount.type == "cgroup2")) enter(mount.point + "/vunify-" + first());
    }
  }

  std::vector<std::string> groups_;

 private:
  void enter(const std::string& group) {
    std::filesystem::create_directory(group);
    groups_.push_back(group);
    write_all(open_host(group + "/cgroup.procs", O_WRONLY).get(), first(), group);
  }
};

TEST_F(VaptInGroups, RunsInAllItsGroups) {
  start_in_groups();
  const auto path = "/proc/" + first() + "/cgroup";
  const auto groups = read_all(open_host(path, O_RDONLY).get(), path);
  EXPECT_THAT(groups, HasSubstr("/vunify-" + first()));
  EXPECT_EQ(told_by("cat /proc/self/cgroup"), groups);
}

TEST_F(VaptInGroups, RunsNothingWhereOneOfThemCannotBeJoined) {
  start_in_groups();
  set_script("> /ran", {"a"});
  std::string words;
  for (const auto& word : command({"-q", "--no-unify", "a", "--", "x"})) words += word + " ";
  const auto hierarchy = std::filesystem::path(groups_.front()).parent_path().string();
  const auto finished = run({"unshare", "-m", "sh", "-c", "umount " + hierarchy + "; " VUNIFY_BIN_DIR "/" + words});
  EXPECT_THAT(finished.out, testing::MatchesRegex("a: its control group /vunify-[0-9]+ cannot be joined: [^\n]+\n"));
  EXPECT_EQ(finished.status, 1);
  EXPECT_FALSE(was_run());
}

TEST_F(VaptInContainer, IsRootOfItsUsersOnly) {
  start("--map-root-user");
  EXPECT_EQ(told_by("readlink /proc/self/ns/user; id -u"), link_of_process(first(), "ns/user") + "\n0\n");
}

TEST_F(VaptInContainer, LeavesServicesRunning) {
  start("");
  set_script("sleep 1000 & echo begun", {"a"});
  const auto finished = vapt({"-q", "--no-unify", "a", "--", "x"});
  EXPECT_EQ(finished.out, "a: begun\n");
  EXPECT_EQ(ProcessRoots().processes_in(root("a")).size(), 2u);
}

TEST_F(VaptInContainer, IsRefusedWhereNoUpgradeCouldReplaceWhatIsShared) {
  guests_.fill({"a", "b"}, "usr/lib/shared", std::string(5000, 's'));
  must(guests_.vunify({"-q", protect_by_flag(), "--all"}));
  start("");
  set_script("> /ran");
  const auto finished = vapt({"a", "b", "--", "x"});
  EXPECT_EQ(finished.status, 3);
  EXPECT_THAT(finished.err, HasSubstr("is shared and immutable"));
  EXPECT_FALSE(was_run());
}

}  // namespace
}  // namespace vunify::test
