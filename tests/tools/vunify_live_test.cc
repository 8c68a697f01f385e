// SPDX-License-Identifier: Apache-2.0
// Guests that a vcow shows are unified while they run: through their daemons, which nobody in them notices.
#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <future>
#include <set>

#include "guest/mounted.h"
#include "tests/crash_points.h"
#include "tests/eventually.h"
#include "tests/root_test.h"
#include "tests/stop_process.h"
#include "tests/stopped_run.h"
#include "tests/tools/adopted_guests.h"

namespace vunify::test {
namespace {

using std::chrono::steady_clock;
using testing::HasSubstr;

class VunifyLive : public RootTestOn {
 protected:
  void SetUp() override {
    RootTestOn::SetUp();
    if (IsSkipped()) return;
    if (!fs_.ok()) GTEST_SKIP() << fs_.reason();
    const Words all{"a", "b", "c"};
    guests_.emplace(fs_.root(), in_each(all, {"bin/sh", "lib/libc.so.6"}), all);
    guests().dir().make_directory("config");
    for (const auto& guest : all) before_[guest] = image_of(guests().tree(guest));
  }
  void TearDown() override {
    for (const auto& guest : mounted_) unmount(guest);
    if (!guests_) return;
    for (const auto& guest : changed_) before_.erase(guest);
    for (const auto& [guest, image] : before_) EXPECT_EQ(image_of(guests().tree(guest)), image) << guest << " noticed";
  }

  const AdoptedGuests& guests() const { return *guests_; }
  std::string in(const std::string& path) const { return guests() / path; }
  void mount(const Words& names, const Words& more = {}) {
    for (const auto& guest : names) {
      Words words{"vcow", "mount", "--state", in("state"), "-o", GetParam()};
      words.push_back(in(guest));
      words.insert(words.end(), more.begin(), more.end());
      must(run(words));
      mounted_.insert(guest);
    }
  }
  void unmount(const std::string& guest) {
    if (const auto vcow = record_of(guest)) ::kill(vcow->process, SIGCONT);
    ::umount2(in(guest).c_str(), MNT_DETACH);
    wait_for_end(guest);
  }
  // A copy of our mounts, in somebody's mount namespace, may keep it a while.
  void wait_for_end(const std::string& guest) const {
    EXPECT_EQ(run({"flock", "-w", "300", guests().tree(guest), "true"}).status, 0);
  }
  std::optional<Mounted> record_of(const std::string& guest) const {
    return find_mounted(open_host(guests().tree(guest), O_RDONLY | O_DIRECTORY).get());
  }
  int daemon_of(const std::string& guest) const { return record_of(guest)->process; }
  int worker_of(const std::string& guest) const { return record_of(guest)->worker; }
  // From here on it is not what it was.
  void write(const std::string& path, const std::string& content) {
    changed_.insert(path.substr(0, path.find('/')));
    guests().dir().write(path, content);
  }
  std::string read(const std::string& path) const { return guests().dir().read(path); }
  Words command(const Words& names, const Words& options = {}) const {
    Words all{"--config", in("config")};
    all.insert(all.end(), options.begin(), options.end());
    return guests().words("vunify", all, names);
  }
  Json unify(const Words& names) const {
    const auto finished = run(command(names, {"--json"}));
    const auto report = Json::parse(finished.out, nullptr, false);
    EXPECT_FALSE(report.is_discarded()) << finished.err << finished.out;
    return report;
  }
  void expect_all_is_there() const {
    for (const std::string guest : {"a", "b"})
      for (const std::string path : {"/bin/sh", "/lib/libc.so.6"})
        EXPECT_EQ(read(guest + path), read(".vcow/c" + path));
  }
  bool are_one(const std::string& path) const { return guests().are_one("a/" + path, "b/" + path); }

 private:
  LoopFs fs_{"ext4", 320};
  std::optional<AdoptedGuests> guests_;
  std::set<std::string> mounted_, changed_;
  std::map<std::string, std::map<std::string, std::string>> before_;
};

struct stat stat_of(const std::string& path) {
  struct stat st {};
  check(::stat(path.c_str(), &st), "stat", path);
  return st;
}

std::uint64_t listed_number(const std::string& directory, const std::string& leaf) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(directory.c_str()), ::closedir);
  while (const auto* entry = ::readdir(dir.get()))
    if (entry->d_name == leaf) return entry->d_ino;
  return 0;
}

