// SPDX-License-Identifier: Apache-2.0
#include "hashindex/record.h"

#include "db/bytes.h"

namespace vunify {
namespace {

// Filesystems stamp inodes with a clock that ticks 100 times a second at the least (CONFIG_HZ), finer since Linux 6.13.
constexpr std::int64_t two_ticks = 20'000'000;
constexpr std::int64_t second = 1'000'000'000;

constexpr std::uint8_t shared_bit = 1, layout_bit = 2, guarded_bit = 4;  // in a record's last byte

void put_time(std::string& bytes, Timestamp time) {
  put(bytes, static_cast<std::uint64_t>(time.sec));
  put(bytes, time.nsec);
}

Timestamp take_time(Unpack& in) {
  const auto sec = static_cast<std::int64_t>(in.take<std::uint64_t>());
  return {sec, in.take<std::uint32_t>()};
}

}  // namespace

bool is_trusted(const Record& record, const Stamp& now) {
  return !record.shared && record.size == now.size && record.mtime == now.mtime && record.changed == now.ctime;
}

bool is_trusted_shared(const Record& record, const Inode& now) {
  return record.shared && now.immutable && record.size == now.stamp.size && record.mtime == now.stamp.mtime &&
         record.changed == now.born;
}

bool is_old_enough(const Stamp& seen, Timestamp reading) {
  const auto seconds = reading.sec - seen.ctime.sec;
  if (seconds > 1 || seconds < 0) return seconds > 1;
  return seconds * second + reading.nsec - seen.ctime.nsec > two_ticks;
}

std::string to_bytes(const InodeKey& key) {
  std::string bytes;
  put(bytes, key.fs);
  put(bytes, key.ino);
  return bytes;
}

std::string to_bytes(const Record& record) {
  std::string bytes;
  put(bytes, record.size);
  put_time(bytes, record.mtime);
  put_time(bytes, record.changed);
  put(bytes, record.digest.high);
  put(bytes, record.digest.low);
  put(bytes, record.match);
  put(bytes, record.guest);
  put(bytes, static_cast<std::uint8_t>((record.shared ? shared_bit : 0) | (record.by_layout ? layout_bit : 0) |
                                       (record.guarded ? guarded_bit : 0)));
  return bytes;
}

InodeKey key_from(std::string_view bytes) {
  Unpack in(bytes);
  const auto fs = in.take<std::uint32_t>();
  return {fs, in.take<std::uint64_t>()};
}

Record record_from(std::string_view bytes) {
  Unpack in(bytes);
  Record record;
  record.size = in.take<std::uint64_t>();
  record.mtime = take_time(in);
  record.changed = take_time(in);
  record.digest.high = in.take<std::uint64_t>();
  record.digest.low = in.take<std::uint64_t>();
  record.match = in.take<std::uint64_t>();
  record.guest = in.take<std::uint32_t>();
  const auto kind = in.take<std::uint8_t>();
  record.shared = kind & shared_bit;
  record.by_layout = kind & layout_bit;
  record.guarded = kind & guarded_bit;
  return record;
}

std::uint64_t stat_hash(const DigestKey& key, std::uint32_t mode, std::uint32_t uid, std::uint32_t gid,
                        std::int64_t mtime, KeptBy kept) {
  std::string bytes;
  for (const auto number : {mode, uid, gid}) put(bytes, number);
  put(bytes, static_cast<std::uint64_t>(mtime));
  if (kept == KeptBy::cow) put(bytes, std::uint8_t{1});
  return key.of(bytes).low;
}

}  // namespace vunify
