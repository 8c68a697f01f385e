// SPDX-License-Identifier: Apache-2.0
// A daemon answers root's programs while it serves.
#include "guest/control.h"

#include <sys/mount.h>
#include <sys/resource.h>

#include <csignal>

#include "sys/root_dir.h"
#include "tests/eventually.h"
#include "tests/fuse/guest_mount.h"
#include "tests/stop_process.h"

namespace vunify::test {
namespace {

class ControlSocket : public GuestMount {
 protected:
  Mounted record() const {
    for (auto& one : list_mounted())
      if (one.mount_point + "/" == mine("")) return one;
    return {};
  }
  bool is_answered_within(std::chrono::milliseconds patience) const {
    try {
      return DaemonLine(record(), patience).ask({ControlVerb::status}).word == ControlWord::done;
    } catch (const std::system_error&) {
      return false;
    }
  }
};

TEST_P(ControlSocket, TellsTheStatus) {
  share("f");
  mount();
  const DaemonLine line(record());
  const auto before = line.ask({ControlVerb::status}), after = line.ask({ControlVerb::status});
  EXPECT_EQ(before.word, ControlWord::done);
  EXPECT_TRUE(before.body.starts_with("{\"nodes\":")) << before.body;
  EXPECT_EQ(after.body, before.body);
}

TEST_P(ControlSocket, SaysThatItDoesNotKnowAVerb) {
  mount();
  EXPECT_EQ(DaemonLine(record()).ask({static_cast<ControlVerb>(999)}).word, ControlWord::unknown);
}

TEST_P(ControlSocket, OfAStoppedDaemonIsNotWaitedForLong) {
  mount();
  const int daemon = worker_of(mine(""));
  const DaemonLine line(record(), std::chrono::milliseconds(20));
  stop_process(daemon);
  try {
    line.ask({ControlVerb::status});
    ADD_FAILURE() << "a stopped daemon answered";
  } catch (const std::system_error& error) {
    EXPECT_TRUE(is_error(error, EAGAIN)) << error.what();
  }
  check(::kill(daemon, SIGCONT), "kill");
}

// As a guest has it that opens very many files.
TEST_P(ControlSocket, AnswersAgainOnceThereAreDescriptors) {
  mount();
  const int worker = record().worker;
  rlimit before{};
  check(::prlimit(worker, RLIMIT_NOFILE, nullptr, &before), "prlimit");
  const rlimit few{3, before.rlim_max};
  check(::prlimit(worker, RLIMIT_NOFILE, &few, nullptr), "prlimit");
  // For the next who connects it may have one already.
  EXPECT_TRUE(eventually([&] { return !is_answered_within(std::chrono::milliseconds(20)); }));
  check(::prlimit(worker, RLIMIT_NOFILE, &before, nullptr), "prlimit");
  EXPECT_TRUE(eventually([&] { return is_answered_within(daemon_patience); }));
}

TEST_P(ControlSocket, KeepsNobodyFromUnmounting) {
  mount();
  const auto told = record();
  const DaemonLine line(told);
  unmount();
  EXPECT_THROW(line.ask({ControlVerb::status}), std::system_error);
  EXPECT_THROW(DaemonLine{told}, std::system_error);
}

TEST_P(ControlSocket, IsForRootAlone) {
  mount();
  const auto path = record().control;
  struct stat socket {};
  check(::lstat(path.c_str(), &socket), "lstat");
  EXPECT_EQ(socket.st_mode, S_IFSOCK | 0600U);
  check(::stat(std::string(split_path(path).parent).c_str(), &socket), "stat");
  EXPECT_EQ(socket.st_mode & 0777U, 0700U);
}

INSTANTIATE_TEST_SUITE_P(BothWays, ControlSocket, both_ways, name_of_each);

}  // namespace
}  // namespace vunify::test