TEST_P(VunifyLive, GuestsThatAreBothMountedShare) {
  mount({"a", "b"});
  const auto before = stat_of(in("a/bin/sh"));
  const auto report = unify({"a", "b"});
  EXPECT_EQ(report["linked_files"], 2) << report.dump(1);
  EXPECT_TRUE(report["failed"].empty()) << report.dump(1);
  EXPECT_TRUE(are_one("bin/sh"));
  const auto after = stat_of(in("a/bin/sh"));
  EXPECT_EQ(after.st_nlink, 1u);
  EXPECT_EQ(after.st_ino, before.st_ino);
  EXPECT_EQ(read("a/bin/sh"), read("b/bin/sh"));
}

TEST_P(VunifyLive, OneThatIsMountedSharesWithOneThatIsNot) {
  mount({"a"});
  EXPECT_EQ(unify({"a", "b"})["linked_files"], 2);
  EXPECT_TRUE(are_one("bin/sh"));
  EXPECT_EQ(stat_of(in("a/bin/sh")).st_nlink, 1u);
}

TEST_P(VunifyLive, WhatTheKernelKeepsIsTrueAtOnce) {
  mount({"a", "b"});
  for (const auto* guest : {"a", "b"}) {
    read(std::string(guest) + "/bin/sh");
    listed_number(in(std::string(guest) + "/bin"), "sh");
  }
  must(shell("echo 2 > /proc/sys/vm/drop_caches"));  // some of it is forgotten, some is not
  read("a/bin/sh");
  unify({"a", "b"});
  for (const auto* guest : {"a", "b"}) {
    const auto dir = in(std::string(guest) + "/bin");
    const auto seen = stat_of(dir + "/sh");
    EXPECT_EQ(seen.st_nlink, 1u);
    EXPECT_EQ(listed_number(dir, "sh"), seen.st_ino);
    EXPECT_EQ(seen.st_size, stat_of(guests().tree(std::string(guest) + "/bin/sh")).st_size);
    const auto beneath = guests().inode(guest).stamp;
    EXPECT_EQ(stat_of(in(guest)).st_ctim.tv_nsec, static_cast<long>(beneath.ctime.nsec));
    EXPECT_EQ(stat_of(dir).st_ctim.tv_nsec,
              static_cast<long>(guests().inode(std::string(guest) + "/bin").stamp.ctime.nsec));
  }
}

TEST_P(VunifyLive, WhatOneWritesAfterwardsIsHisOwn) {
  mount({"a", "b"});
  unify({"a", "b"});
  write("a/bin/sh", "changed\n");
  EXPECT_EQ(read("a/bin/sh"), "changed\n");
  EXPECT_NE(read("b/bin/sh"), "changed\n");
  EXPECT_FALSE(are_one("bin/sh"));
}

TEST_P(VunifyLive, ReadersAndMapsKeepWhatTheyHave) {
  mount({"a", "b"});
  const auto before = read("a/bin/sh");
  const Fd file = open_host(in("a/bin/sh"), O_RDONLY);
  void* map = ::mmap(nullptr, before.size(), PROT_READ, MAP_SHARED, file.get(), 0);
  const auto number = stat_of(in("a/bin/sh")).st_ino;
  EXPECT_EQ(unify({"a", "b"})["linked_files"], 2);
  EXPECT_EQ(stat_of(in("a/bin/sh")).st_ino, number);
  EXPECT_EQ(stat_fd(file.get()).nlink, 1u);
  write("a/bin/sh", "changed\n");
  write("b/bin/sh", "changed too\n");
  EXPECT_EQ(read_all(file.get(), "sh"), before);
  EXPECT_EQ(std::string(static_cast<char*>(map), before.size()), before);
  EXPECT_EQ(read("a/bin/sh"), "changed\n");
  ::munmap(map, before.size());
}

