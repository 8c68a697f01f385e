// SPDX-License-Identifier: Apache-2.0
#include "change/journal.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "tests/scratch.h"

namespace vunify::test {
namespace {

JournaledSet set_of(const std::string& path) {
  JournaledSet set{Intent::link, "/s/.vunify",          "fs", "/s/a", path, 7, {"h\0h", 3}, 42,
                   {-1, 5},      Protection::immutable, {}};
  set.names.push_back({"0-1", "/s/b", path, 7, 8, {1577836800, 999999999}});
  return set;
}

std::vector<std::string> paths_in(const std::string& state_dir) {
  std::vector<std::string> paths;
  for (const auto& set : read_journals(state_dir).sets) paths.push_back(set.path);
  return paths;
}

using Paths = std::vector<std::string>;

bool is_damaged(const Scratch& state) { return !read_journals(state.root()).damaged.empty(); }

void flip(const Scratch& state, std::size_t at) {
  auto bytes = state.read("journal.0");
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  state.write("journal.0", bytes);
}

TEST(Journal, GivesBackWhatWasWritten) {
  const Scratch state;
  Journal(state.root(), "0").begin({set_of("etc/passwd")});
  const auto set = read_journals(state.root()).sets.at(0);
  EXPECT_EQ(set.fs, "fs");
  EXPECT_EQ(set.handle, std::string("h\0h", 3));
  EXPECT_EQ(set.mtime, (Timestamp{-1, 5}));
  EXPECT_EQ(set.protection, Protection::immutable);
  EXPECT_EQ(set.names.at(0).staged, "0-1");
  EXPECT_EQ(set.names.at(0).after, 8U);
  EXPECT_EQ(set.names.at(0).directory_mtime, (Timestamp{1577836800, 999999999}));
}

TEST(Journal, KnowsEveryProtection) {
  const Scratch state;
  std::vector<JournaledSet> sets;
  for (const auto& row : protections) sets.push_back(set_of("f")), sets.back().protection = row.protection;
  Journal(state.root(), "0").begin(sets);
  const auto read = read_journals(state.root()).sets;
  ASSERT_EQ(read.size(), protections.size());
  for (std::size_t i = 0; i < read.size(); ++i) EXPECT_EQ(read[i].protection, protections[i].protection);
}

TEST(Journal, TakesAnyByteInAName) {
  const Scratch state;
  std::string every_byte;
  for (int byte = 1; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  const Paths paths{every_byte, "3:abc", "vunify-journal 3 + 1 0 0 0 0\n", "a\nb", std::string(5000, 'x'), ""};
  std::vector<JournaledSet> sets;
  for (const auto& path : paths) sets.push_back(set_of(path));
  Journal(state.root(), "0").begin(sets);
  EXPECT_EQ(paths_in(state.root()), paths);
}

TEST(Journal, HasNothingOnceTheBatchIsOver) {
  const Scratch state;
  Journal journal(state.root(), "0");
  journal.begin({set_of("one")});
  journal.amend({set_of("two")});
  journal.end();
  EXPECT_EQ(paths_in(state.root()), Paths{});
}

TEST(Journal, AmendedSaysTheLast) {
  const Scratch state;
  Journal journal(state.root(), "0");
  journal.begin({set_of("one")});
  journal.amend({set_of("two")});
  EXPECT_EQ(paths_in(state.root()), Paths{"two"});
}

TEST(Journal, KeepsBatchesThatAreOverUntilTheyAreForgotten) {
  const Scratch state;
  const Fd fs = open_host(state.root(), O_RDONLY | O_DIRECTORY);
  Journal journal(state.root(), "0");
  journal.begin({set_of("one")});
  journal.amend({set_of("two")});
  journal.over(fs.get(), state.root());
  journal.begin({set_of("three")});
  EXPECT_EQ(paths_in(state.root()), (Paths{"two", "three"}));
  journal.over(fs.get(), state.root());
  journal.forget(fs.get(), state.root());
  journal.begin({set_of("four")});
  EXPECT_EQ(paths_in(state.root()), Paths{"four"});
}

// The new first record is just as long as the old one, and the old second one still lies behind it.
TEST(Journal, NeverTakesWhatAnOlderOneLeftForItsOwn) {
  const Scratch state;
  const Fd fs = open_host(state.root(), O_RDONLY | O_DIRECTORY);
  Journal journal(state.root(), "0");
  journal.begin({set_of("one")});
  journal.amend({set_of("two")});
  journal.forget(fs.get(), state.root());
  journal.begin({set_of("six")});
  EXPECT_EQ(paths_in(state.root()), Paths{"six"});
}

TEST(Journal, IsFullAfterSomeMegabytes) {
  const Scratch state;
  const Fd fs = open_host(state.root(), O_RDONLY | O_DIRECTORY);
  Journal journal(state.root(), "0");
  const std::vector<JournaledSet> batch(1000, set_of(std::string(1000, 'x')));
  int batches = 0;
  for (; batches < 100 && !journal.is_full(); ++batches) journal.begin(batch);
  EXPECT_GT(batches, 3);
  EXPECT_LT(batches, 10);
  journal.forget(fs.get(), state.root());
  EXPECT_FALSE(journal.is_full());
}

TEST(Journal, TornAnywhereHasNotBegun) {
  const Scratch state;
  Journal(state.root(), "0").begin({set_of("etc/passwd")});
  const auto whole = state.read("journal.0");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    state.write("journal.0", whole.substr(0, length));
    EXPECT_EQ(paths_in(state.root()), Paths{}) << length;
    EXPECT_FALSE(is_damaged(state)) << length;
  }
}

TEST(Journal, TornInItsAmendmentSaysTheFirst) {
  const Scratch state;
  Journal journal(state.root(), "0");
  journal.begin({set_of("one")});
  const auto first = state.read("journal.0").size();
  journal.amend({set_of("two")});
  const auto whole = state.read("journal.0");
  for (std::size_t length = first; length < whole.size(); ++length) {
    state.write("journal.0", whole.substr(0, length));
    EXPECT_EQ(paths_in(state.root()), Paths{"one"}) << length;
    EXPECT_FALSE(is_damaged(state)) << length;
  }
}

TEST(Journal, WithAnyByteChangedHasNotBegun) {
  const Scratch state;
  Journal(state.root(), "0").begin({set_of("etc/passwd")});
  const auto whole = state.read("journal.0");
  for (std::size_t at = 20; at < whole.size(); ++at) {
    auto changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    state.write("journal.0", changed);
    EXPECT_EQ(paths_in(state.root()), Paths{}) << at;
  }
}

// The others are believed: each stands for itself.
TEST(Journal, DamagedAnywhereBeforeItsLastRecordIsToldAndLacksOnlyThatRecord) {
  const Scratch state;
  Journal journal(state.root(), "0");
  journal.begin({set_of("one")});
  const auto first = state.read("journal.0").size();
  journal.begin({set_of("two")});
  const auto second = state.read("journal.0").size();
  journal.begin({set_of("three")});
  for (std::size_t at = 0; at < second; ++at) {
    if (at == std::string_view("vunify-journal ").size()) continue;  // it is of another version then
    flip(state, at);
    EXPECT_TRUE(is_damaged(state)) << at;
    EXPECT_EQ(paths_in(state.root()), at < first ? (Paths{"two", "three"}) : (Paths{"one", "three"})) << at;
    flip(state, at);
  }
  EXPECT_FALSE(is_damaged(state));
}

// What the lost amendment said of them nobody knows: that nothing was exchanged yet is no longer true, maybe.
TEST(Journal, DamagedAmendmentTakesTheCopiesOfItsBatchWithIt) {
  const Scratch state;
  Journal journal(state.root(), "0");
  auto copies = set_of("copies");
  copies.intent = Intent::copy;
  copies.names[0].before = 0;
  journal.begin({set_of("links"), copies});
  const auto amendment = state.read("journal.0").size();
  copies.names[0].before = 9;
  journal.amend({set_of("links"), copies});
  journal.begin({set_of("next")});
  flip(state, amendment + 200);
  EXPECT_EQ(paths_in(state.root()), (Paths{"links", "next"}));
  EXPECT_TRUE(is_damaged(state));
}

TEST(Journal, DamagedInItsFirstHeaderIsTold) {
  const Scratch state;
  Journal(state.root(), "0").begin({set_of("one")});
  flip(state, 80);
  EXPECT_TRUE(is_damaged(state));
  EXPECT_EQ(paths_in(state.root()), Paths{});
}

TEST(Journal, DamagedAsideIsNoJournalAnyMore) {
  const Scratch state;
  state.write("journal.0", "no journal at all\n" + std::string(500, 'x'));
  const auto damaged = read_journals(state.root()).damaged;
  EXPECT_EQ(damaged, Paths{state / "journal.0"});
  EXPECT_EQ(set_damaged_aside(damaged.at(0)), state / "damaged-journal.0");
  EXPECT_FALSE(is_damaged(state));
}

// A power cut while a new chain is written over an old one of several records.
TEST(Journal, TornOverAnOlderOneIsNotDamaged) {
  const Scratch state;
  const Fd fs = open_host(state.root(), O_RDONLY | O_DIRECTORY);
  Journal journal(state.root(), "0");
  journal.begin({set_of(std::string(2000, 'x'))});
  journal.begin({set_of("two")});
  journal.forget(fs.get(), state.root());
  const auto before = state.read("journal.0");
  journal.begin({set_of(std::string(1500, 'y'))});
  const auto after = state.read("journal.0");
  for (std::size_t sectors = 0; sectors <= 3; ++sectors) {
    const auto written = sectors * 512;
    state.write("journal.0", after.substr(0, written) + before.substr(written));
    EXPECT_FALSE(is_damaged(state)) << sectors;
    EXPECT_EQ(paths_in(state.root()), Paths{}) << sectors;
  }
}

TEST(Journal, WrittenWithAnotherKeyIsNotBelieved) {
  const Scratch state, strangers;
  Journal(state.root(), "0").begin({set_of("ours")});
  Journal(strangers.root(), "0").begin({set_of("forged")});
  state.write("journal.1", strangers.read("journal.0"));
  EXPECT_EQ(paths_in(state.root()), Paths{"ours"});
  EXPECT_TRUE(is_damaged(state));
}

TEST(Journal, HasAKeyThatNobodyElseReads) {
  const Scratch state, other;
  Journal(state.root(), "0");
  Journal(state.root(), "1");
  Journal(other.root(), "0");
  EXPECT_EQ(state.inode("key").mode & 07777, 0600U);
  EXPECT_EQ(state.read("key").size(), 192U);
  EXPECT_NE(state.read("key"), other.read("key"));
}

TEST(Journal, WhoseKeyIsLostIsNotBelievedButTold) {
  const Scratch state;
  Journal(state.root(), "0").begin({set_of("one")});
  std::filesystem::remove(state / "key");
  EXPECT_EQ(paths_in(state.root()), Paths{});
  EXPECT_TRUE(is_damaged(state));
}

TEST(Journal, OfZerosWasNeverWritten) {
  const Scratch state;
  state.write("journal.0", std::string(4096, '\0'));
  EXPECT_EQ(paths_in(state.root()), Paths{});
  EXPECT_FALSE(is_damaged(state));
}

TEST(Journal, OfAnotherVersionThatIsOverIsPassedOver) {
  const Scratch state;
  state.write("journal.0", "vunify-journal 2 + 0 1234567" + std::string(100, ' '));
  EXPECT_EQ(paths_in(state.root()), Paths{});
  EXPECT_FALSE(is_damaged(state));
}

TEST(Journal, OfAnotherVersionIsNotThrownAway) {
  const Scratch state;
  state.write("journal.0", "vunify-journal 1 " + std::string(100, ' '));
  EXPECT_THROW(read_journals(state.root()), std::runtime_error);
}

TEST(Journal, OfTwoWorkersAreBothRead) {
  const Scratch state;
  Journal(state.root(), "0").begin({set_of("one")});
  Journal(state.root(), "1").begin({set_of("two")});
  auto paths = paths_in(state.root());
  std::sort(paths.begin(), paths.end());
  EXPECT_EQ(paths, (Paths{"one", "two"}));
}

TEST(Journal, ReplacedKeepsWhatIsUnresolved) {
  const Scratch state;
  Journal(state.root(), "0").begin({set_of("one")});
  replace_journals(state.root(), {set_of("two")});
  EXPECT_EQ(paths_in(state.root()), Paths{"two"});
  EXPECT_EQ(state.names(), (Paths{"journal.0", "journal.unresolved", "key"}));
  replace_journals(state.root(), {});
  EXPECT_EQ(paths_in(state.root()), Paths{});
  EXPECT_EQ(state.names(), (Paths{"journal.0", "key"}));
}

TEST(Journal, HasRoomSetAsideAndKeepsItOnceItIsEmptied) {
  const Scratch state;
  Journal(state.root(), "0");
  EXPECT_EQ(state.inode("journal.0").stamp.size, 0U);
  EXPECT_GE(state.inode("journal.0").bytes_on_disk(), 64U << 10);
  Journal(state.root(), "0").begin({set_of("one")});
  replace_journals(state.root(), {});
  EXPECT_EQ(paths_in(state.root()), Paths{});
  EXPECT_GE(state.inode("journal.0").bytes_on_disk(), 64U << 10);
}

}  // namespace
}  // namespace vunify::test
