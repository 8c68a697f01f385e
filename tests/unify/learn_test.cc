// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/unify/proving.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::Pair;

// What was learnt of them, by name.
class Learning : public Proving {
 protected:
  std::map<std::string, Learnt> learnt_in_step(std::size_t buffer_bytes = 16 << 20) {
    std::map<std::string, Learnt> all;
    const auto proof = prove({.digests = true, .buffer_bytes = buffer_bytes});
    for (const auto& proven : proof.classes)
      for (const auto& member : proven.members) all[scene_->name(member.inode)] = learnt_of(member, scene_->key);
    for (const auto& one : proof.left)
      if (one.learnt) all[scene_->name(one.inode)] = *one.learnt;
    return all;
  }

  std::optional<Learnt> learnt_alone(const std::string& name) {
    const auto learning = scene_->prover().learn(scene_->inode(name));
    const auto* learnt = std::get_if<Learnt>(&learning);
    return learnt == nullptr ? std::nullopt : std::optional(*learnt);
  }
};

TEST_F(Learning, InStepIsTheSameAsAlone) {
  for (const std::size_t size : {1, 4095, 4096, 4097, 131'072, 131'073, 400'000}) {
    for (const auto* path : {"a/f", "b/f"}) dir_.write(path, sized(size, 'x'));
    dir_.write("c/f", sized(size, 'y'));
    look();
    for (const std::size_t buffer : {4'096, 100'000, 16 << 20}) {
      const auto learnt = learnt_in_step(buffer);
      ASSERT_EQ(learnt.size(), 3u) << size;
      for (const auto& [name, one] : learnt) EXPECT_EQ(one.digest, learnt_alone(name)->digest) << size << name;
      EXPECT_EQ(learnt.at("a/f").digest, learnt.at("b/f").digest) << size;
      EXPECT_NE(learnt.at("a/f").digest, learnt.at("c/f").digest) << size;
    }
  }
}

TEST_F(Learning, AHoleIsLearntAsZeros) {
  const std::string hole(1 << 20, '\0');
  dir_.write("a/f", "begin" + hole + "end");
  for (const auto* guest : {"b", "c"})
    ASSERT_EQ(shell("cd " + dir_.root() + " && cp -p --sparse=always a/f " + guest + "/f").status, 0);
  ASSERT_LT(dir_.inode("b/f").bytes_on_disk(), dir_.inode("a/f").bytes_on_disk());
  look();
  const auto digest = learnt_alone("a/f")->digest;
  EXPECT_EQ(learnt_alone("b/f")->digest, digest);
  for (const auto& [name, one] : learnt_in_step()) EXPECT_EQ(one.digest, digest) << name;
  std::filesystem::remove_all(dir_ / "a");  // so that those left have their holes in common
  dir_.make_directory("a");
  look();
  EXPECT_EQ(learnt_in_step().at("b/f").digest, learnt_alone("c/f")->digest);
}

TEST_F(Learning, WhatDiffersIsReadOnWhereDigestsAreWanted) {
  const std::string rest((1 << 20) - 1, 'x');
  for (const auto* path : {"a/f", "b/f"}) dir_.write(path, "x" + rest);
  dir_.write("c/f", "y" + rest);
  look();
  for (const bool digests : {true, false}) {
    auto prover = scene_->prover({.digests = digests});
    const auto proof = prover.prove(scene_->inodes(scene_->candidates.groups[0]));
    EXPECT_THAT(left(proof.left), ElementsAre(Pair("c/f", Verdict::content_differs)));
    EXPECT_EQ(proof.left[0].learnt.has_value(), digests);
    EXPECT_EQ(prover.read_bytes() == 3u << 20, digests) << prover.read_bytes();
    EXPECT_EQ(proof.classes[0].members[0].digest != Digest{}, digests);
  }
}

TEST_F(Learning, ThreeThatDifferAreAllReadOn) {
  const char letters[] = {'x', 'y', 'z'};
  for (std::size_t i = 0; i < 3; ++i)
    dir_.write(std::string(1, "abc"[i]) + "/f", letters[i] + std::string(300'000, 'x'));
  look();
  const auto learnt = learnt_in_step();
  ASSERT_EQ(learnt.size(), 3u);
  for (const auto& [name, one] : learnt) EXPECT_EQ(one.digest, learnt_alone(name)->digest) << name;
}

TEST_F(Learning, TellsOtherMetadataOfTheSameBytes) {
  ASSERT_EQ(shell("setfattr -n user.note -v x " + (dir_ / "b/f")).status, 0);
  look();
  const auto learnt = learnt_in_step();
  ASSERT_EQ(learnt.size(), 3u);
  EXPECT_EQ(learnt.at("a/f").digest, learnt.at("b/f").digest);
  EXPECT_EQ(learnt.at("a/f").match, learnt.at("c/f").match);
  EXPECT_NE(learnt.at("a/f").match, learnt.at("b/f").match);
  EXPECT_EQ(learnt_alone("b/f")->match, learnt.at("b/f").match);
}

TEST_F(Learning, SaysWhatWasSeenBeforeTheReading) {
  look();
  const auto before = clock_now();
  const auto learnt = learnt_alone("a/f");
  ASSERT_TRUE(learnt);
  EXPECT_EQ(learnt->seen.stamp, dir_.inode("a/f").stamp);
  EXPECT_GE(learnt->reading, before);
  EXPECT_LE(learnt->reading, clock_now());
  EXPECT_FALSE(learnt->handle.empty());
}

TEST_F(Learning, NothingIsLearntOfAFileThatIsNotAsTheWalkSawIt) {
  look();
  dir_.write("b/f", "size!");
  const Fd writer = open_host(dir_ / "c/f", O_WRONLY);
  std::vector<LeftAlone> left_alone;
  for (const auto* name : {"b/f", "c/f"})
    left_alone.push_back(std::get<LeftAlone>(scene_->prover().learn(scene_->inode(name))));
  EXPECT_THAT(left(left_alone), ElementsAre(Pair("b/f", Verdict::changed), Pair("c/f", Verdict::open_for_writing)));
}

TEST_F(Learning, HoldsNoWriterBackAfterwards) {
  look();
  ASSERT_TRUE(learnt_alone("a/f"));
  EXPECT_TRUE(Fd(::open((dir_ / "a/f").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)));
}

TEST(MetadataHash, TellsInodeMetadataApart) {
  const DigestKey key;
  InodeMetadata metadata;
  metadata.xattrs = {{"user.a", "1"}};
  std::vector<InodeMetadata> all(7, metadata);
  all[1].flags = 1;
  all[2].xattrs["user.a"] = "2";
  all[3].xattrs["user.b"] = "";
  all[4].xattrs = {};
  all[5].xattrs = {{"user.a1", ""}};
  all[6].xattrs = {{"user.a", std::string("1\0user.b", 8)}};
  std::vector<std::uint64_t> hashes;
  for (const auto& one : all) hashes.push_back(metadata_hash(key, one));
  EXPECT_EQ(hashes[0], metadata_hash(key, metadata));
  std::ranges::sort(hashes);
  EXPECT_EQ(std::ranges::adjacent_find(hashes), hashes.end());
}

}  // namespace
}  // namespace vunify::test
