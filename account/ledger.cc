// SPDX-License-Identifier: Apache-2.0
#include "account/ledger.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>

#include <array>
#include <filesystem>

#include "db/bytes.h"
#include "db/checked.h"
#include "sys/at.h"
#include "sys/child.h"

namespace vunify {
namespace {

enum Table : std::size_t { header, limits_table, accounts_table, user_limits_table, user_accounts_table };

constexpr std::array ledger_tables = {"header", "limits", "accounts", "user-limits", "user-accounts"};
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

Amount readable_amount(std::string_view key, std::string_view value) {
  const auto body = body_of(key, value);
  if (!body) throw Damaged("ledger: the record of a user's limit is damaged");
  return amount_from(*body);
}

std::unique_ptr<lmdb::Environment> open_environment(const std::string& path, lmdb::Access access) {
  return std::make_unique<lmdb::Environment>(path, access,
                                             std::vector<std::string>(ledger_tables.begin(), ledger_tables.end()));
}

// LMDB believes every page number: one that leads out of the file ends who follows it.
void expect_readable(const std::string& path) {
  if (!std::filesystem::exists(path) || std::filesystem::file_size(path) == 0) return;
  const auto reads = [&path] { return lmdb::reads_well(*open_environment(path, lmdb::Access::read)); };
  if (!succeeds_in_child(reads, seconds_to_read)) throw Damaged(path + ": is damaged, or no ledger");
}

// Where nothing can be written nobody else writes, and there is nothing to wait for.
Fd open_turns(const std::string& path, lmdb::Access access) {
  try {
    return open_host(path, O_RDWR | O_CREAT | O_NOFOLLOW);
  } catch (const std::system_error& error) {
    if (access == lmdb::Access::write || !is_error(error, EROFS)) throw;
    return {};
  }
}

std::optional<Turn> take_turn(const Fd& turns, off_t of) {
  return turns ? std::optional<Turn>(std::in_place, turns.get(), of) : std::nullopt;
}

}  // namespace

template <typename Take>
void LedgerTransaction::for_each(MDB_dbi table, const std::string& prefix, const Take& take) const {
  lmdb::Cursor cursor(transaction_, table);
  auto entry = prefix.empty() ? cursor.first() : cursor.at_or_after(prefix);
  for (; entry && entry->key.starts_with(prefix); entry = cursor.next()) take(*entry);
}

LedgerTransaction::LedgerTransaction(const Ledger& ledger, lmdb::Access access)
    : environment_(ledger.whole()),
      turn_(take_turn(ledger.turns(), access == lmdb::Access::write ? writers : readers)),
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
  const auto found = transaction_.get(table_of(key), bytes);
  return found ? std::optional(readable_account(bytes, *found)) : std::nullopt;
}

MDB_dbi LedgerTransaction::table_of(const AccountKey& key) const {
  return environment_.table(key.whose.is_guest() ? accounts_table : user_accounts_table);
}

std::vector<std::pair<AccountKey, Account>> LedgerTransaction::accounts(const LimitKey& key, Whose whose) const {
  std::vector<std::pair<AccountKey, Account>> found;
  const bool is_guest = whose.is_guest();
  for_each(table_of({key, 0, 0, whose}), is_guest ? to_bytes(key) : user_limit_bytes(key, whose), [&](const auto& at) {
    const auto of = is_guest ? account_key_from(at.key) : user_account_key_from(at.key);
    found.emplace_back(of, readable_account(at.key, at.value));
  });
  return found;
}

std::vector<std::pair<AccountKey, Account>> LedgerTransaction::user_accounts(const LimitKey& key) const {
  std::vector<std::pair<AccountKey, Account>> found;
  for_each(environment_.table(user_accounts_table), to_bytes(key), [&](const auto& at) {
    found.emplace_back(user_account_key_from(at.key), readable_account(at.key, at.value));
  });
  return found;
}

std::vector<std::pair<Whose, Amount>> LedgerTransaction::user_limits(const LimitKey& key) const {
  std::vector<std::pair<Whose, Amount>> found;
  for_each(environment_.table(user_limits_table), to_bytes(key),
           [&](const auto& at) { found.emplace_back(whose_from(at.key), readable_amount(at.key, at.value)); });
  return found;
}

std::vector<std::pair<LimitKey, Limit>> LedgerTransaction::limits() const {
  std::vector<std::pair<LimitKey, Limit>> found;
  for_each(environment_.table(limits_table), {},
           [&](const auto& at) { found.emplace_back(limit_key_from(at.key), readable_limit(at.key, at.value)); });
  return found;
}

void LedgerTransaction::put(const LimitKey& key, const Limit& limit) {
  const auto bytes = to_bytes(key);
  transaction_.put(environment_.table(limits_table), bytes, check_in(bytes, record_version, to_bytes(limit)));
}

void LedgerTransaction::put(const AccountKey& key, const Account& account) {
  const auto bytes = to_bytes(key);
  transaction_.put(table_of(key), bytes, check_in(bytes, record_version, to_bytes(account)));
}

void LedgerTransaction::put(const LimitKey& key, Whose whose, const Amount& total) {
  const auto bytes = user_limit_bytes(key, whose);
  transaction_.put(environment_.table(user_limits_table), bytes, check_in(bytes, record_version, to_bytes(total)));
}

void LedgerTransaction::remove(const AccountKey& key) {
  transaction_.remove(table_of(key), to_bytes(key));
  if (!key.whose.is_guest()) return;
  for (const auto& [account, is] : user_accounts(key.of))
    if (account.subvolume == key.subvolume && account.ino == key.ino) remove(account);
}

void LedgerTransaction::remove(const LimitKey& key) {
  for (const auto& [account, is] : accounts(key)) remove(account);
  for (const auto& [whose, total] : user_limits(key)) remove(key, whose);
  transaction_.remove(environment_.table(limits_table), to_bytes(key));
}

void LedgerTransaction::remove(const LimitKey& key, Whose whose) {
  transaction_.remove(environment_.table(user_limits_table), user_limit_bytes(key, whose));
}

Ledger::Ledger(const std::string& state_dir, lmdb::Access access)
    : state_dir_(state_dir), turns_(open_turns(path_in(state_dir) + "-turns", access)) {
  const auto path = path_in(state_dir);
  const auto writer = take_turn(turns_, writers), reader = take_turn(turns_, readers);
  if (access == lmdb::Access::write) bell_.emplace(path + "-bell");
  expect_readable(path);
  environment_ = open_environment(path, access);
  if (access == lmdb::Access::write) environment_->forget_dead_readers();
  check_version(access);
}

const lmdb::Environment& Ledger::whole() const {
  if (environment_->was_cut_short()) throw Damaged(path_in(state_dir_) + ": was cut short");
  return *environment_;
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
  auto aside = path + ".damaged";
  for (int i = 2; std::filesystem::exists(aside); ++i) aside = fmt::format("{}.damaged-{}", path, i);
  rename_at({AT_FDCWD, path.c_str()}, {AT_FDCWD, aside.c_str()}, RENAME_NOREPLACE);
  std::filesystem::remove(path + "-lock");
}

std::string lock_path(const std::string& state_dir, const AccountKey& key) {
  return fmt::format("{}/ledger-{}-{}-{}-{}.lock", state_dir, to_string(key.of.fs), key.of.xid, key.subvolume, key.ino);
}

}  // namespace vunify
