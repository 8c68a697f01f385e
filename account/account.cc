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

void put_amount(std::string& bytes, const Amount& amount) {
  put(bytes, amount.space);
  put(bytes, amount.inodes);
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

}  // namespace

AccountKey account_of(int root, std::uint32_t xid) {
  const auto fs = fs_id(root);
  return {{{fs.uuid_high, fs.uuid_low, 0}, xid}, fs.subvolume, stat_fd(root).ino};
}

AccountKey told_account(const LimitKey& key) { return {key, 0, 0}; }

void add(Account& account, const Growth& spent) {
  account.used.space = plus(account.used.space, spent.space, account.underflows);
  account.used.inodes = plus(account.used.inodes, spent.inodes, account.underflows);
}

std::string to_bytes(const LimitKey& key) {
  return bytes_of(key.fs.uuid_high) + bytes_of(key.fs.uuid_low) + bytes_of(key.xid);
}

std::string to_bytes(const AccountKey& key) { return to_bytes(key.of) + bytes_of(key.subvolume) + bytes_of(key.ino); }

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

std::string to_bytes(const Limit& limit) {
  std::string bytes;
  put_amount(bytes, limit.total);
  put(bytes, limit.reserved);
  put(bytes, static_cast<std::uint8_t>(limit.count));
  put(bytes, limit.counts_asked);
  return bytes;
}

Limit limit_from(std::string_view bytes) {
  Unpack from(bytes);
  Limit limit;
  limit.total = take_amount(from);
  limit.reserved = from.take<std::uint8_t>();
  limit.count = from.take<std::uint8_t>() == 0 ? Count::exclusive : Count::logical;
  limit.counts_asked = from.take<std::uint64_t>();
  return limit;
}

std::string to_bytes(const Account& account) {
  std::string bytes;
  put_amount(bytes, account.used);
  put_amount(bytes, account.granted);
  put_amount(bytes, account.slack);
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
