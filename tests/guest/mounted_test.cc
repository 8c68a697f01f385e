// SPDX-License-Identifier: Apache-2.0
#include "guest/mounted.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/root_test.h"
#include "tests/scratch.h"

namespace vunify::test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class MountedTest : public RootTest {
 protected:
  Mounted told(const std::string& why = "") const {
    return {.path = "/vm/g1", .mount_point = "/vm/g1", .no_passthrough = why};
  }
  std::string run_dir() const { return dir_ / "run/vcow"; }
  std::vector<Mounted> listed() const { return list_mounted(run_dir()); }

  Scratch dir_{{"g1/etc/passwd", ""}, {"g2/etc/passwd", ""}};
  Fd root_ = open_host(dir_ / "g1", O_RDONLY | O_DIRECTORY);
};

TEST_F(MountedTest, TellsWhatItsVcowHasTold) {
  EXPECT_THAT(listed(), IsEmpty());
  const MountRecord record(told("no kernel"), root_.get(), run_dir());
  ASSERT_THAT(listed(), SizeIs(1));
  const auto mounted = listed()[0];
  EXPECT_EQ(mounted.path, "/vm/g1");
  EXPECT_EQ(mounted.process, ::getpid());
  EXPECT_EQ(mounted.no_passthrough, "no kernel");
  EXPECT_GE(clock_now(), mounted.since);
  EXPECT_FALSE(mounted.last_break);
  EXPECT_TRUE(mounted.is_alive);
}

TEST_F(MountedTest, CountsWhatIsBrokenAndGoesWithItsVcow) {
  {
    MountRecord record(told(), root_.get(), run_dir());
    record.count_break(4096);
    record.count_break(100);
    const auto mounted = listed()[0];
    EXPECT_EQ(mounted.broken_links, 2u);
    EXPECT_EQ(mounted.copied_bytes, 4196u);
    ASSERT_TRUE(mounted.last_break);
    EXPECT_GE(*mounted.last_break, mounted.since);
  }
  EXPECT_THAT(listed(), IsEmpty());
}

TEST_F(MountedTest, AKilledOneIsDeadAndItsCountsAreKnown) {
  const auto child = ::fork();
  if (child == 0) {
    MountRecord record(told(), root_.get(), run_dir());
    record.count_break(7);
    ::kill(::getpid(), SIGKILL);
  }
  ::waitpid(child, nullptr, 0);
  ASSERT_THAT(listed(), SizeIs(1));
  EXPECT_FALSE(listed()[0].is_alive);
  EXPECT_EQ(listed()[0].copied_bytes, 7u);
  const MountRecord next(told(), root_.get(), run_dir());
  ASSERT_THAT(listed(), SizeIs(1)) << "the next one of this guest takes its place";
  EXPECT_TRUE(listed()[0].is_alive);
  EXPECT_EQ(listed()[0].copied_bytes, 0u);
}

TEST_F(MountedTest, ADeadOneIsNotToldWhereAnotherGuestIsMountedSince) {
  const auto child = ::fork();
  if (child == 0) {
    const MountRecord record(told(), root_.get(), run_dir());
    ::kill(::getpid(), SIGKILL);
  }
  ::waitpid(child, nullptr, 0);
  const Fd another = open_host(dir_ / "g2", O_RDONLY | O_DIRECTORY);
  const MountRecord record(told(), another.get(), run_dir());
  ASSERT_THAT(listed(), SizeIs(1));
  EXPECT_TRUE(listed()[0].is_alive);
}

TEST_F(MountedTest, WhatIsNoRecordIsPassedOver) {
  const MountRecord record(told(), root_.get(), run_dir());
  dir_.write("run/vcow/foreign", "file");
  EXPECT_THAT(listed(), SizeIs(1));
}

}  // namespace
}  // namespace vunify::test
