// SPDX-License-Identifier: Apache-2.0
#include "guest/mounted.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <set>

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
  // One link was broken, with 7 bytes.
  void be_killed(const Mounted& mounted) const {
    const auto child = ::fork();
    if (child == 0) {
      MountRecord record(mounted, root_.get(), run_dir());
      record.count_break(7);
      record.listen();
      ::kill(::getpid(), SIGKILL);
    }
    ::waitpid(child, nullptr, 0);
  }
  std::set<std::string> files() const {
    std::set<std::string> all;
    for (const auto& one : std::filesystem::directory_iterator(run_dir())) all.insert(one.path().filename());
    return all;
  }
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
  be_killed(told());
  ASSERT_THAT(listed(), SizeIs(1));
  EXPECT_FALSE(listed()[0].is_alive);
  EXPECT_EQ(listed()[0].copied_bytes, 7u);
  const MountRecord next(told(), root_.get(), run_dir());
  ASSERT_THAT(listed(), SizeIs(1)) << "the next one of this guest takes its place";
  EXPECT_TRUE(listed()[0].is_alive);
  EXPECT_EQ(listed()[0].copied_bytes, 0u);
}

TEST_F(MountedTest, ADeadOneIsNotToldWhereAnotherGuestIsMountedSince) {
  be_killed(told());
  const Fd another = open_host(dir_ / "g2", O_RDONLY | O_DIRECTORY);
  const MountRecord record(told(), another.get(), run_dir());
  ASSERT_THAT(listed(), SizeIs(1));
  EXPECT_TRUE(listed()[0].is_alive);
}

TEST_F(MountedTest, ADeadOneGoesWithItsGuest) {
  const auto guest = dir_ / "g1";
  be_killed({.path = guest, .mount_point = guest});
  dir_.write("run/vcow/1-2.new", "begun");
  const Fd other = open_host(dir_ / "g2", O_RDONLY | O_DIRECTORY);
  {
    const MountRecord record(told(), other.get(), run_dir());
    EXPECT_THAT(files(), SizeIs(3)) << "its guest is there";
  }
  std::filesystem::rename(guest, dir_ / "gone");
  dir_.make_directory("g1");
  const MountRecord record(told(), other.get(), run_dir());
  EXPECT_THAT(files(), SizeIs(1)) << "it is another";
}

TEST_F(MountedTest, WhatIsNoRecordIsPassedOver) {
  const MountRecord record(told(), root_.get(), run_dir());
  dir_.write("run/vcow/foreign", "file");
  EXPECT_THAT(listed(), SizeIs(1));
}

}  // namespace
}  // namespace vunify::test
