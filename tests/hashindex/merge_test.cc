// SPDX-License-Identifier: Apache-2.0
#include "hashindex/merge.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "db/bytes.h"
#include "sys/fd.h"
#include "tests/scratch.h"
#include "tests/seeds.h"

namespace vunify::test {
namespace {

using lmdb::Access;
using testing::ElementsAre;
using testing::IsEmpty;

using Inodes = std::vector<std::uint64_t>;
using Keepers = std::map<std::uint64_t, std::string>;  // inode, handle

constexpr std::uint32_t first_guest = 1, second_guest = 2, forgotten_guest = 99;

Finding of_guest(std::uint64_t ino, std::uint32_t guest = first_guest, std::uint64_t size = 5) {
  Finding found{{0, ino}, {}, false, 0, {}};
  found.record.guest = guest;
  found.record.size = size;
  return found;
}

Finding shared(std::uint64_t ino, std::uint64_t size = 5, std::string handle = {}) {
  auto found = of_guest(ino, 0, size);
  found.record.shared = true;
  found.stat_hash = 77;
  found.handle = handle.empty() ? "handle of " + std::to_string(ino) : handle;
  return found;
}

Finding gone(std::uint64_t ino) { return {{0, ino}, {}, true, 0, {}}; }

class Merging : public testing::Test {
 protected:
  Merging() { store_.enroll(open_guests({dir_ / "a", dir_ / "b"}).guests, 1); }

  void learn(const std::vector<Finding>& findings) {
    Delta delta(dir_ / "index");
    for (const auto& finding : findings) delta.add(finding);
    merge(store_, delta);
  }

  void prune_walked(std::set<std::uint32_t> guests, Inodes seen, const std::set<std::string>& gone_handles = {}) {
    const Walked walked{std::move(guests), {{0, std::move(seen)}}};
    prune(store_, walked, [&](std::uint32_t, std::string_view handle) {
      asked_.emplace_back(handle);
      return gone_handles.contains(asked_.back());
    });
  }

  template <typename Use>
  void for_each(Store::Table table, const Use& use) const {
    const lmdb::Transaction reading(store_.environment(), Access::read);
    lmdb::Cursor cursor(reading, store_.table(table));
    for (auto entry = cursor.first(); entry; entry = cursor.next()) use(*entry);
  }

  Inodes inodes() const {
    Inodes all;
    for_each(Store::inodes, [&](const lmdb::Entry& entry) { all.push_back(key_from(entry.key).ino); });
    return all;
  }

  Keepers keepers() const {
    Keepers all;
    for_each(Store::keepers, [&](const lmdb::Entry& entry) {
      all[Unpack(entry.key.substr(12)).take<std::uint64_t>()] = Unpack(entry.value.substr(8)).rest();
    });
    return all;
  }

  std::optional<Record> record(std::uint64_t ino) const { return RecordReader(store_).find({0, ino}); }

