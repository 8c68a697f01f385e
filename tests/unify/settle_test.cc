// SPDX-License-Identifier: Apache-2.0
#include "unify/settle.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/syscall.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "sys/mark.h"
#include "tests/act_before.h"
#include "tests/scene.h"
#include "tests/shared.h"
#include "tests/unify/clones.h"

namespace vunify::test {
namespace {

// Guests a, b, c of a directory, as a run finds them before it links anything.
class Settled {
 public:
  explicit Settled(const Scratch& dir)
      : state_{{"journals", ""}}, scene_(dir, {"a", "b", "c"}), places_(scene_.guests, Protection::immutable, false) {}
  ~Settled() { places_.close(); }

  Outcome by(void (*settle)(Survey&, const Places&, const Run&, Outcome&), bool dry_run = false,
             const Stop& stop = Stop()) {
    Outcome outcome;
    const Run run{.stop = stop, .counters = scene_.counters, .dry_run = dry_run, .state_dir = state_.root()};
    settle(scene_.survey, places_, run, outcome);
    EXPECT_TRUE(outcome.failed.empty()) << outcome.failed[0].reason;
    return outcome;
  }
  Verdict verdict(const std::string& name) const { return scene_.verdict(name); }

 private:
  Scratch state_;
  Scene scene_;
  Places places_;
};

void unmark(Survey& survey, const Places&, const Run& run, Outcome& outcome) {
  unmark_last_names(survey, run, outcome);
}

class ClonedGuests : public Clones {};

TEST_F(ClonedGuests, AreAdopted) {
  EXPECT_EQ(Settled(dir_).by(adopt_unprotected).adopted_files, 2u);
  EXPECT_TRUE(is_shared(dir_ / "b/f"));
  EXPECT_EQ(dir_.inode("a/f").ino, dir_.inode("b/f").ino);
}

TEST_F(ClonedGuests, AreOnlyCountedInADryRun) {
  EXPECT_EQ(Settled(dir_).by(adopt_unprotected, true).adopted_files, 2u);
  EXPECT_FALSE(is_shared(dir_ / "b/f"));
}

TEST_F(ClonedGuests, AreNotAdoptedWhileOneIsBeingWritten) {
  const Fd writer = open_host(dir_ / "a/f", O_WRONLY);
  Settled settled(dir_);
  EXPECT_EQ(settled.by(adopt_unprotected).adopted_files, 0u);
  EXPECT_EQ(settled.verdict("b/f"), Verdict::shared_unprotected);
  EXPECT_FALSE(is_shared(dir_ / "b/f"));
}

TEST_F(ClonedGuests, AreAdoptedThoughOneLeasesThem) {
  const Fd guest = open_host(dir_ / "a/f", O_RDONLY);
  ASSERT_EQ(::fcntl(guest.get(), F_SETSIG, SIGCHLD), 0);  // ignored, unlike SIGIO
  ASSERT_EQ(::fcntl(guest.get(), F_SETLEASE, F_WRLCK), 0);
  std::thread giving_up([&] {
    while (::fcntl(guest.get(), F_GETLEASE) == F_WRLCK) std::this_thread::yield();
    ::fcntl(guest.get(), F_SETLEASE, F_UNLCK);
  });
  EXPECT_EQ(Settled(dir_).by(adopt_unprotected).adopted_files, 2u);
  giving_up.join();
  EXPECT_TRUE(is_shared(dir_ / "b/f"));
}

TEST_F(ClonedGuests, AreNotAdoptedWhereAWriterComesMeanwhile) {
  Settled settled(dir_);
  const auto guest = [this](int) {
    EXPECT_LT(::open((dir_ / "a/f").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC), 0);
    EXPECT_EQ(errno, EWOULDBLOCK);
  };
  act_before(
      SYS_fsetxattr, [&] { EXPECT_EQ(settled.by(adopt_unprotected).adopted_files, 0u); }, guest);
  EXPECT_EQ(settled.verdict("b/f"), Verdict::shared_unprotected);
  EXPECT_FALSE(is_shared(dir_ / "b/f"));
}

TEST_F(ClonedGuests, WaitForTheNextRunOnceTheTimeIsUp) {
  Settled settled(dir_);
  EXPECT_EQ(settled.by(adopt_unprotected, false, Stop(std::chrono::seconds(0))).adopted_files, 0u);
  EXPECT_EQ(settled.verdict("b/f"), Verdict::not_reached);
  EXPECT_FALSE(is_shared(dir_ / "b/f"));
}

TEST_F(ClonedGuests, AreNotAdoptedWhenChangedSinceTheWalk) {
  Settled settled(dir_);
  link(dir_, "a/f", "a/again");
  EXPECT_EQ(settled.by(adopt_unprotected).adopted_files, 0u);
  EXPECT_FALSE(is_shared(dir_ / "b/f"));
}

TEST_F(ClonedGuests, AreNotAdoptedWhenWrittenToSinceTheWalk) {
  Settled settled(dir_);
  dir_.write("a/f", "more");
  EXPECT_EQ(settled.by(adopt_unprotected).adopted_files, 0u);
  EXPECT_FALSE(is_shared(dir_ / "b/f"));
}

TEST(SecondNameInAGuest, OfASharedInodeBecomesAFile) {
  const Scratch dir{{"a/f", "same"}, {"b/g", "other"}, {"c/g", "more"}};
  for (const auto* path : {"a/again", "b/f"}) link(dir, "a/f", path);
  share(dir, "a/f");
  Settled settled(dir);
  EXPECT_EQ(settled.by(separate_doubles).copied_files, 1u);
  EXPECT_NE(dir.inode("a/f").ino, dir.inode("a/again").ino);
  EXPECT_EQ(dir.inode("b/f").nlink, 2u);
  EXPECT_TRUE(is_shared(dir / "b/f"));
  EXPECT_EQ(dir.read("a/again") + dir.read("a/f"), "samesame");
}

TEST(LastName, OfASharedInodeIsItsGuestsAgain) {
  const Scratch dir{{"a/f", "same"}, {"b/g", "other"}, {"c/g", "more"}};
  share(dir, "a/f");
  Settled settled(dir);
  EXPECT_EQ(settled.by(unmark, true).unmarked_files, 1u);
  EXPECT_TRUE(is_shared(dir / "a/f"));
  EXPECT_EQ(settled.by(unmark).unmarked_files, 1u);
  EXPECT_FALSE(is_shared(dir / "a/f"));
}

TEST(LastName, StaysSharedWhereAnotherCameMeanwhile) {
  const Scratch dir{{"a/f", "same"}, {"b/g", "other"}, {"c/g", "more"}};
  share(dir, "a/f");
  Settled settled(dir);
  ASSERT_EQ(shell("cd " + dir.root() + " && chattr -i a/f && ln a/f b/f && chattr +i a/f").status, 0);
  EXPECT_EQ(settled.by(unmark).unmarked_files, 0u);
  EXPECT_TRUE(is_shared(dir / "a/f"));
}

}  // namespace
}  // namespace vunify::test