TEST_P(VunifyLive, ProgramsGoOn) {
  for (const auto* guest : {"a", "b"}) {
    must(shell("cp -p /bin/sleep " + guests().tree(guest) + "/bin/sleep; touch -d @1 " + guests().tree(guest) +
               "/bin/sleep"));
    write(std::string(guest) + "/../note", "");  // both have one file more
  }
  mount({"a", "b"});
  must(shell(in("a/bin/sleep") + " 60 & pid=$!; until [ /proc/$pid/exe -ef " + in("a/bin/sleep") + " ]; do :; done; " +
             "echo $pid > " + in("pid")));
  const int process = std::stoi(read("pid"));
  EXPECT_EQ(unify({"a", "b"})["linked_files"], 3);
  EXPECT_TRUE(are_one("bin/sleep"));
  EXPECT_EQ(::kill(process, 0), 0);
  EXPECT_EQ(run({in("a/bin/sleep"), "0"}).status, 0);
  ::kill(process, SIGKILL);
  must(shell("rm " + in("a/bin/sleep") + " " + in("b/bin/sleep")));
}

TEST_P(VunifyLive, WhatIsOpenForWritingIsLeftAlone) {
  mount({"a", "b"});
  {
    const Fd writer = open_host(in("a/bin/sh"), O_RDWR);
    const auto report = unify({"a", "b"});
    EXPECT_EQ(report["linked_files"], 1) << report.dump(1);
    EXPECT_EQ(report["skipped"]["open-for-writing"], 1) << report.dump(1);
    EXPECT_FALSE(are_one("bin/sh"));
  }
  EXPECT_TRUE(eventually([&] { return unify({"a", "b"})["linked_files"] == 1; }));
}

TEST_P(VunifyLive, TheNextNightRests) {
  mount({"a", "b"});
  unify({"a", "b"});
  for (const bool is_mounted : {true, false}) {
    if (!is_mounted) unmount("a"), unmount("b");
    const auto second = unify({"a", "b"});
    EXPECT_EQ(second["linked_files"], 0) << second.dump(1);
    EXPECT_EQ(second["read_files"], 0) << second.dump(1);
    EXPECT_EQ(second["shared_files"], 4) << second.dump(1);
  }
}

TEST_P(VunifyLive, OneThatDoesNotAnswerIsLeftAloneAndTold) {
  mount({"a"});
  StoppedRun vunify(command({"a", "b", "c"}, {"--json", "--jobs=1"}), "renameat2", 1, in("trace"));
  const int daemon = worker_of("a");
  stop_process(daemon);
  const auto begin = steady_clock::now();
  const auto finished = vunify.go_on();
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(10));
  check(::kill(daemon, SIGCONT), "kill");
  const auto report = Json::parse(finished.out, nullptr, false);
  EXPECT_THAT(report["failed"].dump(), HasSubstr("gave no answer")) << report.dump(1);
  EXPECT_TRUE(guests().are_one("b/bin/sh", "c/bin/sh"));
  EXPECT_EQ(unify({"a", "b", "c"})["shared_files"], 6);
}

TEST_P(VunifyLive, OneThatWasStoppedBeforeIsLeftAsMounted) {
  mount({"a"});
  const int daemon = worker_of("a");
  stop_process(daemon);
  const auto report = unify({"a", "b", "c"});
  check(::kill(daemon, SIGCONT), "kill");
  EXPECT_EQ(report["skipped"]["mounted"], 2) << report.dump(1);
  EXPECT_TRUE(guests().are_one("b/bin/sh", "c/bin/sh"));
}

TEST_P(VunifyLive, ARunThatStandsStillKeepsNobodyForLong) {
  mount({"a", "b"});
  stat_of(in("a/bin/sh"));
  stat_of(in("b/bin/sh"));
  StoppedRun vunify(command({"a", "b"}, {"--jobs=1"}), "renameat2", 1, in("trace"));
  expect_all_is_there();
  // Who wants to write waits for the lease, as natively.
  auto writers = std::async(std::launch::async, [this] {
    write("a/bin/sh", "changed\n");
    write("a/lib/libc.so.6", "changed\n");
  });
  vunify.go_on();
  writers.get();
  EXPECT_EQ(read("a/bin/sh"), "changed\n");
  EXPECT_EQ(read("a/lib/libc.so.6"), "changed\n");
}

