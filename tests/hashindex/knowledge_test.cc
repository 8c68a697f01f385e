// SPDX-License-Identifier: Apache-2.0
#include "hashindex/knowledge.h"

#include <gmock/gmock.h>

#include <thread>

#include "hashindex/merge.h"
#include "tests/scene.h"

namespace vunify::test {
namespace {

using testing::Each;

constexpr Digest content{1, 2};
constexpr std::uint64_t match = 3;

class Knowing : public testing::Test {
 protected:
  Knowing() { store_.enroll(scene_.guests, 1); }

  Inode seen(const std::string& path) const { return dir_.inode(path); }

  // As a run that saw path so would record it.
  Record record_of(const std::string& path, bool shared = false) const {
    const auto inode = seen(path);
    Record record{inode.stamp.size, inode.stamp.mtime, inode.stamp.ctime, content, match};
    if (shared) record.changed = inode.born;
    record.shared = shared;
    return record;
  }

  void learn(const std::string& path, const Record& record) {
    Delta delta(dir_ / "index");
    delta.add({{0, seen(path).ino}, record, false, 0, {}});
    merge(store_, delta);
  }

  std::vector<std::string> known(bool by_layout = false) const {
    const Knowledge knowledge(store_, scene_.survey, by_layout);
    std::vector<std::string> known;
    for (std::size_t group = 0; group < scene_.candidates.groups.size(); ++group) {
      const auto members = scene_.candidates.members(scene_.candidates.groups[group]);
      const auto answers = knowledge.of_group(group);
      EXPECT_EQ(answers.size(), members.size());
      for (std::size_t i = 0; i < answers.size(); ++i)
        if (answers[i] == Known{content, match}) known.push_back(scene_.name(members[i]));
    }
    return known;
  }

  const Scratch dir_{{"a/f", "same"}, {"b/f", "same"}, {"c/f", "same"}, {"a/g", "other"}, {"b/g", "other"}};
  Scene scene_{dir_, {"a", "b", "c"}};
  Store store_{dir_ / "index", lmdb::Access::write};
};

TEST_F(Knowing, IsOfTheMembersOfEveryGroup) {
  for (const auto* path : {"b/f", "a/g"}) learn(path, record_of(path));
  EXPECT_THAT(known(), testing::UnorderedElementsAre("b/f", "a/g"));
}

TEST_F(Knowing, IsNothingWhereThereIsNoIndex) {
  EXPECT_TRUE(Knowledge().of_group(0).empty());
  EXPECT_TRUE(Knowledge().of_group(1).empty());
}

TEST_F(Knowing, IsNothingOfAFileThatIsNotAsItWas) {
  for (const auto change : {+[](Record& record) { ++record.size; }, +[](Record& record) { --record.mtime.sec; },
                            +[](Record& record) { --record.changed.nsec; }}) {
    auto record = record_of("b/f");
    change(record);
    learn("b/f", record);
    EXPECT_TRUE(known().empty());
  }
}

TEST_F(Knowing, IsNothingOfASharedInodeThatIsPrivateNow) {
  auto record = record_of("b/f", true);
  learn("b/f", record);
  EXPECT_TRUE(known().empty());
}

TEST_F(Knowing, OfDataAndOfInodesSayNothingToEachOther) {
  auto record = record_of("b/f");
  record.by_layout = true;
  learn("b/f", record);
  EXPECT_TRUE(known().empty());
  EXPECT_EQ(known(true), Names{"b/f"});
}

TEST_F(Knowing, OfAnInodeIsNotSaidOfTheSameNumberElsewhere) {
  scene_.guests[1].fs.uuid_low ^= 1;
  learn("b/f", record_of("b/f"));
  EXPECT_TRUE(known().empty());
}

TEST_F(Knowing, AMarkedFileIsKnownWhateverItsCtime) {
  auto record = record_of("b/f", true);
  learn("b/f", record);
  const auto index = scene_.candidates.names_of(scene_.candidates.inodes[scene_.inode("b/f")]).front();
  scene_.scan.trees[index.guest].file(index.file).marked = true;
  EXPECT_EQ(known(), Names{"b/f"});
  --record.mtime.nsec;
  learn("b/f", record);
  EXPECT_TRUE(known().empty());
}

TEST_F(Knowing, WhichInodesAreSharedIsAskedOfTheIndex) {
  learn("a/f", record_of("a/f", true));
  learn("b/f", record_of("b/f"));
  const KnownShared shared(store_);
  const auto& fs = scene_.guests[0].fs;
  auto inode = seen("a/f");
  EXPECT_FALSE(shared.contains(fs, inode));  // it is not immutable
  inode.immutable = true;
  EXPECT_TRUE(shared.contains(fs, inode));
  auto elsewhere = fs;
  elsewhere.uuid_high ^= 1;
  EXPECT_FALSE(shared.contains(elsewhere, inode));
  ++inode.born.nsec;
  EXPECT_FALSE(shared.contains(fs, inode));
  auto other = seen("b/f");
  other.immutable = true;
  EXPECT_FALSE(shared.contains(fs, other));
}

TEST_F(Knowing, ManyThreadsAskAtOnce) {
  learn("a/f", record_of("a/f", true));
  const KnownShared shared(store_);
  auto inode = seen("a/f");
  inode.immutable = true;
  std::atomic<int> answers = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 300; ++t)
    threads.emplace_back([&] { answers += shared.contains(scene_.guests[0].fs, inode) ? 1 : 0; });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(answers, 300);
}

}  // namespace
}  // namespace vunify::test
