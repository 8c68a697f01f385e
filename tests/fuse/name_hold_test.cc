// SPDX-License-Identifier: Apache-2.0
// Names that are held while somebody leads them elsewhere beneath the mount, as vunify does.
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include <csignal>
#include <future>

#include "fuse/status.h"
#include "guest/live_guest.h"
#include "tests/eventually.h"
#include "tests/fuse/guest_mount.h"
#include "tests/fuse/limited_guest.h"

namespace vunify::test {
namespace {

using Hold = LiveGuest::Hold;

Hold try_to_hold(const LiveGuest& guest, int root, const std::string& leaf) {
  const auto is = stat_fd(root);
  const auto file = stat_fd(open_host(proc_path(root) + "/" + leaf, O_PATH).get());
  return guest.hold({is.dev, is.ino, file.ino, leaf});
}

// Who closed it just now may be on his way still.
Hold hold_soon(const LiveGuest& guest, int root, const std::string& leaf) {
  std::optional<Hold> held;
  EXPECT_TRUE(eventually([&] {
    held.reset();
    held.emplace(try_to_hold(guest, root, leaf));
    return held->state() == Hold::State::held;
  }));
  return std::move(*held);
}

class NameHolds : public GuestMount {
 protected:
  // A file of the guest's own, and one that others have, too, at "shared".
  void begin(const std::string& path = "f") {
    dir().write("guest/" + path, "old\n");
    share("shared", "shared\n");
    root_ = open_host(mine(""), O_RDONLY | O_DIRECTORY);
    mount();
    connect();
    ASSERT_TRUE(live_);
  }
  void connect() { live_ = LiveGuest::find(root_.get()); }
  Hold hold(const std::string& leaf = "f") const { return hold_soon(*live_, root_.get(), leaf); }
  Hold try_to_hold(const std::string& leaf = "f") const { return test::try_to_hold(*live_, root_.get(), leaf); }
  std::uint64_t free_bytes() const {
    struct statvfs fs {};
    check(::statvfs(others("").c_str(), &fs), "statvfs");
    return fs.f_bfree * fs.f_frsize;
  }
  std::string beneath(const std::string& leaf) const { return proc_path(root_.get()) + "/" + leaf; }
  // close(2) does not wait for RELEASE: until the daemon has it, somebody reads what was held.
  void expect_nothing_open() const {
    const auto record = find_mounted(root_.get());
    ASSERT_TRUE(record);
    const DaemonLine line(*record);
    EXPECT_TRUE(eventually([&] { return serving_from(line.ask({ControlVerb::status}).body).open_files == 0; }));
  }
  // As a link of vunify's.
  void lead_to_shared(const std::string& leaf = "f") const {
    check(::link(beneath("shared").c_str(), beneath("prepared").c_str()), "link");
    check(::rename(beneath("prepared").c_str(), beneath(leaf).c_str()), "rename");
  }
  std::future<std::string> read_later(const std::string& path) const {
    return std::async(std::launch::async, [this, path] { return read(path); });
  }

