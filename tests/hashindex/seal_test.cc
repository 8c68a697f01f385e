// SPDX-License-Identifier: Apache-2.0
#include "hashindex/seal.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "hashindex/merge.h"
#include "sys/fd.h"
#include "tests/scratch.h"

namespace vunify::test {
namespace {

using lmdb::Access;

constexpr std::size_t page = 4096;

void flip(const std::string& path, std::uint64_t offset, unsigned char mask = 0xff) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  const auto byte = static_cast<char>(file.get() ^ mask);
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(byte);
}

class Sealing : public testing::Test {
 protected:
  Sealing() {
    fill(0, 500);
    fill(100, 200);  // some pages are free again
    make_seal(path_);
  }

  void fill(std::uint64_t first, std::uint64_t end) const {
    Store store(path_, Access::write);
    Delta delta(path_);
    for (auto ino = first; ino < end; ++ino) {
      Finding finding{{0, ino}, {}, false, ino, "handle"};
      finding.record.shared = ino % 3 == 0;
      finding.record.size = end;
      delta.add(finding);
    }
    merge(store, delta);
  }

  void fill_fresh() const {
    Delta delta(path_);
    for (std::uint64_t ino = 0; ino < 1'000; ++ino) delta.add({{0, ino}, {}, false, 0, {}});
    delta.flush();
  }

  Condition condition() const { return examine_seal(path_); }

  // Of an index that was being written: nobody vouches for it but the child.
  bool survives_with(std::uint64_t offset, unsigned char mask) const {
    flip(path_, offset, mask);
    const bool survived = survives_reading(path_);
    flip(path_, offset, mask);
    return survived;
  }

  const Scratch dir_;
  const std::string path_ = dir_ / "index";
};

TEST_F(Sealing, SaysThatTheIndexIsAsWeLeftIt) {
  EXPECT_EQ(condition(), Condition::sound);
  { const Store store(path_, Access::read); }
  EXPECT_EQ(condition(), Condition::sound);
  EXPECT_EQ(dir_.inode("index.seal").mode & 07777, 0600u);
  EXPECT_FALSE(dir_.exists("index.seal.new"));
}

TEST_F(Sealing, ShowsOneFlippedBitAnywhere) {
  const auto size = dir_.inode("index").stamp.size;
  for (std::uint64_t offset = 0; offset < size; offset += size / 50 + 1) {
    flip(path_, offset, 1);
    EXPECT_EQ(condition(), Condition::damaged) << offset;
    flip(path_, offset, 1);
  }
  flip(path_, size - 1, 0x80);
  EXPECT_EQ(condition(), Condition::damaged);
  flip(path_, size - 1, 0x80);
  EXPECT_EQ(condition(), Condition::sound);
}

TEST_F(Sealing, ShowsAnotherSize) {
  const auto size = dir_.inode("index").stamp.size;
  for (const auto other : {std::uint64_t{0}, size - page, size - 1, size + 1, size + page}) {
    std::filesystem::resize_file(path_, other);
    EXPECT_EQ(condition(), Condition::damaged) << other;
  }
}

TEST_F(Sealing, SaysWhileItIsBrokenThatARunWrites) {
  break_seal(path_);
  EXPECT_EQ(condition(), Condition::being_written);
  fill(600, 700);
  EXPECT_EQ(condition(), Condition::being_written);
  make_seal(path_);
  EXPECT_EQ(condition(), Condition::sound);
}

TEST_F(Sealing, KnowsNoIndexThatIsNotThere) {
  std::filesystem::remove(path_);
  EXPECT_EQ(condition(), Condition::absent);
  EXPECT_FALSE(survives_reading(path_));
}

TEST_F(Sealing, TrustsOnlyWhatIsRootsAlone) {
  const std::vector<std::pair<std::string, std::string>> both_ways{
      {"chown 1 ", "chown 0 "},
      {"chmod 640 ", "chmod 600 "},
      {"chmod 602 ", "chmod 600 "},
      {"ln -t " + dir_.root() + "/d ", "rm " + dir_.root() + "/d/* ; true "}};
  dir_.make_directory("d");
  for (const auto* name : {"index", "index.seal"}) {
    for (const auto& [there, back] : both_ways) {
      ASSERT_EQ(shell(there + (dir_ / name)).status, 0);
      EXPECT_EQ(condition(), Condition::foreign) << there << name;
      ASSERT_EQ(shell(back + (dir_ / name)).status, 0);
    }
    EXPECT_EQ(condition(), Condition::sound);
  }
}

TEST_F(Sealing, FollowsNoSymlink) {
  for (const auto* name : {"index", "index.seal"}) {
    ASSERT_EQ(shell("cd " + dir_.root() + " && mv " + name + " real && ln -s real " + name).status, 0);
    EXPECT_EQ(condition(), Condition::foreign) << name;
    ASSERT_EQ(shell("cd " + dir_.root() + " && mv real " + name).status, 0);
  }
}

TEST_F(Sealing, KnowsWhatOthersLeftThere) {
  dir_.write("index", std::string(3 * page, 'x'));
  ::chmod(path_.c_str(), 0600);
  for (const auto* text : {"", "\n", "something else", "vunify", "\0\0\0"}) {
    dir_.write("index.seal", text);
    ::chmod((dir_ / "index.seal").c_str(), 0600);
    EXPECT_EQ(condition(), Condition::foreign) << text;
  }
  std::filesystem::remove(dir_ / "index.seal");
  EXPECT_EQ(condition(), Condition::foreign);
  std::filesystem::remove(path_);
  { const lmdb::Environment theirs(path_, Access::write, {"theirs"}); }
  EXPECT_EQ(condition(), Condition::foreign);
}

TEST_F(Sealing, KnowsOursWhereTheSealIsDamagedOrLost) {
  for (std::uint64_t byte = 0; byte < 12; ++byte) {
    flip(dir_ / "index.seal", byte);
    EXPECT_EQ(condition(), Condition::damaged) << byte;
    flip(dir_ / "index.seal", byte);
  }
  std::filesystem::remove(dir_ / "index.seal");
  EXPECT_EQ(condition(), Condition::damaged);
  flip(path_, 16);
  EXPECT_EQ(condition(), Condition::damaged) << "LMDB does not know it any more";
  std::filesystem::resize_file(path_, 0);
  EXPECT_EQ(condition(), Condition::damaged);
}

TEST_F(Sealing, KnowsAnotherVersion) {
  for (const auto* version : {"0", "2", "999999999999999999999", "x"}) {
    dir_.write("index.seal", std::string("vunify-index ") + version + " open\n");
    ::chmod((dir_ / "index.seal").c_str(), 0600);
    EXPECT_EQ(condition(), Condition::other_version) << version;
  }
}

TEST_F(Sealing, CutShortSaysThatTheIndexIsDamaged) {
  for (const auto* state : {"", "closed", "closed 1", "closed -1 0", "open?"}) {
    dir_.write("index.seal", "vunify-index " + std::to_string(Store::version) + " " + state);
    ::chmod((dir_ / "index.seal").c_str(), 0600);
    EXPECT_EQ(condition(), Condition::damaged) << state;
  }
}

TEST_F(Sealing, RemovesAnIndexWithAllThatIsBesideIt) {
  Delta delta(path_);
  delta.add({});
  delta.flush();
  for (const auto* name : {"index.seal.new", "index.new", "index.new-lock"}) dir_.write(name, "");
  dir_.write("other", "");
  remove_index(path_);
  EXPECT_THAT(dir_.names(), testing::ElementsAre("other"));
}

TEST_F(Sealing, AGoodIndexIsReadToItsEnd) {
  EXPECT_TRUE(survives_reading(path_));
  EXPECT_EQ(condition(), Condition::sound);
}

TEST_F(Sealing, NoGarbageHarmsWhoAsksAChildToReadIt) {
  const auto size = dir_.inode("index").stamp.size;
  int failed = 0;
  for (std::uint64_t at = 0; at < size; at += page)
    for (const std::uint64_t within : {8, 12, 14, 16, 18, 24, 32, 80}) failed += !survives_with(at + within, 0xa5);
  EXPECT_GT(failed, 30);
  EXPECT_TRUE(survives_reading(path_));
}

TEST_F(Sealing, AnIndexThatIsTooShortIsNotRead) {
  const auto size = dir_.inode("index").stamp.size;
  for (auto left = size / 2 / page * page; left > 0; left = left / 2 / page * page) {
    std::filesystem::resize_file(path_, left);
    EXPECT_FALSE(survives_reading(path_)) << left;
  }
  std::filesystem::resize_file(path_, 0);
  EXPECT_FALSE(survives_reading(path_));
}

TEST_F(Sealing, WhatIsSalvagedIsAllThereWas) {
  const auto secret = Store(path_, Access::read).key().secret();
  dir_.write("index.new", "left by a run that was killed");
  EXPECT_TRUE(salvage(path_));
  const Store store(path_, Access::write);
  EXPECT_EQ(store.key().secret(), secret);
  EXPECT_EQ(store.count(Store::inodes), 500u);
  EXPECT_EQ(store.count(Store::keepers), 167u);
  EXPECT_EQ(RecordReader(store).find({0, 99})->size, 500u);
  EXPECT_EQ(RecordReader(store).find({0, 100})->size, 200u);
  EXPECT_TRUE(store.reads_well());
  EXPECT_THAT(dir_.names(), testing::ElementsAre("index", "index-lock", "index.seal"));
}

// What a run is to write over, LMDB finds in a list that no reader needs.
TEST_F(Sealing, WhatIsSalvagedCanBeWrittenTo) {
  std::string list;
  {
    const lmdb::Environment environment(path_, Access::read, {});
    const lmdb::Transaction reading(environment, Access::read);
    const auto entry = lmdb::Cursor(reading, 0).first();
    ASSERT_TRUE(entry);
    list = entry->value;
  }
  const auto bytes = dir_.read("index");
  for (auto at = bytes.find(list); at != std::string::npos; at = bytes.find(list, at + 1))
    for (std::size_t i = 8; i < list.size(); ++i) flip(path_, at + i);  // pages that no file has room for
  EXPECT_TRUE(salvage(path_));
  fill(0, 500);
  EXPECT_TRUE(Store(path_, Access::read).reads_well());
  EXPECT_EQ(Store(path_, Access::read).count(Store::inodes), 500u);
}

TEST_F(Sealing, WhatCannotBeReadIsNotSalvagedAndStays) {
  for (std::uint64_t at = 0; at < dir_.inode("index").stamp.size; at += page) flip(path_, at + 10);
  const auto bytes = dir_.read("index");
  EXPECT_FALSE(salvage(path_));
  EXPECT_EQ(dir_.read("index"), bytes);
}

TEST_F(Sealing, FindingsOfAnInterruptedRunAreReadToo) {
  EXPECT_TRUE(findings_survive(path_));
  fill_fresh();
  EXPECT_TRUE(findings_survive(path_));
  for (std::uint64_t at = 0; at < dir_.inode("index.delta").stamp.size; at += page)
    for (std::uint64_t byte = 10; byte < 40; ++byte) flip(dir_ / "index.delta", at + byte);
  EXPECT_FALSE(findings_survive(path_));
}

TEST_F(Sealing, FindingsOfARunThatHadJustBegunAreNone) {
  dir_.write("index.delta", "");
  EXPECT_TRUE(findings_survive(path_));
  std::filesystem::remove(dir_ / "index.delta");
  { const lmdb::Environment without_table(dir_ / "index.delta", Access::write, {}); }
  EXPECT_TRUE(findings_survive(path_));
  Delta delta(path_);
  delta.for_each([](const Finding&) { FAIL(); });
}

}  // namespace
}  // namespace vunify::test
