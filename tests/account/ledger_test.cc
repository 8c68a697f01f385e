// SPDX-License-Identifier: Apache-2.0
#include "account/ledger.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "sys/fd.h"
#include "tests/scratch.h"

namespace vunify {
namespace {

using lmdb::Access;
using test::Scratch;
using testing::HasSubstr;

constexpr LimitKey guest{{7, 9, 0}, 42}, other{{7, 9, 0}, 43};

void keep(const std::string& dir, const LimitKey& key, std::uint64_t used) {
  const Ledger ledger(dir, Access::write);
  auto change = ledger.change();
  change.put(key, Limit{{1 << 20, 100}, 5, Count::logical, 3});
  change.put(AccountKey{key, 5, 256, {}}, Account{.used = {used, 1}});
  change.commit();
}

// One byte of it, wherever what is looked for stands.
void flip(const std::string& path, std::string_view around) {
  const Fd file = open_host(path, O_RDWR);
  auto bytes = read_all(file.get(), path);
  for (auto at = bytes.find(around); at != std::string::npos; at = bytes.find(around, at + 1))
    bytes[at + around.size()] ^= 1;
  write_at(file.get(), 0, bytes, path);
}

TEST(Ledger, KeepsLimitsAndAccountsApart) {
  const Scratch dir;
  keep(dir.root(), guest, 1000), keep(dir.root(), other, 2000);
  EXPECT_EQ(dir.inode("ledger").mode & 07777, 0600u);
  const Ledger ledger(dir.root(), Access::write);
  EXPECT_EQ(ledger.read().limit(guest), (Limit{{1 << 20, 100}, 5, Count::logical, 3}));
  EXPECT_EQ(ledger.read().limits().size(), 2u);
  EXPECT_EQ(claimed_by(ledger.read().accounts(other)).space, 2000u);
  auto change = ledger.change();
  change.remove(other);
  change.commit();
  EXPECT_TRUE(ledger.read().accounts(other).empty());
  EXPECT_EQ(claimed_by(ledger.read().accounts(guest)).space, 1000u);
}

TEST(Ledger, ThatIsCutShortIsDamaged) {
  const Scratch dir;
  keep(dir.root(), guest, 1000);
  std::filesystem::resize_file(dir / "ledger", 8192);
  EXPECT_THROW(Ledger(dir.root(), Access::write), Damaged);
  put_ledger_aside(dir.root());
  EXPECT_TRUE(Ledger(dir.root(), Access::write).read().limits().empty());
  EXPECT_TRUE(dir.exists("ledger.damaged"));
}

TEST(Ledger, ThatIsSomethingElseIsLeftAlone) {
  const Scratch dir{{"ledger", std::string(20'000, 'x')}};
  EXPECT_THROW(Ledger(dir.root(), Access::write), Damaged);
  EXPECT_EQ(dir.read("ledger"), std::string(20'000, 'x'));
}

TEST(Ledger, OfAnotherVersionIsRefused) {
  const Scratch dir;
  keep(dir.root(), guest, 1000);
  {
    const lmdb::Environment other_version(dir / "ledger", Access::write, {"header"});
    lmdb::Transaction change(other_version, Access::write);
    change.put(other_version.table(0), "version", std::string("\0\0\0\x63", 4));
    change.commit();
  }
  EXPECT_THROW(Ledger(dir.root(), Access::write), Damaged);
}

TEST(Ledger, ThatIsCutShortWhileItIsOpenEndsNobody) {
  const Scratch dir;
  keep(dir.root(), guest, 1000);
  const Ledger ledger(dir.root(), Access::write);
  EXPECT_TRUE(ledger.read().limit(guest).has_value());
  std::filesystem::resize_file(dir / "ledger", 4096);
  EXPECT_THROW(ledger.read(), Damaged);
  EXPECT_THROW(ledger.change(), Damaged);
}

TEST(Ledger, DoesNotBelieveADamagedRecord) {
  const Scratch dir;
  keep(dir.root(), guest, 0x1122334455667788);
  flip(dir / "ledger", "\x11\x22\x33\x44\x55\x66\x77");
  const Ledger ledger(dir.root(), Access::write);
  EXPECT_EQ(ledger.read().account({guest, 5, 256, {}}), Account{}) << "as if never counted";
  EXPECT_TRUE(ledger.read().limit(guest).has_value());
}

TEST(Account, NeverGoesBelowNothing) {
  Account account{.used = {10, 2}};
  add(account, {-11, -1});
  EXPECT_EQ(account.used, (Amount{0, 1}));
  EXPECT_EQ(account.underflows, 1u);
}

}  // namespace
}  // namespace vunify