TEST_P(VunifyLive, ARunThatIsKilledLosesNothingAndTheNextHeals) {
  mount({"a", "b"});
  for (int n = 1; n <= 4; ++n) {
    try {
      StoppedRun vunify(command({"a", "b"}, {"--jobs=1"}), "renameat2", n, in("trace" + std::to_string(n)));
      ::kill(vunify.process(), SIGKILL);
    } catch (const std::runtime_error&) {
      break;
    }
    expect_all_is_there();
  }
  const auto report = unify({"a", "b"});
  EXPECT_TRUE(report["failed"].empty()) << report.dump(1);
  EXPECT_EQ(report["shared_files"], 4);
}

// Killed at any step of a run: the next one finishes, through the same daemons, and it can be taken back.
TEST_P(VunifyLive, ARunThatIsKilledAtAnyStepIsFinishedByTheNext) {
  mount({"a", "b"});
  sweep(1, 7, 4, [&](int step) {
    const auto finished = run_until({step, 0, {}}, command({"a", "b"}, {"--jobs=1"}));
    expect_all_is_there();
    const auto report = unify({"a", "b"});
    EXPECT_EQ(report["shared_files"], 4) << report.dump(1);
    expect_all_is_there();
    must(run(command({"a", "b"}, {"-R"})));
    return finished;
  });
}

TEST_P(VunifyLive, AWorkerThatIsKilledLosesNothing) {
  mount({"a", "b"});
  for (int n = 1; n <= 4; ++n) {
    {
      StoppedRun vunify(command({"a", "b"}, {"--jobs=1"}), "renameat2", n, in("trace" + std::to_string(n)));
      ::kill(worker_of("a"), SIGKILL);
      vunify.go_on();
    }
    expect_all_is_there();
    EXPECT_TRUE(eventually([&] { return unify({"a", "b"})["shared_files"] == 4; }));  // it is another one's by then
    must(run(command({"a", "b"}, {"-R"})));
  }
}

TEST_P(VunifyLive, ADaemonThatIsKilledLosesNothing) {
  mount({"a", "b"});
  {
    StoppedRun vunify(command({"a", "b"}, {"--jobs=1"}), "renameat2", 1, in("trace"));
    ::kill(daemon_of("a"), SIGKILL);
    vunify.go_on();
  }
  ::umount2(in("a").c_str(), MNT_DETACH);
  wait_for_end("a");
  mount({"a"});
  expect_all_is_there();
  const auto report = unify({"a", "b"});
  EXPECT_EQ(report["shared_files"], 4) << report.dump(1);
}

TEST_P(VunifyLive, WhatIsSeenNativelyStaysApart) {
  mount({"a", "b"}, {});
  unmount("a");
  Words native{"vcow", "mount", "-o", "native=/lib", in("a")};
  must(run(native));
  const auto report = unify({"a", "b"});
  EXPECT_EQ(report["linked_files"], 1) << report.dump(1);
  EXPECT_FALSE(are_one("lib/libc.so.6"));
  must(run({"vcow", "umount", in("a")}));
}

TEST_P(VunifyLive, IsTakenBack) {
  mount({"a", "b"});
  unify({"a", "b"});
  const Fd reader = open_host(in("a/bin/sh"), O_RDONLY);
  must(run(command({"a"}, {"-R"})));
  EXPECT_FALSE(are_one("bin/sh"));
  EXPECT_EQ(read("a/bin/sh"), read("b/bin/sh"));
  write("b/bin/sh", "changed\n");
  EXPECT_NE(read("a/bin/sh"), "changed\n");
  EXPECT_NE(read_all(reader.get(), "sh"), "changed\n");
}

INSTANTIATE_TEST_SUITE_P(BothWays, VunifyLive, testing::Values("rw", "nopassthrough"), name_of_each);

}  // namespace
}  // namespace vunify::test