 private:
  Fd root_;
  std::shared_ptr<const LiveGuest> live_;
};

// No event tells that nothing comes. A hold runs out within a second, which a loaded machine may take for a step.
template <typename Result>
bool waits(const std::future<Result>& other, const Hold& held) {
  return other.wait_for(std::chrono::milliseconds(20)) == std::future_status::timeout || !held.is_fresh();
}

TEST_P(NameHolds, WhatItLeadsToThenTheGuestShowsAtOnce) {
  begin();
  EXPECT_EQ(read("f"), "old\n");
  const auto number = dir().inode("guest/f").ino;
  expect_nothing_open();
  auto held = hold();
  ASSERT_EQ(held.state(), Hold::State::held);
  lead_to_shared();
  held.let_go();
  const auto now = dir().inode("guest/f");
  EXPECT_EQ(now.stamp.size, 7u);
  EXPECT_EQ(now.ino, number);
  EXPECT_EQ(now.nlink, 1u);
  EXPECT_EQ(read("f"), "shared\n");
  write("f", "mine\n");
  EXPECT_EQ(read("shared"), "shared\n");
}

TEST_P(NameHolds, ReadersKeepWhatTheyHave) {
  begin();
  const Fd reader = open_host(mine("f"), O_RDONLY);
  auto held = hold();
  lead_to_shared();
  held.let_go();
  EXPECT_EQ(read_all(reader.get(), "f"), "old\n");
  EXPECT_EQ(read("f"), "shared\n");
  write("f", "mine\n");
  EXPECT_EQ(read("f"), "mine\n");
  EXPECT_EQ(read("shared"), "shared\n");
}

TEST_P(NameHolds, TheLastReaderGivesTheRoomBack) {
  begin();
  write("f", std::string(1 << 20, 'x'));
  std::optional reader(open_host(mine("f"), O_RDONLY));
  auto held = hold();
  lead_to_shared();
  held.let_go();
  EXPECT_EQ(read_all(reader->get(), "f").size(), std::size_t{1} << 20);
  const auto before = free_bytes();
  reader.reset();
  EXPECT_TRUE(eventually([&] { return free_bytes() >= before + (1 << 20); }));
  EXPECT_EQ(read("f"), "shared\n");
}

TEST_P(NameHolds, AreRefusedOfWhatIsOpenForWriting) {
  begin();
  {
    const Fd writer = open_host(mine("f"), O_WRONLY);
    EXPECT_EQ(try_to_hold().state(), Hold::State::in_use);
  }
  EXPECT_EQ(hold().state(), Hold::State::held);
}

TEST_P(NameHolds, HaveAllWaitWhoLookAtThem) {
  begin();
  auto held = hold();
  auto reader = read_later("f");
  lead_to_shared();
  EXPECT_TRUE(waits(reader, held));
  const bool in_time = held.is_fresh();
  held.let_go();
  EXPECT_TRUE(reader.get() == "shared\n" || !in_time);
}

TEST_P(NameHolds, HaveAllWaitWhoMoveThem) {
  begin();
  EXPECT_EQ(read("f"), "old\n");
  auto held = hold();
  auto mover = std::async(std::launch::async, [&] { return ::rename(mine("f").c_str(), mine("g").c_str()); });
  EXPECT_TRUE(waits(mover, held));
  lead_to_shared();
  const bool in_time = held.is_fresh();
  held.let_go();
  EXPECT_EQ(mover.get(), 0);
  EXPECT_TRUE(read("g") == "shared\n" || !in_time);
}

TEST_P(NameHolds, EndWithWhoHoldsThem) {
  begin();
  const auto child = ::fork();
  if (child == 0) {
    connect();
    auto held = hold();
    lead_to_shared();
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  check(::waitpid(child, &status, 0), "waitpid");
  EXPECT_TRUE(eventually([&] { return read("f") == "shared\n"; }));
}

TEST_P(NameHolds, OneThatRunsOutMayBeLedElsewhereYet) {
  begin();
  EXPECT_EQ(read("f"), "old\n");
  auto held = hold();
  EXPECT_EQ(read("f"), "old\n") << "waits until it has run out";
  lead_to_shared();
  write("f", "mine\n");
  EXPECT_EQ(read("f"), "mine\n");
  EXPECT_EQ(read("shared"), "shared\n");
  held.let_go();
  EXPECT_EQ(read("f"), "mine\n");
}

TEST_P(NameHolds, WhatIsHeldTwiceIsInUse) {
  begin();
  const auto held = hold();
  EXPECT_TRUE(try_to_hold().state() == Hold::State::in_use || !held.is_fresh());
  EXPECT_EQ(hold("shared").state(), Hold::State::held);
}

TEST_P(NameHolds, AMapOfTheOldInodeGoesOn) {
  begin();
  void* map = nullptr;
  {
    const Fd file = open_host(mine("f"), O_RDONLY);
    map = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file.get(), 0);
  }
  auto held = hold();
  lead_to_shared();
  held.let_go();
  EXPECT_EQ(std::string(static_cast<char*>(map), 4), "old\n");
  EXPECT_EQ(read("f"), "shared\n");
  ::munmap(map, 4096);
}

INSTANTIATE_TEST_SUITE_P(BothWays, NameHolds, both_ways, name_of_each);

// Of a guest with a limit: "g" is its own, "f" is what others have, too.
class LimitedHolds : public LimitedOn {
 protected:
  void begin() {
    root_ = open_host(mine(""), O_RDONLY | O_DIRECTORY);
    limited_mount({100 * block, no_limit});
    live_ = LiveGuest::find(root_.get());
    ASSERT_TRUE(live_);
    ASSERT_EQ(write("g", 60 * block), 0);
  }
  // Beneath: what "g" led to is at "aside" then, and the other way round.
  void exchange_held() const {
    auto held = hold_soon(*live_, root_.get(), "g");
    const auto beneath = proc_path(root_.get()) + "/g";
    check(::renameat2(AT_FDCWD, aside().c_str(), AT_FDCWD, beneath.c_str(), RENAME_EXCHANGE), "renameat2");
    held.let_go();
  }
  std::string aside() const { return *dir_ / "other/aside"; }
  void link_aside() const { check(::link((*dir_ / "other/f").c_str(), aside().c_str()), "link"); }
  void remove_aside() const { check(::unlink(aside().c_str()), "unlink"); }
  // As vunify asks for it at its end (tools/recount).
  void count_again() const {
    const auto before = account().counts;
    {
      const Ledger ledger(state_dir_, lmdb::Access::write);
      auto change = ledger.change();
      auto limit = *change.limit(key_.of);
      ++limit.counts_asked;
      change.put(key_.of, limit);
      change.commit();
    }
    EXPECT_TRUE(eventually([&] { return account().counts > before; }));
  }

 private:
  Fd root_;
  std::shared_ptr<const LiveGuest> live_;
};

TEST_P(LimitedHolds, WhatIsReadStillCountsUntilItIsClosed) {
  begin();
  std::optional reader(open_host(mine("g"), O_RDONLY));
  link_aside();
  exchange_held();
  remove_aside();
  count_again();
  EXPECT_GE(account().used.space, 60 * block);
  EXPECT_EQ(write("h", 60 * block), ENOSPC);
  reader.reset();
  EXPECT_TRUE(eventually([&] { return write("h", 60 * block) == 0; }));
  expect_exact();
}

TEST_P(LimitedHolds, WhatComesBackToItsNameCountsOnceItIsClosed) {
  begin();
  std::optional reader(open_host(mine("g"), O_RDONLY));
  link_aside();
  exchange_held();
  exchange_held();
  remove_aside();
  reader.reset();
  expect_exact();
}

INSTANTIATE_TEST_SUITE_P(Ext4, LimitedHolds, testing::Values("ext4"), name_of_each);

}  // namespace
}  // namespace vunify::test
