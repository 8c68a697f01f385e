// SPDX-License-Identifier: Apache-2.0
// Batches of one worker, on real filesystems: when they sync, what the journal holds meanwhile, and what a power cut
// leaves of them.
#include "unify/batch.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>

#include "tests/scene.h"
#include "tests/sys/on_filesystem.h"
#include "unify/recover.h"

namespace vunify::test {
namespace {

using testing::Each;
using testing::IsEmpty;

constexpr int files = 6;

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
  void let_grow_old() const { ::usleep(700'000); }  // SyncPoint's margin, and a tick

  // Each file is a batch of its own; the last one does not end the journal. Returns what became of the victims.
  std::vector<Verdict> link_each(const std::function<void(int n)>& once_proven = [](int) {}) const {
    const Scene scene(dir(), {"a", "b"});
    const Fd where = open_host(staging(), O_RDONLY | O_DIRECTORY);
    Journal journal(state_.root(), "0");
    Batch batch(journal, where.get(), staging(), "0");
    std::vector<Verdict> verdicts;
    for (const auto& group : scene.candidates.groups) {
      auto proof = Prover(scene.proof, {}).prove(scene.inodes(group));
      once_proven(static_cast<int>(verdicts.size()));
      batch.add(link_task(scene, proof.classes.at(0)));
      batch.apply([&](LinkTask& task, const vunify::Finished&) { verdicts.push_back(task.victims.at(0).verdict); });
    }
    return verdicts;
  }
  std::size_t journalled() const { return read_journals(state_.root()).size(); }
  bool is_one(int n) const { return dir().inode("a/" + leaf(n)).ino == dir().inode("b/" + leaf(n)).ino; }

  Scratch state_;
};
INSTANTIATE_TEST_SUITE_P(Each, BatchOn, each_filesystem, filesystem_name);

TEST_P(BatchOn, SyncsOnceForManyAndKeepsTheirRecordsUntilThen) {
  let_grow_old();
  EXPECT_THAT(link_each(), Each(Verdict::shared));
  EXPECT_EQ(journalled(), std::size_t{files});
  for (int n = 0; n < files; ++n) EXPECT_TRUE(is_one(n)) << n;
  EXPECT_THAT(dir().names(".vunify/0"), IsEmpty());
}

TEST_P(BatchOn, SyncsForAKeeperYoungerThanTheLastSync) {
  EXPECT_THAT(link_each(), Each(Verdict::shared));
  EXPECT_EQ(journalled(), 1u) << "the one after the last sync";
}

TEST_P(BatchOn, LosesNothingOfManyInAPowerCut) {
  let_grow_old();
  link_each([this](int batch) {
    if (batch == files / 2) sync_filesystem(directory().get(), dir().root());  // somebody does, at any time
  });
  fs_.power_cut();
  const auto recovery = recover(state_.root());
  EXPECT_THAT(recovery.kept, IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(staging()));
  for (int n = 0; n < files; ++n)
    for (const char* guest : {"a/", "b/"}) EXPECT_EQ(dir().read(guest + leaf(n)), content(n)) << guest << n;
  int linked = 0;
  for (int n = 0; n < files; ++n) linked += is_one(n);
  EXPECT_GE(linked, files / 2) << "they were on disk";
}

TEST_P(BatchOn, LeavesAloneWhatIsLockedByThen) {
  Fd locker;
  const auto verdicts = link_each([&](int batch) {
    if (batch != 0) return;
    locker = reader("b/" + leaf(files - 1));  // the largest comes first
    ASSERT_EQ(::flock(locker.get(), LOCK_EX), 0);
  });
  EXPECT_EQ(verdicts.front(), Verdict::locked);
  for (int n = 0; n < files; ++n) EXPECT_EQ(is_one(n), n != files - 1) << n;
  EXPECT_THAT(dir().names(".vunify/0"), IsEmpty());
}

}  // namespace
}  // namespace vunify::test
