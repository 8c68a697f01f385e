// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <set>
#include <thread>

#include "tests/unify/proving.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

// Chunks of 4 KiB, so that small files have many.
constexpr std::size_t small_chunks = 4 << 10;
ProofRules in_small_chunks() { return {.buffer_bytes = small_chunks}; }

TEST_F(Proving, EqualFilesAreOneClassHeldUnderLeases) {
  look();
  const auto proof = prove();
  EXPECT_THAT(classes(proof), ElementsAre(ElementsAre("a/f", "b/f", "c/f")));
  EXPECT_THAT(proof.left, IsEmpty());
  for (const auto& member : proof.classes[0].members) EXPECT_TRUE(member.held.lease->held());
}

TEST_F(Proving, OtherBytesAreLeftAlone) {
  dir_.write("b/f", "Same");
  look();
  const auto proof = prove();
  EXPECT_THAT(classes(proof), ElementsAre(ElementsAre("a/f", "c/f")));
  EXPECT_THAT(left(proof.left), ElementsAre(Pair("b/f", Verdict::content_differs)));
}

TEST_F(Proving, GroupsSplitWhereTheBytesDoAtEveryChunkBound) {
  for (const std::size_t size : {4095, 4096, 4097, 8191, 8192, 8193, 20'000}) {
    for (const auto* path : {"a/f", "b/f"}) dir_.write(path, sized(size, 'x'));
    for (const auto* path : {"a/g", "b/g"}) dir_.write(path, sized(size, 'y'));
    dir_.write("c/f", sized(size, 'z'));
    look();
    const auto proof = prove(in_small_chunks());
    EXPECT_THAT(classes(proof), ElementsAre(ElementsAre("a/f", "b/f"), ElementsAre("a/g", "b/g"))) << size;
    EXPECT_THAT(left(proof.left), ElementsAre(Pair("c/f", Verdict::content_differs))) << size;
  }
}

// With a directory for copies.
class ProvingWithCopies : public Proving {
 protected:
  Proof prove() {
    auto rules = in_small_chunks();
    rules.copies_in = [this](std::uint32_t) { return here_.get(); };
    return Proving::prove(rules);
  }
  std::string copy_in(ProvenClass& proven) {
    const auto held = proven.copied.copy.value().finish(proven.members[0].held);
    return read_all(held.fd.get(), "copy");
  }
  Fd here_ = open_host(dir_.root(), O_RDONLY | O_DIRECTORY);
};

TEST_F(ProvingWithCopies, EachContentIsWrittenOnceHoweverLateTheyPart) {
  for (const std::size_t size : {4095, 8192, 20'000}) {
    for (const auto* path : {"a/f", "b/f"}) dir_.write(path, sized(size, 'x'));
    for (const auto* path : {"a/g", "b/g"}) dir_.write(path, sized(size, 'y'));
    dir_.write("c/f", sized(size, 'z'));
    look();
    auto proof = prove();
    ASSERT_EQ(proof.classes.size(), 2u);
    EXPECT_THAT((std::set<std::string>{copy_in(proof.classes[0]), copy_in(proof.classes[1])}),
                ElementsAre(sized(size, 'x'), sized(size, 'y')));
  }
}

TEST_F(ProvingWithCopies, NothingIsWrittenForWhatIsSharedAlreadyOrOneGuestsAlone) {
  dir_.write("a/g", "mine");
  dir_.write("a/h", "mine");
  look();
  scene_->candidates.inodes[scene_->inode("b/f")].shared = true;
  for (const auto& proven : prove().classes) EXPECT_FALSE(proven.copied.copy);
}

// Its beginning was read beside one that holds something else, as it turned out.
TEST_F(ProvingWithCopies, WhatPartsFromASharedInodeIsReadOnceMore) {
  for (const auto* path : {"a/f", "b/f"}) dir_.write(path, sized(20'000, 'x'));
  dir_.write("c/f", sized(20'000, 'y'));
  look();
  scene_->candidates.inodes[scene_->inode("c/f")].shared = true;
  auto proof = prove();
  ASSERT_EQ(proof.classes.size(), 1u);
  EXPECT_EQ(copy_in(proof.classes[0]), sized(20'000, 'x'));
}

TEST_F(Proving, AFileThatDiffersEarlyIsNotReadOn) {
  for (const auto* path : {"a/f", "b/f"}) dir_.write(path, std::string(1 << 20, 'x'));
  dir_.write("c/f", "y" + std::string((1 << 20) - 1, 'x'));
  look();
  auto prover = scene_->prover(in_small_chunks());
  prover.prove(scene_->inodes(scene_->candidates.groups[0]));
  EXPECT_EQ(prover.read_files(), 3u);
  EXPECT_EQ(prover.read_bytes(), (2u << 20) + small_chunks);
}

TEST_F(Proving, AttributesThatAStatDoesNotTellKeepFilesApart) {
  ASSERT_EQ(shell("setfattr -n user.note -v x " + (dir_ / "b/f")).status, 0);
  look();
  const auto proof = prove();
  EXPECT_THAT(classes(proof), ElementsAre(ElementsAre("a/f", "c/f")));
  EXPECT_THAT(left(proof.left), ElementsAre(Pair("b/f", Verdict::metadata_differs)));
  EXPECT_THAT(classes(prove({.metadata = false})), ElementsAre(ElementsAre("a/f", "b/f", "c/f")));
}

TEST_F(Proving, AWriterEndsTheLeaseAndTheProof) {
  look();
  const auto proof = prove();
  const int writer = ::open((dir_ / "b/f").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  EXPECT_EQ(writer, -1);
  EXPECT_EQ(errno, EWOULDBLOCK);
  for (const auto& member : proof.classes[0].members)
    EXPECT_EQ(member.held.lease->held(), scene_->name(member.inode) != "b/f");
}

TEST_F(Proving, AFileOpenedForWritingWhileItIsReadIsGivenUp) {
  for (const auto* path : {"a/f", "b/f", "c/f"}) dir_.write(path, std::string(24 << 20, 'x'));
  look();
  scene_->counters.begin(Phase::prove);
  std::thread writer([this] {
    while (scene_->counters.bytes == 0) std::this_thread::yield();
    const Fd file = open_host(dir_ / "b/f", O_WRONLY);
  });
  const auto proof = prove(in_small_chunks());
  writer.join();
  EXPECT_THAT(classes(proof), ElementsAre(ElementsAre("a/f", "c/f")));
  EXPECT_THAT(left(proof.left), ElementsAre(Pair("b/f", Verdict::changed)));
}

TEST_F(Proving, ADryRunDisturbsNoWriter) {
  look();
  const Fd writer = open_host(dir_ / "b/f", O_WRONLY);
  const auto proof = prove({.leases = false});
  EXPECT_THAT(classes(proof), ElementsAre(ElementsAre("a/f", "b/f", "c/f")));
  EXPECT_FALSE(proof.classes[0].members[0].held.lease);
}

// Each takes what happens to b/f between the walk and the proof.
TEST_F(Proving, AFileOpenForWritingIsLeftAlone) {
  look();
  const Fd writer = open_host(dir_ / "b/f", O_WRONLY);
  EXPECT_THAT(left(prove().left), ElementsAre(Pair("b/f", Verdict::open_for_writing)));
}

TEST_F(Proving, AVanishedFileIsLeftAlone) {
  look();
  std::filesystem::remove(dir_ / "b/f");
  EXPECT_THAT(left(prove().left), ElementsAre(Pair("b/f", Verdict::vanished)));
}

TEST_F(Proving, AFileThatBecameASymlinkIsLeftAlone) {
  look();
  std::filesystem::remove(dir_ / "b/f");
  std::filesystem::create_symlink(dir_ / "a/f", dir_ / "b/f");
  EXPECT_THAT(left(prove().left), ElementsAre(Pair("b/f", Verdict::vanished)));
}

TEST_F(Proving, WhatIsNoFileAnyMoreIsLeftAlone) {
  look();
  for (const auto* made : {"mknod b/f c 1 3", "mkfifo b/f", "mkdir b/f"}) {
    ASSERT_EQ(shell("cd " + dir_.root() + " && rm -rf b/f && " + made).status, 0);
    for (const bool leases : {true, false}) {
      const auto proof = prove({.leases = leases});
      EXPECT_THAT(classes(proof), ElementsAre(ElementsAre("a/f", "c/f"))) << made;
      EXPECT_THAT(left(proof.left), ElementsAre(Pair("b/f", testing::AnyOf(Verdict::vanished, Verdict::changed))));
    }
  }
}

TEST_F(Proving, AFileChangedSinceTheWalkIsLeftAlone) {
  look();
  ASSERT_EQ(shell("chmod 600 " + (dir_ / "b/f")).status, 0);
  EXPECT_THAT(left(prove().left), ElementsAre(Pair("b/f", Verdict::changed)));
}

// As the index has it, which is a hint.
TEST_F(Proving, AMarkThatIsNotThereAnyMoreIsMissed) {
  look();
  scene_->scan.trees[1].file(0).marked = true;
  scene_->candidates.inodes[scene_->inode("b/f")].shared = true;
  const auto proof = prove();
  EXPECT_THAT(classes(proof), ElementsAre(ElementsAre("a/f", "c/f")));
  EXPECT_THAT(left(proof.left), ElementsAre(Pair("b/f", Verdict::changed)));
}

TEST_F(Proving, ALockedFileIsLeftAlone) {
  look();
  const Fd program = open_host(dir_ / "b/f", O_RDONLY);
  ASSERT_EQ(::flock(program.get(), LOCK_SH), 0);
  EXPECT_THAT(left(prove().left), ElementsAre(Pair("b/f", Verdict::locked)));
}

TEST_F(Proving, WhatCannotBeOpenedIsLeftAloneWithTheKernelsReason) {
  look();
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{3, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  const auto proof = prove();
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(left(proof.left).at("b/f"), Verdict::unreadable);
  EXPECT_EQ(proof.left[0].reason, "Too many open files");
}

TEST_F(Proving, AStopLeavesTheRestForTheNextRun) {
  look();
  const Stop now(std::chrono::seconds(0));
  Prover prover(scene_->survey, scene_->key, now, scene_->counters, {});
  const auto proof = prover.prove(scene_->inodes(scene_->candidates.groups[0]));
  EXPECT_THAT(proof.classes, IsEmpty());
  EXPECT_EQ(left(proof.left).at("a/f"), Verdict::not_reached);
}

TEST(ProvingOnBtrfs, AFileWithoutCopyOnWriteIsItsOwnersAffair) {
  const LoopFs fs("btrfs");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const Scratch dir({{"a/f", "same"}, {"b/f", ""}, {"c/f", "same"}}, fs.root());
  ASSERT_EQ(shell("chattr +C " + (dir / "b/f")).status, 0);
  dir.write("b/f", "same");
  Scene scene(dir, {"a", "b", "c"});
  const auto proof = scene.prover().prove(scene.inodes(scene.candidates.groups[0]));
  ASSERT_EQ(proof.left.size(), 1u);
  EXPECT_EQ(scene.name(proof.left[0].inode), "b/f");
  EXPECT_EQ(proof.left[0].verdict, Verdict::own_flags);
}

}  // namespace
}  // namespace vunify::test
