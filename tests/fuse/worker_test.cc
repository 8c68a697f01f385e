// SPDX-License-Identifier: Apache-2.0
// A worker that is killed, whenever that is, is replaced by another one, and nobody in the guest notices; and another
// program takes the place of the one that serves.
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include <csignal>
#include <filesystem>

#include "guest/mounted.h"
#include "sys/processes.h"
#include "tests/crash_points.h"
#include "tests/eventually.h"
#include "tests/fuse/guest_mount.h"

namespace vunify::test {
namespace {

class Worker : public GuestMount {
 protected:
  Mounted told() const {
    for (auto& one : list_mounted())
      if (one.mount_point == mine("").substr(0, mine("").size() - 1)) return one;
    return {};
  }
  void replace() const {
    const auto before = told().replaced;
    check(::kill(worker_of(mine("")), SIGKILL), "kill");
    EXPECT_TRUE(eventually([&] { return told().replaced == before + 1; }));
  }
  std::string inode_of(const std::string& path) const { return std::to_string(dir().inode("guest/" + path).ino); }
};

TEST_P(Worker, IsReplacedAndWhatIsOpenGoesOn) {
  share("shared", "shared\n");
  share("read", "shared\n");
  mount();
  write("own", "own\n");
  write("gone", "gone\n");
  const Fd own = open_host(mine("own"), O_RDWR | O_APPEND), gone = open_host(mine("gone"), O_RDWR);
  const Fd reader = open_host(mine("read"), O_RDONLY), locked = open_host(mine("shared"), O_RDONLY);
  check(::unlink(mine("gone").c_str()), "unlink");
  check(::flock(locked.get(), LOCK_EX), "flock");
  write_all(open_host(mine("read"), O_WRONLY | O_APPEND).get(), "more\n", "read");
  for (int i = 0; i < 3; ++i) replace();
  write_all(own.get(), "more\n", "own");
  write_all(gone.get(), "G", "gone");
  EXPECT_EQ(read("own"), "own\nmore\n");
  EXPECT_EQ(read_all(reader.get(), "read"), "shared\n");
  EXPECT_EQ(read("read"), "shared\nmore\n");
  EXPECT_EQ(stat_fd(gone.get()).nlink, 0u);
  EXPECT_EQ(error_of(::flock(open_host(mine("shared"), O_RDONLY).get(), LOCK_EX | LOCK_NB)), EWOULDBLOCK);
  EXPECT_TRUE(is_shared("shared"));
}

TEST_P(Worker, IsReplacedAndWhoMapsRunsOrStandsThereGoesOn) {
  mount();
  std::filesystem::copy_file("/bin/sleep", mine("program"));
  dir().make_directory("guest/at");
  must(shell("cd " + mine("at") + " && ../program 60 & echo $! > " + (dir() / "pid")));
  write("mapped", "12345678");
  const Fd file = open_host(mine("mapped"), O_RDWR);
  auto* map = static_cast<char*>(::mmap(nullptr, 8, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0));
  map[0] = 'a';
  replace();
  map[1] = 'b';
  ::msync(map, 8, MS_SYNC);
  ::munmap(map, 8);
  EXPECT_EQ(read("mapped"), "ab345678");
  must(shell("test $(stat -Lc %i /proc/$(cat " + (dir() / "pid") + ")/cwd) = " + inode_of("at")));
  must(shell("kill $(cat " + (dir() / "pid") + ")"));
}

TEST_P(Worker, IsReplacedAndLeavesNothingOpen) {
  share("shared");
  mount();
  const auto open = [path = "/proc/" + std::to_string(daemon_of(mine(""))) + "/fd"] {
    return std::distance(std::filesystem::directory_iterator(path), {});
  };
  const auto replace_and_use = [&] {
    replace();
    EXPECT_EQ(read("shared"), "shared\n");  // it has opened all that it ever does
  };
  replace_and_use();
  const auto before = open();
  for (int i = 0; i < 5; ++i) {
    replace_and_use();
    EXPECT_TRUE(eventually([&] { return open() <= before; }));  // the kernel closes a moment later
  }
}

TEST_P(Worker, AfterWorkerDiesAndTheGuestIsUnmounted) {
  mount();
  EXPECT_TRUE(eventually([&] {
    const int worker = worker_of(mine(""));
    if (worker != 0) ::kill(worker, SIGKILL);
    return daemon_of(mine("")) == 0;
  }));
  expect_ended();
  EXPECT_EQ(shell("mountpoint -q " + mine("")).status, 32);
}

INSTANTIATE_TEST_SUITE_P(BothWays, Worker, both_ways, name_of_each);

// Each kind of request once, and what it leaves.
constexpr auto each_request =
    "mkdir made && mknod fifo p && ln -s to sym && printf new > created && printf more >> append && printf new > empty "
    "&& "
    "chmod 600 mode && truncate -s 5 cut && ln linked link && mv -T moved over && mv created renamed && rm removed && "
    "rmdir directory && setfattr -n user.a -v b attribute && setfattr -x user.a attribute && cat append empty cut over "
    "renamed link && ls && stat -c '%n %h %a' mode link linked over";
constexpr auto result =
    "sharedmorenewshareovernewshared"
    "append\nattribute\ncut\nempty\nfifo\nlink\nlinked\nmade\nmode\nover\nrenamed\nsym\n"
    "mode 1 600\nlink 2 644\nlinked 2 644\nover 1 644\n";

class KilledOnce : public Worker {
 protected:
  Finished work_killed_at(int step, const std::string& when) {
    const auto in = std::to_string(step) + when + "/";
    for (const std::string name : {"append", "empty", "mode", "cut", "linked", "moved", "removed", "attribute"})
      share(in + name, name == "moved" ? "over" : "shared");
    dir().write("guest/" + in + "over", "old");
    dir().make_directory("guest/" + in + "directory");
    watch_other();
    const std::string options = GetParam() == std::string("nopassthrough") ? GetParam() : "rw";
    const auto mounted = run_until({step, 0, {}, when}, {"vcow", "mount", "-o", options, mine("")});
    if (mounted.status != 0) {  // before there was a worker
      ::umount2(mine("").c_str(), MNT_DETACH);
      return {killed, {}, {}};
    }
    const auto done = shell("cd " + mine(in) + " && " + each_request);
    EXPECT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(done.out, result);
    const bool was_killed = told().replaced != 0;
    unmount();
    return was_killed ? Finished{killed, {}, {}} : done;
  }
};

TEST_P(KilledOnce, BeforeAnyStepDoesAllOnce) {
  sweep(1, 3, 20, [&](int step) { return work_killed_at(step, "before"); });
}

TEST_P(KilledOnce, AfterAnyStepDoesAllOnce) {
  sweep(2, 3, 20, [&](int step) { return work_killed_at(step, "after"); });
}

INSTANTIATE_TEST_SUITE_P(, KilledOnce, testing::Values("passthrough"), name_of_each);

class UpgradeVcow : public Worker {};

TEST_P(UpgradeVcow, SwapsTheProgramUnderWhatIsOpen) {
  share("f", "shared\n");
  const auto program = dir() / "vcow", installed = dir() / "installed";
  std::filesystem::copy_file(VUNIFY_BIN_DIR "/vcow", program);
  mount(program);
  const Fd reader = open_host(mine("f"), O_RDONLY), own = open_host(mine("own"), O_RDWR | O_CREAT);
  write_all(open_host(mine("f"), O_WRONLY | O_APPEND).get(), "more\n", "f");
  const int daemon = daemon_of(mine(""));
  for (int i = 0; i < 2; ++i) {
    std::filesystem::copy_file(VUNIFY_BIN_DIR "/vcow", installed);
    std::filesystem::rename(installed, program);
    must(run({program, "upgrade", mine("")}));
  }
  EXPECT_EQ(daemon_of(mine("")), daemon);
  EXPECT_EQ(link_of_process(std::to_string(worker_of(mine(""))), "exe"), program);
  write_all(own.get(), "own\n", "own");
  EXPECT_EQ(read_all(reader.get(), "f"), "shared\n");
  EXPECT_EQ(read("f") + read("own"), "shared\nmore\nown\n");
}

TEST_P(UpgradeVcow, ToAProgramThatDiesAtOnceReturnsToTheOneBefore) {
  const auto program = dir() / "vcow";
  std::filesystem::copy_file(VUNIFY_BIN_DIR "/vcow", program);
  mount(program);
  const Fd own = open_host(mine("own"), O_RDWR | O_CREAT);
  std::string words;
  for (const auto& word : words_until({1, 0, {}, "before", dir() / "died"})) words += word + " ";
  dir().write("dies", "#!/bin/sh\nexec " + words + VUNIFY_BIN_DIR "/vcow \"$@\"\n");
  std::filesystem::permissions(dir() / "dies", std::filesystem::perms::owner_all);
  std::filesystem::rename(dir() / "dies", program);
  check(::kill(daemon_of(mine("")), SIGUSR2), "kill");
  EXPECT_TRUE(eventually([&] { return told().returns == 1; }));
  write_all(own.get(), "own\n", "own");
  EXPECT_EQ(read("own"), "own\n");
}

TEST_P(UpgradeVcow, ToAProgramAtAnotherPathIsRefused) {
  mount();
  std::filesystem::copy_file(VUNIFY_BIN_DIR "/vcow", dir() / "vcow");
  EXPECT_EQ(run({dir() / "vcow", "upgrade", mine("")}).status, 3);
}

TEST_P(UpgradeVcow, OfWhatIsNotMountedIsRefused) {
  const auto refused = run({"vcow", "upgrade", mine("")});
  EXPECT_EQ(refused.status, 3);
  EXPECT_NE(refused.err.find("no vcow shows it"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(BothWays, UpgradeVcow, both_ways, name_of_each);

}  // namespace
}  // namespace vunify::test
