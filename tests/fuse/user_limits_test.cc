// SPDX-License-Identifier: Apache-2.0
// Users and groups of a guest with limits of their own: EDQUOT before anything happens, and nobody else feels it.
#include "tests/fuse/limited_guest.h"

namespace vunify::test {
namespace {

constexpr auto alice = 1000u, bob = 1001u;

class UserLimits : public LimitedOn {
 protected:
  void SetUp() override {
    LimitedOn::SetUp();
    if (IsSkipped()) return;
    must(shell("chmod 755 " + dir_->root() + " && chmod 777 " + mine("")));
  }
  // Of a file that belongs to somebody.
  void give(const std::string& path, std::uint64_t bytes, unsigned uid, unsigned gid = 0) const {
    dir_->write("guest/" + path, std::string(bytes, 'o'));
    check(::chown(mine(path).c_str(), uid, gid), "chown", path);
  }
  // What a user's program does; its status, and what it says.
  Finished as(unsigned uid, const std::string& script) const {
    const auto id = std::to_string(uid);
    return shell("cd " + mine("") + " && setpriv --reuid=" + id + " --regid=" + id + " --clear-groups sh -c '" +
                 script + "'");
  }
  void expect_over_quota(const Finished& finished) const {
    EXPECT_NE(finished.status, 0);
    EXPECT_NE(finished.err.find("quota exceeded"), std::string::npos) << finished.err;
  }
};

TEST_P(UserLimits, GiveAllOfItAndNotABlockMore) {
  limit(user(alice), {100 * block, no_limit});
  mount();
  must(as(alice, "head -c 396K /dev/zero > g"));
  expect_over_quota(as(alice, "head -c 8K /dev/zero >> g"));
  EXPECT_LE(dir_->inode("guest/g").bytes_on_disk(), 100 * block);
  must(as(bob, "head -c 800K /dev/zero > b"));
  EXPECT_EQ(write("r", 100 * block), 0) << "nobody else feels it";
  expect_exact();
}

TEST_P(UserLimits, HoldForWhatRootWritesToTheUsersFiles) {
  give("g", block, alice);
  limit(user(alice), {10 * block, no_limit});
  mount();
  EXPECT_EQ(write("g", 12 * block, 0), EDQUOT);
  EXPECT_EQ(write("own", 12 * block), 0);
  expect_exact();
}

TEST_P(UserLimits, RefuseNothingThatTakesNothing) {
  give("old", 4 * block, alice, alice), give("other", block, alice, alice);
  limit(user(alice), {0, 0}), limit(group(alice), {0, 0});
  mount();
  must(as(alice, "dd if=/dev/zero of=old bs=4k count=4 conv=notrunc && chmod 600 old && mv old other"));
  expect_over_quota(as(alice, "head -c 8K /dev/zero >> other"));
  must(as(alice, "truncate -s 4096 other && head -c 8K /dev/zero >> other && rm other"));
  must(as(alice, "head -c 20K /dev/zero > new && rm new"));
  expect_exact();
}

TEST_P(UserLimits, OfInodesCountWhateverTheyAre) {
  limit(user(alice), {no_limit, 3});
  mount();
  must(as(alice, "mkdir d && ln -s x l && : > f2"));
  for (const auto* made : {"mkdir e", "ln -s x m", "mkfifo p", ": > g"}) expect_over_quota(as(alice, made));
  must(as(alice, "rmdir d && : > g"));
  expect_exact();
}

TEST_P(UserLimits, LetAFileGoToWhoHasRoomForIt) {
  give("g", 20 * block, alice);
  limit(user(alice), {0, no_limit}), limit(user(bob), {10 * block, no_limit}), limit(group(bob), {no_limit, 0});
  mount();
  EXPECT_EQ(::chown(mine("g").c_str(), bob, 0), -1);
  EXPECT_EQ(errno, EDQUOT);
  EXPECT_EQ(::chown(mine("g").c_str(), 5, bob), -1) << "one inode too many for the group";
  EXPECT_EQ(errno, EDQUOT);
  EXPECT_EQ(dir_->inode("guest/g").uid, alice);
  EXPECT_EQ(::chown(mine("g").c_str(), 5, 5), 0);
  must(as(alice, "head -c 80K /dev/zero > mine"));
  expect_exact();
}

TEST_P(UserLimits, CountASharedFileForNobodyUntilItIsBroken) {
  check(::chown((*dir_ / "other/f").c_str(), alice, alice), "chown");
  limit(user(alice), {0, no_limit}), limit(user(bob), {9 * block, no_limit});
  EXPECT_EQ(uses().by.count(user(alice)), 0u);
  mount();
  expect_over_quota(as(alice, "echo x >> f"));
  EXPECT_EQ(::chmod(mine("f").c_str(), 0600), -1);
  EXPECT_EQ(errno, EDQUOT);
  EXPECT_EQ(::chown(mine("f").c_str(), bob, 0), -1);
  EXPECT_EQ(dir_->inode("other/f").nlink, 2u) << "no copy was made";
  EXPECT_EQ(dir_->inode("other/f").uid, alice);
  expect_exact();
}

TEST_P(UserLimits, FollowAnOpenFileToItsNewOwner) {
  limit(user(alice), {100 * block, no_limit});
  mount();
  {
    const Fd file = open_host(mine("g"), O_RDWR | O_CREAT);
    ASSERT_EQ(write("g", 90 * block, 0), 0);
    check(::fchown(file.get(), alice, alice), "fchown");
    ASSERT_EQ(::unlink(mine("g").c_str()), 0);
    expect_over_quota(as(alice, "head -c 80K /dev/zero > h"));
  }
  // close(2) does not wait for RELEASE.
  EXPECT_TRUE(eventually([&] { return as(alice, "head -c 360K /dev/zero > h").status == 0; }));
  expect_exact();
}

TEST_P(UserLimits, TakeAnOpenFileWithoutWhatWasAllocatedAhead) {
  limit(user(alice), {90 * block, no_limit});
  mount();
  {
    const Fd file = open_host(mine("g"), O_RDWR | O_CREAT);
    for (auto left = 90; left > 0; --left) write_all(file.get(), std::string(block, 'x'), "g");
    EXPECT_EQ(::fchown(file.get(), alice, alice), 0) << std::generic_category().message(errno);
    EXPECT_EQ(::write(file.get(), "x", 1), -1);
  }
  expect_exact();
}

TEST_P(UserLimits, HoldBesidesTheGuests) {
  limit({20 * block, no_limit});
  limit(user(alice), {100 * block, no_limit});
  mount();
  const auto full = as(alice, "head -c 200K /dev/zero > g");
  EXPECT_NE(full.err.find("No space left"), std::string::npos) << full.err;
  expect_exact();
}

TEST_P(UserLimits, ThatAreSetLaterHoldAndTakenAwayDoNot) {
  limit({1000 * block, no_limit});
  mount();
  must(as(alice, "head -c 80K /dev/zero > g"));
  const auto set = [&](const Amount& total) {
    const Ledger ledger(state_dir_, lmdb::Access::write);
    auto change = ledger.change();
    change.put(key_.of, user(alice), total);
    change.commit();
  };
  const auto more = "head -c 8K /dev/zero > more";
  set({20 * block, no_limit});
  EXPECT_TRUE(eventually([&] { return as(alice, more).status != 0; }));
  set({no_limit, no_limit});
  EXPECT_TRUE(eventually([&] { return as(alice, more).status == 0; }));
  expect_exact();
}

TEST_P(UserLimits, AreExactAgainOnceAKilledDaemonsGuestIsMounted) {
  limit(user(alice), {1000 * block, no_limit});
  mount();
  must(as(alice, "head -c 400K /dev/zero > g"));
  kill_daemon();
  mount();
  must(as(alice, "head -c 40K /dev/zero > h"));
  expect_exact();
}

INSTANTIATE_TEST_SUITE_P(Each, UserLimits, testing::Values("ext4", "xfs"), name_of_each);

}  // namespace
}  // namespace vunify::test
