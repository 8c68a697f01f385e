// SPDX-License-Identifier: Apache-2.0
#include "account/account.h"

#include "db/bytes.h"

namespace vunify {
namespace {

std::uint64_t plus(std::uint64_t number, std::int64_t growth, std::uint64_t& underflows) {
  if (growth >= 0) return number + static_cast<std::uint64_t>(growth);
  const auto less = std::uint64_t{0} - static_cast<std::uint64_t>(growth);
  if (less <= number) return number - less;
  ++underflows;
  return 0;
}

Amount take_amount(Unpack& bytes) {
  const auto space = bytes.take<std::uint64_t>();
  return {space, bytes.take<std::uint64_t>()};
}

std::int64_t take_signed(Unpack& bytes) { return static_cast<std::int64_t>(bytes.take<std::uint64_t>()); }

LimitKey take_limit_key(Unpack& bytes) {
  LimitKey key;
  key.fs.uuid_high = bytes.take<std::uint64_t>();
  key.fs.uuid_low = bytes.take<std::uint64_t>();
  key.xid = bytes.take<std::uint32_t>();
  return key;
}

Whose take_whose(Unpack& bytes) {
  const auto kind = static_cast<Whose::Kind>(bytes.take<std::uint8_t>());
  return {kind, bytes.take<std::uint32_t>()};
}

}  // namespace

AccountKey account_of(int root, std::uint32_t xid) {
  const auto fs = fs_id(root);
  return {{{fs.uuid_high, fs.uuid_low, 0}, xid}, fs.subvolume, stat_fd(root).ino, {}};
}

AccountKey told_account(const LimitKey& key) { return {key, 0, 0, {}}; }

void add(Account& account, const Growth& spent) {
  account.used.space = plus(account.used.space, spent.space, account.underflows);
  account.used.inodes = plus(account.used.inodes, spent.inodes, account.underflows);
}

std::string to_bytes(const LimitKey& key) {
  return bytes_of(key.fs.uuid_high) + bytes_of(key.fs.uuid_low) + bytes_of(key.xid);
}

std::string user_limit_bytes(const LimitKey& key, Whose whose) {
  return to_bytes(key) + bytes_of(static_cast<std::uint8_t>(whose.kind)) + bytes_of(whose.id);
}

std::string to_bytes(const AccountKey& key) {
  return (key.whose.is_guest() ? to_bytes(key.of) : user_limit_bytes(key.of, key.whose)) + bytes_of(key.subvolume) +
         bytes_of(key.ino);
}

std::string to_bytes(const Amount& amount) { return bytes_of(amount.space) + bytes_of(amount.inodes); }

LimitKey limit_key_from(std::string_view bytes) {
  Unpack from(bytes);
  return take_limit_key(from);
}

AccountKey account_key_from(std::string_view bytes) {
  Unpack from(bytes);
  AccountKey key{.of = take_limit_key(from)};
  key.subvolume = from.take<std::uint64_t>();
  key.ino = from.take<std::uint64_t>();
  return key;
}

AccountKey user_account_key_from(std::string_view bytes) {
  Unpack from(bytes);
  AccountKey key{.of = take_limit_key(from)};
  key.whose = take_whose(from);
  key.subvolume = from.take<std::uint64_t>();
  key.ino = from.take<std::uint64_t>();
  return key;
}

Whose whose_from(std::string_view user_limit_bytes) {
  Unpack from(user_limit_bytes);
  take_limit_key(from);
  return take_whose(from);
}

Amount amount_from(std::string_view bytes) {
  Unpack from(bytes);
  return take_amount(from);
}

std::string to_bytes(const Limit& limit) {
  std::string bytes;
  bytes += to_bytes(limit.total);
  put(bytes, limit.reserved);
  put(bytes, static_cast<std::uint8_t>(limit.count));
  put(bytes, limit.counts_asked);
  put(bytes, limit.recalls);
  return bytes;
}

Limit limit_from(std::string_view bytes) {
  Unpack from(bytes);
  Limit limit;
  limit.total = take_amount(from);
  limit.reserved = from.take<std::uint8_t>();
  limit.count = from.take<std::uint8_t>() == 0 ? Count::exclusive : Count::logical;
  limit.counts_asked = from.take<std::uint64_t>();
  limit.recalls = from.take<std::uint64_t>();
  return limit;
}

std::string to_bytes(const Account& account) {
  std::string bytes;
  bytes += to_bytes(account.used) + to_bytes(account.granted) + to_bytes(account.slack);
  put(bytes, account.counts);
  put(bytes, static_cast<std::uint64_t>(account.counted));
  put(bytes, static_cast<std::uint64_t>(account.drift));
  put(bytes, account.underflows);
  return bytes;
}

Account account_from(std::string_view bytes) {
  Unpack from(bytes);
  Account account;
  account.used = take_amount(from);
  account.granted = take_amount(from);
  account.slack = take_amount(from);
  account.counts = from.take<std::uint64_t>();
  account.counted = take_signed(from);
  account.drift = take_signed(from);
  account.underflows = from.take<std::uint64_t>();
  return account;
}

}  // namespace vunify
