// SPDX-License-Identifier: Apache-2.0
#include "sys/child.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace vunify::test {
namespace {

constexpr unsigned plenty = 60;

TEST(Child, TellsWhatItsWorkReturned) {
  EXPECT_TRUE(succeeds_in_child([] { return true; }, plenty));
  EXPECT_FALSE(succeeds_in_child([] { return false; }, plenty));
}

TEST(Child, MayThrow) {
  EXPECT_FALSE(succeeds_in_child([]() -> bool { throw std::runtime_error("damaged"); }, plenty));
}

TEST(Child, MayBeKilledByAnySignal) {
  for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGKILL, SIGFPE})
    EXPECT_FALSE(succeeds_in_child([&] { return ::raise(number) != 0 || true; }, plenty)) << number;
}

TEST(Child, MayFollowAWrongPointer) {
  void* page = ::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(page, MAP_FAILED);
  EXPECT_FALSE(succeeds_in_child([&] { return *static_cast<volatile char*>(page) == 0; }, plenty));
  ::munmap(page, 4096);
}

TEST(Child, EndsAfterItsSecondsOfProcessorTime) {
  volatile bool forever = true;
  EXPECT_FALSE(succeeds_in_child(
      [&] {
        while (forever) continue;
        return true;
      },
      1));
}

TEST(Child, ChangesNothingOfOurs) {
  int number = 1;
  EXPECT_TRUE(succeeds_in_child([&] { return ++number == 2; }, plenty));
  EXPECT_EQ(number, 1);
}

// As a daemon may have been started that started us: then the kernel keeps no child's status.
TEST(Child, IsAwaitedWhereItsEndWouldNotBeTold) {
  const auto before = ::signal(SIGCHLD, SIG_IGN);
  EXPECT_TRUE(succeeds_in_child([] { return true; }, plenty));
  EXPECT_FALSE(succeeds_in_child([] { return ::raise(SIGKILL) == 0; }, plenty));
  EXPECT_EQ(::signal(SIGCHLD, before), SIG_IGN);
}

constexpr ChildLimits generous{.seconds = plenty, .memory_bytes = 256 << 20, .answer_bytes = 1 << 20};

TEST(Child, HandsItsAnswerBack) {
  const std::string answer(1 << 20, 'a');
  EXPECT_EQ(answer_of_child([&] { return answer; }, generous), answer);
  EXPECT_EQ(answer_of_child([] { return std::string(); }, generous), "");
}

TEST(Child, HasNoAnswerWhereItThrewOrDied) {
  EXPECT_EQ(answer_of_child([]() -> std::string { throw std::runtime_error("damaged"); }, generous), std::nullopt);
  EXPECT_EQ(answer_of_child([] { return std::to_string(::raise(SIGSEGV)); }, generous), std::nullopt);
}

TEST(Child, HasNoAnswerLongerThanAllowed) {
  EXPECT_EQ(answer_of_child([] { return std::string((1 << 20) + 1, 'a'); }, generous), std::nullopt);
}

TEST(Child, MayAskForAllMemory) {
  const auto greedy = [] { return std::string(std::string(512 << 20, 'a'), 0, 1); };
  EXPECT_EQ(answer_of_child(greedy, generous), std::nullopt);
}

TEST(Child, IsNotWaitedForLongerThanItsSeconds) {
  const auto asleep = [] { return std::to_string(::pause()); };
  EXPECT_EQ(answer_of_child(asleep, {.seconds = 1, .memory_bytes = 1 << 20, .answer_bytes = 1}), std::nullopt);
}

}  // namespace
}  // namespace vunify::test
