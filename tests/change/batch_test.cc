// SPDX-License-Identifier: Apache-2.0
// Batches of one worker, on real filesystems: what the journal holds meanwhile, and what a power cut leaves of them.
#include "change/batch.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "change/recover.h"
#include "tests/many_locks.h"
#include "tests/scene.h"
#include "tests/sys/on_filesystem.h"

namespace vunify::test {
namespace {

using testing::Each;
using testing::IsEmpty;

constexpr int files = 16;

std::string leaf(int n) { return "f" + std::to_string(n); }
std::string content(int n) { return std::string(5000 + 4096 * static_cast<std::size_t>(n), 'x'); }

class BatchOn : public OnFilesystem {
 protected:
  void SetUp() override {
    OnFilesystem::SetUp();
    if (!dir_) return;
    for (int n = 0; n < files; ++n)
      for (const char* guest : {"a/", "b/"}) dir().write(guest + leaf(n), content(n));
    std::filesystem::create_directory(staging());
    std::filesystem::permissions(staging(), std::filesystem::perms::owner_all);
  }

  std::string staging() const { return dir() / ".vunify"; }

  // Each file is a batch of its own, or all are one; the last one does not end the journal. Returns what became of the
  // victims.
  std::vector<LinkEnd> link_each(
      const std::function<void(int n)>& once_proven = [](int) {}, bool in_one_batch = false) const {
    Scene scene(dir(), {"a", "b"});
    const Fd where = open_host(staging(), O_RDONLY | O_DIRECTORY);
    Journal journal(state_.root(), "0");
    Batch batch(journal, where.get(), staging(), mount_of(where.get()), "0");
    std::vector<LinkEnd> ends;
    for (const auto& group : scene.candidates.groups) {
      auto proof = scene.prover().prove(scene.inodes(group));
      once_proven(static_cast<int>(ends.size()));
      batch.add(link_request(scene, proof.classes.at(0)),
                [&](const LinkRequest&, const LinkResult& result) { ends.push_back(result.victims.at(0).end); });
      if (!in_one_batch) batch.apply();
    }
    batch.apply();
    return ends;
  }
  std::size_t journalled() const { return read_journals(state_.root()).sets.size(); }
  bool is_one(int n) const { return dir().inode("a/" + leaf(n)).ino == dir().inode("b/" + leaf(n)).ino; }

  Scratch state_;
};
INSTANTIATE_TEST_SUITE_P(Each, BatchOn, each_filesystem, filesystem_name);

TEST_P(BatchOn, KeepsTheRecordsOfThoseThatAreNotSynced) {
  EXPECT_THAT(link_each(), Each(LinkEnd::linked));
  EXPECT_EQ(journalled(), GetParam() == "btrfs" ? 1u : std::size_t{files});
  for (int n = 0; n < files; ++n) EXPECT_TRUE(is_one(n)) << n;
  EXPECT_THAT(dir().names(".vunify/0"), IsEmpty());
}

// Nobody synced the files; the log is committed by another one's fsync, as a guest's may any time.
TEST_P(BatchOn, LosesNothingOfManyInAPowerCut) {
  link_each([this](int batch) {
    if (batch != files / 2) return;
    dir().write("other", "x");
    ASSERT_EQ(::fsync(reader("other").get()), 0);
  });
  fs_.power_cut();
  EXPECT_THAT(recover(state_.root()).kept, IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(staging()));
  for (int n = files / 2; n < files; ++n)  // the largest came first
    for (const char* guest : {"a/", "b/"}) EXPECT_EQ(dir().read(guest + leaf(n)), content(n)) << guest << n;
}

TEST_P(BatchOn, ForgetsTheEarlierWhereTheStateIsFull) {
  ASSERT_EQ(run({"mount", "-t", "tmpfs", "-o", "size=8k", "none", state_.root()}).status, 0);
  EXPECT_THAT(link_each(), Each(LinkEnd::linked));
  EXPECT_LT(journalled(), std::size_t{files});
  EXPECT_EQ(::umount2(state_.root().c_str(), MNT_DETACH), 0);
}

// One page for the key, and one for the journal, in which the record of all files has no room.
TEST_P(BatchOn, GoesInHalvesWhereTheStateHasNoRoomForItsRecord) {
  ASSERT_EQ(run({"mount", "-t", "tmpfs", "-o", "size=8k", "none", state_.root()}).status, 0);
  const auto ends = link_each([](int) {}, true);
  EXPECT_EQ(ends.size(), std::size_t{files});
  EXPECT_THAT(ends, Each(LinkEnd::linked));
  EXPECT_LT(journalled(), std::size_t{files});
  EXPECT_EQ(::umount2(state_.root().c_str(), MNT_DETACH), 0);
}

TEST_P(BatchOn, LeavesAloneWhatIsLockedByThen) {
  Fd locker;
  const auto ends = link_each([&](int batch) {
    if (batch != 0) return;
    locker = reader("b/" + leaf(files - 1));  // the largest comes first
    ASSERT_EQ(::flock(locker.get(), LOCK_EX), 0);
  });
  EXPECT_EQ(ends.front(), LinkEnd::locked);
  for (int n = 0; n < files; ++n) EXPECT_EQ(is_one(n), n != files - 1) << n;
  EXPECT_THAT(dir().names(".vunify/0"), IsEmpty());
}

TEST_P(BatchOn, LeavesAloneWhatIsLockedBehindManyLocks) {
  Fd locker;
  std::optional<ManyLocks> many;
  const auto ends = link_each([&](int batch) {
    if (batch != 0) return;
    locker = reader("b/" + leaf(files - 1));
    ASSERT_EQ(::flock(locker.get(), LOCK_SH), 0);
    many.emplace(dir() / "many");
  });
  EXPECT_EQ(ends.front(), LinkEnd::locked);
  for (int n = 0; n < files; ++n) EXPECT_EQ(is_one(n), n != files - 1) << n;
}

}  // namespace
}  // namespace vunify::test
