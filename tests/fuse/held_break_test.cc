// SPDX-License-Identifier: Apache-2.0
// What happens while a break is on its way, each at one certain moment: the daemon is held where it opens or reads the
// shared inode.
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <future>

#include "tests/eventually.h"
#include "tests/fuse/guest_mount.h"
#include "tests/fuse/held_inode.h"

namespace vunify::test {
namespace {

constexpr std::size_t large = 40 << 20;  // bytes: copied in several pieces

class HeldBreak : public GuestMount {
 protected:
  std::future<int> open_aside(const std::string& path) const {
    return std::async(std::launch::async,
                      [path] { return error_of(Fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC)).get()); });
  }
  // Opens f for writing, and has a signal while it is held; g is for another question.
  int open_and_be_told(HeldInode& held) const {
    struct sigaction nothing {};
    nothing.sa_handler = [](int) {};
    check(::sigaction(SIGUSR1, &nothing, nullptr), "sigaction");
    std::promise<std::pair<pthread_t, pid_t>> began;
    auto opener = std::async(std::launch::async, [&] {
      began.set_value({::pthread_self(), ::gettid()});
      return error_of(Fd(::open(mine("f").c_str(), O_WRONLY | O_CLOEXEC)).get());
    });
    EXPECT_TRUE(held.has_come());
    const auto [thread, id] = began.get_future().get();
    ::pthread_kill(thread, SIGUSR1);
    const auto stat = "/proc/self/task/" + std::to_string(id) + "/stat";
    EXPECT_TRUE(eventually([&] { return waits_uninterruptibly(stat); }));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(read("g"), "");  // each answered after the daemon was told of the signal
    held.let_go();
    return opener.get();
  }
  // As who has told the daemon of his signal (fs/fuse/dev.c, request_wait_answer).
  static bool waits_uninterruptibly(const std::string& stat) {
    std::ifstream file(stat);
    std::string id, name, state;
    file >> id >> name >> state;
    return state == "D";
  }
  // What the kernel has asked on this mount and is not answered yet.
  int waiting() const {
    struct stat st {};
    check(::stat(mine("").c_str(), &st), "stat");
    std::ifstream file(connections_ + "/" + std::to_string(::minor(st.st_dev)) + "/waiting");
    int count = 0;
    file >> count;
    return count;
  }
  void mount_connections() const { ::mount("fusectl", connections_.c_str(), "fusectl", 0, nullptr); }

 private:
  const std::string connections_ = "/sys/fs/fuse/connections";
};

TEST_P(HeldBreak, OfALargeFileKeepsNobodyElseWaiting) {
  share("large", std::string(large, 'x'));
  for (const auto* name : {"f", "g"}) write(name, "mine\n");
  mount();
  mount_connections();
  HeldInode held(others("large"), FAN_ACCESS_PERM);
  std::vector<std::future<int>> openers;
  for (int i = 0; i < 8; ++i) openers.push_back(open_aside(mine("large")));
  EXPECT_TRUE(held.has_come());
  EXPECT_TRUE(eventually([&] { return waiting() == 8; }));
  auto reader = std::async(std::launch::async, [&] { return read("f") + read("g"); });
  EXPECT_EQ(reader.wait_for(std::chrono::seconds(20)), std::future_status::ready) << "the mount stands still";
  held.let_go();
  for (auto& opener : openers) EXPECT_EQ(opener.get(), 0);
  EXPECT_EQ(reader.get(), "mine\nmine\n");
  EXPECT_FALSE(is_shared("large"));
}

// Natively, beneath the mount, as the host may.
TEST_P(HeldBreak, LosesNoFileThatIsPutInItsWay) {
  share("f", "shared\n");
  write("g", "native\n");
  const Fd beneath = open_host(mine(""), O_RDONLY | O_DIRECTORY);
  mount();
  EXPECT_TRUE(is_shared("f"));
  dir().inode("guest/f");
  HeldInode held(others("f"), FAN_OPEN_PERM);
  auto opener = open_aside(mine("f"));
  EXPECT_TRUE(held.has_come());
  check(::renameat(beneath.get(), "g", beneath.get(), "f"), "renameat");
  held.let_go();
  EXPECT_EQ(opener.get(), 0);
  EXPECT_EQ(read("f"), "native\n");
}

TEST_P(HeldBreak, OfASmallFileGoesOnThoughASignalCame) {
  share("f", "shared\n");
  write("g", "");
  mount();
  HeldInode held(others("f"), FAN_OPEN_PERM);
  EXPECT_EQ(open_and_be_told(held), 0);
  EXPECT_FALSE(is_shared("f"));
}

// Where data is shared nothing is copied, and nobody waits.
TEST_P(HeldBreak, IsGivenUpWithWhoWaitsForIt) {
  share("f", std::string(large, 'x'));
  write("g", "");
  mount();
  HeldInode held(others("f"), FAN_ACCESS_PERM);
  const bool copies = is_on("ext4");
  EXPECT_EQ(open_and_be_told(held), copies ? EINTR : 0);
  EXPECT_EQ(is_shared("f"), copies);
  EXPECT_TRUE(dir().names(".vcow-breaks/" + dir().names(".vcow-breaks").front()).empty());
}

TEST_P(HeldBreak, WaitsWhereTheFilesystemIsFrozen) {
  share("f", std::string(large, 'x'));
  write("g", "mine\n");
  mount();
  HeldInode held(others("f"), FAN_ACCESS_PERM);
  auto opener = open_aside(mine("f"));
  EXPECT_TRUE(held.has_come());
  must(run({"fsfreeze", "-f", filesystem().root()}));
  held.let_go();
  EXPECT_EQ(read("g"), "mine\n");
  EXPECT_NE(opener.wait_for(std::chrono::seconds(0)), std::future_status::ready);
  must(run({"fsfreeze", "-u", filesystem().root()}));
  EXPECT_EQ(opener.get(), 0);
  EXPECT_FALSE(is_shared("f"));
}

TEST_P(HeldBreak, OfAMountThatIsTakenAwayGoesOn) {
  share("f", std::string(large, 'x'));
  mount();
  HeldInode held(others("f"), FAN_ACCESS_PERM);
  auto opener = std::async(std::launch::async,
                           [&] { write_all(open_host(mine("f"), O_WRONLY | O_APPEND).get(), "more\n", "f"); });
  EXPECT_TRUE(held.has_come());
  detach();
  held.let_go();
  EXPECT_NO_THROW(opener.get());
  expect_ended();
  EXPECT_EQ(read("f"), std::string(large, 'x') + "more\n");
}

INSTANTIATE_TEST_SUITE_P(BothWays, HeldBreak, everywhere, name_of_each);

}  // namespace
}  // namespace vunify::test
