// SPDX-License-Identifier: Apache-2.0
#include "change/put_back.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "tests/act_before.h"
#include "tests/scratch.h"

namespace vunify::test {
namespace {

// An exchange has been made: the guest's name "g/x" leads to the keeper, and its old file is in staging, as "s/0".
class Exchanged {
 public:
  Exchanged() : dir_{{"g/x", "keeper"}, {"s/0", "victim"}}, staging_(open("s")), guest_{open("g"), "x"} {
    keeper_ = open_host(dir_ / "g/x", O_PATH);
    ours_ = stat_fd(keeper_.get()).ino;
    came_out_ = dir_.inode("s/0").ino;
  }
  bool put_back() const { return vunify::put_back({staging_.get(), "0"}, guest_, came_out_, ours_); }
  const Scratch& dir() const { return dir_; }
  std::uint64_t came_out() const { return came_out_; }

 private:
  Fd open(const std::string& path) const { return open_host(dir_ / path, O_RDONLY | O_DIRECTORY); }

  Scratch dir_;
  Fd staging_;
  Fd keeper_;
  Name guest_;
  std::uint64_t ours_ = 0, came_out_ = 0;
};

using Names = std::vector<std::string>;

TEST(PutBack, LeadsTheNameToItsOldFile) {
  const Exchanged exchanged;
  EXPECT_TRUE(exchanged.put_back());
  EXPECT_EQ(exchanged.dir().read("g/x"), "victim");
  EXPECT_EQ(exchanged.dir().names("s"), Names{});
}

TEST(PutBack, LeavesWhatTheGuestReplaced) {
  const Exchanged exchanged;
  exchanged.dir().write("g/new", "new");
  std::filesystem::rename(exchanged.dir() / "g/new", exchanged.dir() / "g/x");
  EXPECT_TRUE(exchanged.put_back());
  EXPECT_EQ(exchanged.dir().read("g/x"), "new");
  EXPECT_EQ(exchanged.dir().names("s"), Names{});
}

TEST(PutBack, LeavesARemovedNameRemoved) {
  const Exchanged exchanged;
  std::filesystem::remove(exchanged.dir() / "g/x");
  EXPECT_TRUE(exchanged.put_back());
  EXPECT_EQ(exchanged.dir().names("g"), Names{});
  EXPECT_EQ(exchanged.dir().names("s"), Names{});
}

// The guest puts a file at the name, and moves the name away while that file is in staging for a moment.
TEST(PutBack, NeverRemovesWhatIsNewerThanTheNameThatIsGone) {
  const Exchanged exchanged;
  const auto& dir = exchanged.dir();
  dir.write("g/new", "new");
  bool done = true;
  const auto guest = [&](int nth) {
    if (nth == 1) std::filesystem::rename(dir / "g/new", dir / "g/x");
    if (nth == 2) std::filesystem::rename(dir / "g/x", dir / "g/moved");
  };
  act_before(
      SYS_renameat2, [&] { done = exchanged.put_back(); }, guest);
  EXPECT_FALSE(done);
  EXPECT_EQ(dir.names("s"), Names{"0"});
  EXPECT_EQ(dir.read("s/0"), "new");
  EXPECT_EQ(dir.read("g/moved"), "victim");
}

// Whatever the interleaving: the guest ends with a file that it put there last, or its old one, never with ours.
TEST(PutBack, AgainstARenamerNeverLosesTheGuestsFile) {
  for (int round = 0; round < 100; ++round) {
    const Exchanged exchanged;
    const auto& dir = exchanged.dir();
    std::atomic<bool> go{false};
    std::thread guest([&] {
      go = true;
      for (int i = 0; i < 20; ++i) {
        dir.write("g/new", "new " + std::to_string(i));
        std::filesystem::rename(dir / "g/new", dir / "g/x");
      }
    });
    while (!go) std::this_thread::yield();
    const bool done = exchanged.put_back();
    guest.join();
    EXPECT_EQ(dir.read("g/x"), "new 19") << round;
    EXPECT_EQ(dir.names("s"), done ? Names{} : Names{"0"}) << round;
  }
}

}  // namespace
}  // namespace vunify::test
