// SPDX-License-Identifier: Apache-2.0
#include "unify/adopt.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include <csignal>
#include <thread>

#include "tests/act_before.h"
#include "tests/shared.h"
#include "tests/unify/settled.h"

namespace vunify::test {
namespace {

void adopt_and_tell(Survey& survey, const Places& places, const Run& run, Outcome& outcome) {
  outcome.failed = adopt_unprotected(survey, places, run, outcome).failed;
}

// To a copy, and, stopped, in place.
class ClonedGuests : public Clones, public testing::WithParamInterface<bool> {
 protected:
  Outcome adopt(Settled& settled, bool dry_run = false, const Stop& stop = Stop()) const {
    return settled.by(adopt_and_tell, dry_run, GetParam(), stop);
  }
  Outcome adopt() const {
    Settled settled(dir_);
    return adopt(settled);
  }
};
INSTANTIATE_TEST_SUITE_P(Each, ClonedGuests, testing::Bool(),
                         [](const auto& fresh) { return fresh.param ? "ToACopy" : "InPlace"; });

TEST_P(ClonedGuests, AreAdopted) {
  EXPECT_EQ(adopt().adopted_files, 2u);
  EXPECT_TRUE(is_shared(dir_ / "b/f"));
  EXPECT_EQ(dir_.inode("a/f").ino, dir_.inode("b/f").ino);
}

TEST_P(ClonedGuests, AreOnlyCountedInADryRun) {
  Settled settled(dir_);
  EXPECT_EQ(adopt(settled, true).adopted_files, 2u);
  EXPECT_FALSE(is_shared(dir_ / "b/f"));
}

TEST_P(ClonedGuests, AreNotAdoptedWhileOneIsBeingWritten) {
  const Fd writer = open_host(dir_ / "a/f", O_WRONLY);
  Settled settled(dir_);
  EXPECT_EQ(adopt(settled).adopted_files, 0u);
  EXPECT_EQ(settled.verdict("b/f"), Verdict::shared_unprotected);
  EXPECT_FALSE(is_shared(dir_ / "b/f"));
}

TEST_P(ClonedGuests, AreAdoptedThoughOneLeasesThem) {
  const Fd guest = open_host(dir_ / "a/f", O_RDONLY);
  ASSERT_EQ(::fcntl(guest.get(), F_SETSIG, SIGCHLD), 0);  // ignored, unlike SIGIO
  ASSERT_EQ(::fcntl(guest.get(), F_SETLEASE, F_WRLCK), 0);
  std::thread giving_up([&] {
    while (::fcntl(guest.get(), F_GETLEASE) == F_WRLCK) std::this_thread::yield();
    ::fcntl(guest.get(), F_SETLEASE, F_UNLCK);
  });
  EXPECT_EQ(adopt().adopted_files, 2u);
  giving_up.join();
  EXPECT_TRUE(is_shared(dir_ / "b/f"));
}

TEST_P(ClonedGuests, AreNotAdoptedWhereAWriterComesMeanwhile) {
  Settled settled(dir_);
  const auto guest = [this](int) {
    EXPECT_LT(::open((dir_ / "a/f").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC), 0);
    EXPECT_EQ(errno, EWOULDBLOCK);
  };
  act_before(
      SYS_fsetxattr, [&] { EXPECT_EQ(adopt(settled).adopted_files, 0u); }, guest);
  EXPECT_EQ(settled.verdict("b/f"), Verdict::shared_unprotected);
  EXPECT_FALSE(is_shared(dir_ / "b/f"));
}

TEST_P(ClonedGuests, WaitForTheNextRunOnceTheTimeIsUp) {
  Settled settled(dir_);
  EXPECT_EQ(adopt(settled, false, Stop(std::chrono::seconds(0))).adopted_files, 0u);
  EXPECT_EQ(settled.verdict("b/f"), Verdict::not_reached);
  EXPECT_FALSE(is_shared(dir_ / "b/f"));
}

TEST_P(ClonedGuests, AreNotAdoptedWhenChangedSinceTheWalk) {
  Settled settled(dir_);
  link(dir_, "a/f", "a/again");
  EXPECT_EQ(adopt(settled).adopted_files, 0u);
  EXPECT_FALSE(is_shared(dir_ / "b/f"));
}

TEST_P(ClonedGuests, AreNotAdoptedWhenWrittenToSinceTheWalk) {
  Settled settled(dir_);
  dir_.write("a/f", "more");
  EXPECT_EQ(adopt(settled).adopted_files, 0u);
  EXPECT_FALSE(is_shared(dir_ / "b/f"));
}

// Whatever a guest began with the inode that they had together goes on there.
TEST_F(Clones, AreLedToAnInodeThatNoGuestHad) {
  shell_or_fail("cd " + dir_.root() + " && chmod 2751 a/f && chown 5:6 a/f && setfattr -n user.x -v y a/f");
  const auto before = dir_.inode("a/f").ino;
  const auto a = image_of(dir_ / "a"), b = image_of(dir_ / "b");
  EXPECT_EQ(Settled(dir_).by(adopt_and_tell).adopted_files, 2u);
  EXPECT_NE(dir_.inode("a/f").ino, before);
  EXPECT_EQ(dir_.inode("a/f").nlink, 2u);
  EXPECT_EQ(image_of(dir_ / "a"), a);
  EXPECT_EQ(image_of(dir_ / "b"), b);
}

TEST_F(Clones, KeepTheirInodeWhereTheyAreStopped) {
  const auto before = dir_.inode("a/f").ino;
  EXPECT_EQ(Settled(dir_).by(adopt_and_tell, false, false).adopted_files, 2u);
  EXPECT_EQ(dir_.inode("a/f").ino, before);
}

TEST_F(Clones, KeepTheirHoles) {
  shell_or_fail("cd " + dir_.root() + " && truncate -s 1M a/f && printf end | dd of=a/f seek=1M bs=1 2>&1 && sync a/f");
  const auto before = dir_.inode("a/f");
  EXPECT_EQ(Settled(dir_).by(adopt_and_tell).adopted_files, 2u);
  EXPECT_EQ(dir_.inode("a/f").bytes_on_disk(), before.bytes_on_disk());
  EXPECT_EQ(dir_.read("b/f"), "same" + std::string((1 << 20) - 4, 0) + "end");
}

// Marked, and for a while anybody's to open.
class ClonesThatLostTheirFlag : public Clones {
 protected:
  // Returns the inode that they had.
  std::uint64_t adopt() {
    share(dir_ / "a/f");
    shell_or_fail("chattr -i " + (dir_ / "a/f"));
    const auto before = dir_.inode("a/f").ino;
    EXPECT_EQ(Settled(dir_).by(adopt_and_tell).adopted_files, 2u);
    EXPECT_TRUE(is_shared(dir_ / "b/f"));
    return before;
  }
};

TEST_F(ClonesThatLostTheirFlag, AreLedToACopy) {
  const auto before = adopt();
  EXPECT_NE(dir_.inode("a/f").ino, before);
}

TEST_F(ClonesThatLostTheirFlag, AreProtectedInPlaceWhereSomebodyElseHasThem) {
  link(dir_, "a/f", "elsewhere");
  const auto before = adopt();
  EXPECT_EQ(dir_.inode("a/f").ino, before);
}

TEST_F(Clones, AreLeftAloneWhereAGuestLinkedThemItself) {
  link(dir_, "a/f", "a/again");
  const auto before = dir_.inode("a/f").ino;
  EXPECT_EQ(Settled(dir_).by(adopt_and_tell).adopted_files, 0u);
  EXPECT_EQ(dir_.inode("a/f").ino, before);
  EXPECT_FALSE(is_shared(dir_ / "a/f"));
}

TEST_F(Clones, AreLeftAloneWhereSomebodyLocksThem) {
  const Fd locker = open_host(dir_ / "a/f", O_RDONLY);
  ASSERT_EQ(::flock(locker.get(), LOCK_SH), 0);
  const auto before = dir_.inode("a/f").ino;
  Settled settled(dir_);
  EXPECT_EQ(settled.by(adopt_and_tell).adopted_files, 0u);
  EXPECT_EQ(settled.verdict("b/f"), Verdict::shared_unprotected);
  EXPECT_EQ(dir_.inode("b/f").ino, before);
}

}  // namespace
}  // namespace vunify::test