  const Scratch dir_{{"a/f", "same"}, {"b/f", "same"}};
  Store store_{dir_ / "index", Access::write};
  std::vector<std::string> asked_;
};

TEST_F(Merging, FillsAnEmptyIndex) {
  learn({of_guest(9), shared(7), of_guest(8)});
  EXPECT_THAT(inodes(), ElementsAre(7, 8, 9));
  EXPECT_EQ(keepers(), (Keepers{{7, "handle of 7"}}));
  EXPECT_THAT(dir_.names(), ElementsAre("a", "b", "index", "index-lock"));
}

TEST_F(Merging, PutsRecordsInBetweenAndBehind) {
  learn({of_guest(10), of_guest(20), of_guest(30)});
  learn({of_guest(5), of_guest(15), of_guest(20, second_guest), of_guest(40)});
  EXPECT_THAT(inodes(), ElementsAre(5, 10, 15, 20, 30, 40));
  EXPECT_EQ(record(20)->guest, second_guest);
  EXPECT_EQ(record(10)->guest, first_guest);
}

TEST_F(Merging, RemovesWhatIsGoneWithItsKeeper) {
  learn({shared(7), shared(8), of_guest(9)});
  learn({gone(7), gone(9), gone(1234)});
  EXPECT_THAT(inodes(), ElementsAre(8));
  EXPECT_EQ(keepers(), (Keepers{{8, "handle of 8"}}));
}

TEST_F(Merging, OfAPrivateInodeLeavesNoKeeper) {
  learn({shared(7), shared(8)});
  learn({of_guest(7)});
  EXPECT_THAT(inodes(), ElementsAre(7, 8));
  EXPECT_EQ(keepers(), (Keepers{{8, "handle of 8"}}));
}

TEST_F(Merging, OfASharedInodeReplacesItsKeeper) {
  learn({of_guest(6), shared(7), shared(8)});
  learn({shared(6), shared(7, 6, "of another size"), shared(8, 5, "of another inode")});
  EXPECT_EQ(keepers(), (Keepers{{6, "handle of 6"}, {7, "of another size"}, {8, "of another inode"}}));
  EXPECT_EQ(store_.count(Store::keepers), 3u);
}

TEST_F(Merging, TwiceIsAsOnce) {
  const std::vector<Finding> findings{shared(7), of_guest(8), gone(9), shared(10, 6)};
  learn({of_guest(7), shared(8), shared(9), shared(10)});
  for (int i = 0; i < 2; ++i) {
    learn(findings);
    EXPECT_THAT(inodes(), ElementsAre(7, 8, 10));
    EXPECT_EQ(keepers(), (Keepers{{7, "handle of 7"}, {10, "handle of 10"}}));
  }
}

TEST_F(Merging, GoesOnWithWhatAnInterruptedRunLearnt) {
  {
    Delta interrupted(dir_ / "index");
    interrupted.add(of_guest(7));
    interrupted.flush();
  }
  learn({of_guest(8)});
  EXPECT_THAT(inodes(), ElementsAre(7, 8));
}

TEST_F(Merging, TakesMoreThanOneTransaction) {
  constexpr std::uint64_t many = 150'000;
  std::vector<Finding> even, rest;
  for (std::uint64_t i = 0; i < many; i += 2) even.push_back(i % 5 == 0 ? shared(i) : of_guest(i));
  for (std::uint64_t i = 0; i < many; ++i) rest.push_back(i % 3 == 0 ? gone(i) : of_guest(i, second_guest));
  learn(even);
  EXPECT_EQ(store_.count(Store::inodes), many / 2);
  EXPECT_EQ(store_.count(Store::keepers), many / 10);
  learn(rest);
  EXPECT_EQ(store_.count(Store::inodes), many / 3 * 2);
  EXPECT_EQ(store_.count(Store::keepers), 0u);
  EXPECT_TRUE(store_.reads_well());
}

// Whatever comes after whatever: the index is what a map would be.
TEST_F(Merging, OfAnythingIsAsInAMap) {
  const auto seed = draw_seeds(1).front();
  SCOPED_TRACE("VUNIFY_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::map<std::uint64_t, Finding> model;
  for (int round = 0; round < 60; ++round) {
    std::vector<Finding> findings;
    for (int i = 0; i < 40; ++i) {
      const auto ino = random() % 100, size = random() % 3;
      const auto kind = random() % 3;
      findings.push_back(kind == 0 ? gone(ino) : kind == 1 ? shared(ino, size) : of_guest(ino, first_guest, size));
      model.insert_or_assign(ino, findings.back());
    }
    learn(findings);
    std::erase_if(model, [](const auto& entry) { return entry.second.is_gone; });
    Inodes expected;
    Keepers expected_keepers;
    for (const auto& [ino, finding] : model) {
      expected.push_back(ino);
      EXPECT_EQ(record(ino), finding.record) << ino;
      if (finding.record.shared) expected_keepers[ino] = finding.handle;
    }
    ASSERT_EQ(inodes(), expected) << round;
    ASSERT_EQ(keepers(), expected_keepers) << round;
    ASSERT_EQ(store_.count(Store::keepers), expected_keepers.size()) << round;
  }
}

TEST_F(Merging, ThatFindsTheDiskFullLeavesAllAsItWas) {
  const LoopFs fs("ext4", 32);
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  std::optional<Store> store(std::in_place, fs / "index", Access::write);
  const auto learn_many = [&](std::uint32_t guest, std::uint64_t count) {
    Delta delta(dir_ / "elsewhere");
    for (std::uint64_t i = 0; i < count; ++i) delta.add(of_guest(i, guest));
    merge(*store, delta);
  };
  learn_many(1, 1'000);
  EXPECT_EQ(shell("dd if=/dev/zero of=" + (fs / "filler") + " bs=64k 2>&1").status, 1);
  EXPECT_THROW(learn_many(2, 100'000), std::system_error);
  store.emplace(fs / "index", Access::write);
  EXPECT_TRUE(store->reads_well());
  EXPECT_EQ(RecordReader(*store).find({0, 999})->guest, 1u);
  std::filesystem::remove(fs / "filler");
  learn_many(2, 20'000);  // together with what did not fit before: it is still there
  EXPECT_EQ(store->count(Store::inodes), 100'000u);
  EXPECT_EQ(RecordReader(*store).find({0, 999})->guest, 2u);
}

TEST_F(Merging, PruningRemovesWhatAWalkedGuestHasNoMore) {
  learn({of_guest(7), of_guest(8), of_guest(9, second_guest)});
  prune_walked({first_guest}, {8});
  EXPECT_THAT(inodes(), ElementsAre(8, 9));
}

TEST_F(Merging, PruningRemovesWhatOnlyAForgottenGuestHad) {
  learn({of_guest(7, forgotten_guest), of_guest(8, forgotten_guest), of_guest(9, second_guest)});
  prune_walked({first_guest}, {8});
  EXPECT_THAT(inodes(), ElementsAre(8, 9));  // a file that was moved to another guest
}

TEST_F(Merging, PruningLeavesASharedInodeWhileItsHandleOpens) {
  learn({shared(7), shared(8), shared(9)});
  prune_walked({first_guest}, {8}, {"handle of 8", "handle of 9"});
  EXPECT_THAT(inodes(), ElementsAre(7, 8));
  EXPECT_EQ(keepers(), (Keepers{{7, "handle of 7"}, {8, "handle of 8"}}));
  EXPECT_THAT(asked_, ElementsAre("handle of 7", "handle of 9"));
}

TEST_F(Merging, PruningAsksNothingOfAFilesystemNobodyWalked) {
  learn({shared(7), of_guest(8, second_guest)});
  prune(store_, {{first_guest}, {{1, {7}}}}, [](std::uint32_t, std::string_view) { return true; });
  EXPECT_THAT(inodes(), ElementsAre(7, 8));
}

TEST_F(Merging, PruningTellsInodesOfTwoFilesystemsApart) {
  auto other = of_guest(7);
  other.key.fs = 1;
  learn({of_guest(7), of_guest(9), other});
  prune(store_, {{first_guest}, {{0, {5, 9}}, {1, {7}}}}, {});
  EXPECT_EQ(record(7), std::nullopt);
  EXPECT_TRUE(record(9));
  EXPECT_TRUE(RecordReader(store_).find({1, 7}));
}

TEST_F(Merging, PruningTakesManyAtOnce) {
  constexpr std::uint64_t many = 100'000;
  std::vector<Finding> findings;
  Inodes seen;
  for (std::uint64_t i = 0; i < many; ++i) findings.push_back(of_guest(i));
  for (std::uint64_t i = 0; i < many; i += 10) seen.push_back(i);
  learn(findings);
  prune_walked({first_guest}, seen);
  EXPECT_EQ(inodes(), seen);
}

}  // namespace
}  // namespace vunify::test
