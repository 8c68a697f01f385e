// SPDX-License-Identifier: Apache-2.0
#include "account/ledger.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <filesystem>

#include "db/bytes.h"
#include "db/checked.h"
#include "sys/child.h"

namespace vunify {
namespace {

enum Table : std::size_t { header, limits_table, accounts_table };

constexpr std::uint8_t record_version = 1;
constexpr auto version_key = "version";
constexpr unsigned seconds_to_read = 10;
constexpr off_t writers = 0, readers = 1;  // whose turn it is: bytes of the file beside it

std::string path_in(const std::string& state_dir) { return state_dir + "/ledger"; }

std::optional<std::string_view> body_of(std::string_view key, std::string_view value) {
  const auto checked = check_out(key, value);
  if (!checked || checked->version != record_version) return std::nullopt;
  return checked->body;
}

Account readable_account(std::string_view key, std::string_view value) {
  const auto body = body_of(key, value);
  return body ? account_from(*body) : Account{};
}

Limit readable_limit(std::string_view key, std::string_view value) {
  const auto body = body_of(key, value);
  if (!body) throw Damaged("ledger: the record of a limit is damaged");
  return limit_from(*body);
}

std::unique_ptr<lmdb::Environment> open_environment(const std::string& path, lmdb::Access access) {
  return std::make_unique<lmdb::Environment>(path, access, std::vector<std::string>{"header", "limits", "accounts"});
}

// LMDB believes every page number: one that leads out of the file ends who follows it.
void expect_readable(const std::string& path) {
  if (!std::filesystem::exists(path) || std::filesystem::file_size(path) == 0) return;
  const auto reads = [&path] { return lmdb::reads_well(*open_environment(path, lmdb::Access::read)); };
  if (!succeeds_in_child(reads, seconds_to_read)) throw Damaged(path + ": is damaged, or no ledger");
}

}  // namespace

LedgerTransaction::LedgerTransaction(const Ledger& ledger, lmdb::Access access)
    : environment_(ledger.environment()),
      turn_(std::in_place, ledger.turns(), access == lmdb::Access::write ? writers : readers),
      transaction_(environment_, access) {
  if (access != lmdb::Access::write) turn_.reset();
}

std::optional<Limit> LedgerTransaction::limit(const LimitKey& key) const {
  const auto bytes = to_bytes(key);
  const auto found = transaction_.get(environment_.table(limits_table), bytes);
  return found ? std::optional(readable_limit(bytes, *found)) : std::nullopt;
}

std::optional<Account> LedgerTransaction::account(const AccountKey& key) const {
  const auto bytes = to_bytes(key);
  const auto found = transaction_.get(environment_.table(accounts_table), bytes);
  return found ? std::optional(readable_account(bytes, *found)) : std::nullopt;
}

std::vector<std::pair<AccountKey, Account>> LedgerTransaction::accounts(const LimitKey& key) const {
  std::vector<std::pair<AccountKey, Account>> found;
  const auto prefix = to_bytes(key);
  lmdb::Cursor cursor(transaction_, environment_.table(accounts_table));
  for (auto entry = cursor.at_or_after(prefix); entry && entry->key.starts_with(prefix); entry = cursor.next())
    found.emplace_back(account_key_from(entry->key), readable_account(entry->key, entry->value));
  return found;
}

std::vector<std::pair<LimitKey, Limit>> LedgerTransaction::limits() const {
  std::vector<std::pair<LimitKey, Limit>> found;
  lmdb::Cursor cursor(transaction_, environment_.table(limits_table));
  for (auto entry = cursor.first(); entry; entry = cursor.next())
    found.emplace_back(limit_key_from(entry->key), readable_limit(entry->key, entry->value));
  return found;
}

void LedgerTransaction::put(const LimitKey& key, const Limit& limit) {
  const auto bytes = to_bytes(key);
  transaction_.put(environment_.table(limits_table), bytes, check_in(bytes, record_version, to_bytes(limit)));
}

void LedgerTransaction::put(const AccountKey& key, const Account& account) {
  const auto bytes = to_bytes(key);
  transaction_.put(environment_.table(accounts_table), bytes, check_in(bytes, record_version, to_bytes(account)));
}

void LedgerTransaction::remove(const AccountKey& key) {
  transaction_.remove(environment_.table(accounts_table), to_bytes(key));
}

void LedgerTransaction::remove(const LimitKey& key) {
  for (const auto& [account, is] : accounts(key)) remove(account);
  transaction_.remove(environment_.table(limits_table), to_bytes(key));
}

Ledger::Ledger(const std::string& state_dir, lmdb::Access access)
    : state_dir_(state_dir), turns_(open_host(path_in(state_dir) + "-turns", O_RDWR | O_CREAT | O_NOFOLLOW)) {
  const Turn writer(turns(), writers), reader(turns(), readers);
  const auto path = path_in(state_dir);
  expect_readable(path);
  environment_ = open_environment(path, access);
  if (access == lmdb::Access::write) environment_->forget_dead_readers();
  check_version(access);
}

void Ledger::check_version(lmdb::Access access) const {
  lmdb::Transaction transaction(*environment_, access);
  const auto found = transaction.get(environment_->table(header), version_key);
  const auto ours = bytes_of(std::uint32_t{version});
  if (found && *found != ours) throw Damaged(path_in(state_dir_) + ": of another version of vunify");
  if (found || access == lmdb::Access::read) return;
  transaction.put(environment_->table(header), version_key, ours);
  transaction.commit();
}

Amount claimed_by(const std::vector<std::pair<AccountKey, Account>>& accounts) {
  Amount sum;
  for (const auto& [key, account] : accounts) {
    sum.space += account.claimed().space;
    sum.inodes += account.claimed().inodes;
  }
  return sum;
}

void put_ledger_aside(const std::string& state_dir) {
  const auto path = path_in(state_dir);
  std::filesystem::rename(path, path + ".damaged");
  std::filesystem::remove(path + "-lock");
}

std::string lock_path(const std::string& state_dir, const AccountKey& key) {
  return fmt::format("{}/ledger-{}-{}-{}-{}.lock", state_dir, to_string(key.of.fs), key.of.xid, key.subvolume, key.ino);
}

}  // namespace vunify
