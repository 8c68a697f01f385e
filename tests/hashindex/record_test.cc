// SPDX-License-Identifier: Apache-2.0
#include "hashindex/record.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace vunify::test {
namespace {

constexpr std::uint32_t tick = 10'000'000;  // nanoseconds, of the coarsest clock

Record some_record() {
  Record record;
  record.size = 1'234'567'890'123;
  record.mtime = {1'577'836'800, 999'999'999};
  record.changed = {1'700'000'000, 1};
  record.digest = {0x0123456789abcdef, 0xfedcba9876543210};
  record.match = ~std::uint64_t{0};
  record.guest = 0xdeadbeef;
  return record;
}

Stamp stamp_of(const Record& record) { return {record.size, record.mtime, record.changed}; }

Inode inode_of(const Record& record) {
  Inode inode;
  inode.stamp = {record.size, record.mtime, {}};
  inode.born = record.changed;
  inode.immutable = true;
  return inode;
}

TEST(Record, SurvivesTheRoundTrip) {
  auto record = some_record();
  EXPECT_EQ(record_from(to_bytes(record)), record);
  for (const bool shared : {true, false}) {
    record.shared = shared;
    record.by_layout = !shared;
    record.guarded = shared;
    EXPECT_EQ(record_from(to_bytes(record)), record);
  }
  EXPECT_EQ(to_bytes(record).size(), 61u);
}

TEST(Record, KeepsTimesOfAnyYear) {
  using Limits = std::numeric_limits<std::int64_t>;
  for (const std::int64_t sec : {Limits::min(), std::int64_t{-2'208'988'800}, std::int64_t{-1}, std::int64_t{0},
                                 std::int64_t{1} << 33, Limits::max()}) {
    auto record = some_record();
    record.mtime.sec = record.changed.sec = sec;
    EXPECT_EQ(record_from(to_bytes(record)), record) << sec;
    EXPECT_TRUE(is_trusted(record_from(to_bytes(record)), stamp_of(record))) << sec;
  }
}

TEST(Record, CutShortReadsAsZerosAndNeverAsAnotherMemory) {
  const auto bytes = to_bytes(some_record());
  for (std::size_t size = 0; size < bytes.size(); ++size) record_from(std::string(bytes, 0, size));
  EXPECT_EQ(record_from(""), Record{});
  EXPECT_EQ(key_from(""), InodeKey{});
}

TEST(InodeKey, SortsAsItsBytesDo) {
  const std::uint64_t big = std::uint64_t{1} << 63;
  const std::vector<InodeKey> keys{{0, 0},   {0, 1}, {0, 0x7f}, {0, 0x80}, {0, 0xff}, {0, 256},
                                   {0, big}, {1, 0}, {1, 255},  {255, 3},  {256, 2},  {0x80000000, 1}};
  for (const auto& key : keys) EXPECT_EQ(key_from(to_bytes(key)), key);
  for (std::size_t i = 1; i < keys.size(); ++i) EXPECT_LT(to_bytes(keys[i - 1]), to_bytes(keys[i]));
  EXPECT_EQ(to_bytes(keys[0]).size(), 12u);
}

TEST(Record, OfAPrivateInodeIsTrustedWhileItsStampStays) {
  const auto record = some_record();
  EXPECT_TRUE(is_trusted(record, stamp_of(record)));
  for (const auto change : {+[](Stamp& now) { ++now.size; }, +[](Stamp& now) { ++now.mtime.sec; },
                            +[](Stamp& now) { --now.mtime.nsec; }, +[](Stamp& now) { ++now.ctime.sec; },
                            +[](Stamp& now) { ++now.ctime.nsec; }, +[](Stamp& now) { --now.ctime.sec; }}) {
    auto now = stamp_of(record);
    change(now);
    EXPECT_FALSE(is_trusted(record, now));
  }
}

TEST(Record, OfASharedInodeIsTrustedWhileItIsImmutableAndTheSameInode) {
  auto record = some_record();
  record.shared = true;
  EXPECT_TRUE(is_trusted_shared(record, inode_of(record)));
  for (const auto change : {+[](Inode& now) { ++now.stamp.size; }, +[](Inode& now) { ++now.stamp.mtime.nsec; },
                            +[](Inode& now) { --now.stamp.mtime.sec; }, +[](Inode& now) { ++now.born.nsec; },
                            +[](Inode& now) { ++now.born.sec; }, +[](Inode& now) { now.immutable = false; }}) {
    auto now = inode_of(record);
    change(now);
    EXPECT_FALSE(is_trusted_shared(record, now));
  }
}

TEST(Record, OfASharedInodeOutlivesItsCtime) {
  auto record = some_record();
  record.shared = true;
  auto now = inode_of(record);
  now.stamp.ctime = {1'900'000'000, 5};
  now.nlink = 7;
  EXPECT_TRUE(is_trusted_shared(record, now));
}

TEST(Record, OfOneKindSaysNothingOfTheOther) {
  auto record = some_record();
  EXPECT_FALSE(is_trusted_shared(record, inode_of(record)));
  record.shared = true;
  EXPECT_FALSE(is_trusted(record, stamp_of(record)));
}

TEST(Record, IsNotMadeOfAnInodeThatChangedInTheSameTick) {
  const Timestamp reading{1'000, 500'000'000};
  const auto at = [&](std::int64_t sec, std::uint32_t nsec) { return Stamp{1, {}, {sec, nsec}}; };
  EXPECT_FALSE(is_old_enough(at(1'000, 500'000'000), reading));
  EXPECT_FALSE(is_old_enough(at(1'000, 500'000'000 - tick), reading));
  EXPECT_FALSE(is_old_enough(at(1'000, 500'000'000 - 2 * tick), reading));
  EXPECT_TRUE(is_old_enough(at(1'000, 500'000'000 - 2 * tick - 1), reading));
  EXPECT_TRUE(is_old_enough(at(998, 999'999'999), reading));
  EXPECT_TRUE(is_old_enough(at(-5, 0), reading));
}

TEST(Record, IsNotMadeAcrossASecondThatHasJustBegun) {
  const Stamp seen{1, {}, {999, 995'000'000}};
  EXPECT_FALSE(is_old_enough(seen, {1'000, 5'000'000}));
  EXPECT_TRUE(is_old_enough(seen, {1'000, 15'000'001}));
}

TEST(Record, IsNotMadeOfAnInodeFromTheFuture) {
  const Timestamp reading{1'000, 500'000'000};
  for (const Timestamp ctime : {Timestamp{1'000, 500'000'001}, {1'001, 0}, {1'003, 0}, {4'000'000'000, 0}})
    EXPECT_FALSE(is_old_enough({1, {}, ctime}, reading)) << ctime.sec;
}

TEST(Fold, OfAStatTellsWhatCandidatesMustAgreeIn) {
  const DigestKey key, other;
  const auto fold = stat_hash(key, 0100644, 1, 2, -3, KeptBy::flag);
  EXPECT_EQ(fold, stat_hash(key, 0100644, 1, 2, -3, KeptBy::flag));
  EXPECT_NE(fold, stat_hash(key, 0100600, 1, 2, -3, KeptBy::flag));
  EXPECT_NE(fold, stat_hash(key, 0100644, 2, 1, -3, KeptBy::flag));
  EXPECT_NE(fold, stat_hash(key, 0100644, 1, 2, 3, KeptBy::flag));
  EXPECT_NE(fold, stat_hash(other, 0100644, 1, 2, -3, KeptBy::flag));
  EXPECT_NE(fold, stat_hash(key, 0100644, 1, 2, -3, KeptBy::cow)) << "what keeps them apart does not mix";
}

}  // namespace
}  // namespace vunify::test
