// SPDX-License-Identifier: Apache-2.0
#include "hashindex/store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/scratch.h"

namespace vunify::test {
namespace {

using lmdb::Access;
using testing::ElementsAre;
using testing::IsEmpty;

using Numbers = std::vector<std::uint32_t>;

class StoredGuests : public testing::Test {
 protected:
  // As one run does.
  Numbers enroll(const std::vector<std::string>& paths, std::int64_t now = 1) {
    Store store(dir_ / "index", Access::write);
    return store.enroll(open_guests(paths).guests, now);
  }

  std::vector<std::string> roots() const {
    std::vector<std::string> roots;
    const Store store(dir_ / "index", Access::read);
    for (const auto& guest : store.guests()) roots.push_back(guest.root);
    return roots;
  }

  const Scratch dir_{{"a/f", "same"}, {"b/f", "same"}, {"c/f", "same"}};
};

TEST_F(StoredGuests, KeepTheirNumbers) {
  EXPECT_EQ(enroll({dir_ / "a", dir_ / "c"}), (Numbers{1, 2}));
  EXPECT_EQ(enroll({dir_ / "a", dir_ / "b", dir_ / "c"}), (Numbers{1, 3, 2}));
  EXPECT_EQ(enroll({dir_ / "c"}), (Numbers{2}));
  EXPECT_THAT(roots(), ElementsAre(dir_ / "a", dir_ / "c", dir_ / "b"));
}

TEST_F(StoredGuests, MovedKeepTheirNumbers) {
  enroll({dir_ / "a", dir_ / "b"});
  std::filesystem::rename(dir_ / "a", dir_ / "z");
  EXPECT_EQ(enroll({dir_ / "b", dir_ / "z"}), (Numbers{2, 1}));
  EXPECT_THAT(roots(), ElementsAre(dir_ / "z", dir_ / "b"));
}

TEST_F(StoredGuests, OfAnotherDirectoryAtThePathGetAnotherNumber) {
  enroll({dir_ / "a"});
  std::filesystem::rename(dir_ / "a", dir_ / "old");
  std::filesystem::rename(dir_ / "b", dir_ / "a");
  EXPECT_EQ(enroll({dir_ / "a"}), (Numbers{2}));
}

TEST_F(StoredGuests, AreForgottenWhenTheyAreGoneForGood) {
  enroll({dir_ / "a", dir_ / "b"});
  std::filesystem::remove_all(dir_ / "b");
  enroll({dir_ / "a"});
  EXPECT_THAT(roots(), ElementsAre(dir_ / "a"));
}

TEST_F(StoredGuests, AreForgottenWhereAnotherTookTheNumberOfTheirRoot) {
  for (int i = 0; i < 20; ++i) {  // the filesystem gives a number that has just become free
    dir_.make_directory("d");
    enroll({dir_ / "a", dir_ / "d"});
    std::filesystem::remove_all(dir_ / "d");
  }
  dir_.make_directory("d");
  enroll({dir_ / "a", dir_ / "d"});
  EXPECT_THAT(roots(), ElementsAre(dir_ / "a", dir_ / "d"));
}

TEST_F(StoredGuests, ThatAreOnlyMissingStay) {
  enroll({dir_ / "a", dir_ / "b"});
  std::filesystem::rename(dir_ / "b", dir_ / "elsewhere");
  enroll({dir_ / "a"});
  EXPECT_THAT(roots(), ElementsAre(dir_ / "a", dir_ / "b"));
}

TEST_F(StoredGuests, TellWhenTheyWereSeenLast) {
  enroll({dir_ / "a", dir_ / "b"}, 100);
  enroll({dir_ / "b"}, 200);
  const Store store(dir_ / "index", Access::read);
  EXPECT_EQ(store.guests().at(0).last_seen, 100);
  EXPECT_EQ(store.guests().at(1).last_seen, 200);
}

TEST_F(StoredGuests, OfAnotherFilesystemThatIsNotMountedStay) {
  {
    const LoopFs fs("ext4", 32);
    if (!fs.ok()) GTEST_SKIP() << fs.reason();
    const Scratch other({{"g/f", "same"}}, fs.root());
    EXPECT_EQ(enroll({other / "g"}), (Numbers{1}));
  }
  EXPECT_EQ(enroll({dir_ / "a"}), (Numbers{2}));
  EXPECT_EQ(Store(dir_ / "index", Access::read).guests().size(), 2u);
  EXPECT_EQ(Store(dir_ / "index", Access::read).count(Store::filesystems), 2u);
}

TEST(Store, KeepsItsKeyAndItsFilesystems) {
  const Scratch dir({{"a/f", "same"}});
  const auto guests = open_guests({dir / "a"}).guests;
  std::string secret;
  {
    Store store(dir / "index", Access::write);
    secret = store.key().secret();
    EXPECT_EQ(store.number_of(guests[0].fs), std::nullopt);
    store.enroll(guests, 1);
  }
  const Store store(dir / "index", Access::read);
  EXPECT_EQ(secret.size(), 192u);
  EXPECT_EQ(store.key().secret(), secret);
  EXPECT_EQ(store.number_of(guests[0].fs), 0u);
  EXPECT_EQ(store.filesystem(0), guests[0].fs);
  EXPECT_TRUE(store.reads_well());
}

TEST(Store, IsRootsAlone) {
  const Scratch dir;
  const Store store(dir / "index", Access::write);
  for (const auto* name : {"index", "index-lock"}) EXPECT_EQ(dir.inode(name).mode & 07777, 0600u) << name;
}

TEST(Store, BeginsAnewInAnEmptyFile) {
  const Scratch dir({{"index", ""}});
  EXPECT_TRUE(Store(dir / "index", Access::write).reads_well());
  EXPECT_TRUE(Store(dir / "index", Access::read).reads_well());
}

TEST(Store, ThrowsWhereThereIsNoIndexToRead) {
  const Scratch dir({{"empty", ""}, {"text", std::string(100'000, 'x')}});
  for (const auto* name : {"absent", "empty", "text", "no/directory"})
    EXPECT_THROW(Store(dir / name, Access::read), std::system_error) << name;
  EXPECT_FALSE(dir.exists("absent"));
}

TEST(Store, NamesLmdbsOwnErrors) {
  const Scratch dir({{"text", std::string(100'000, 'x')}});
  try {
    const Store store(dir / "text", Access::write);
    FAIL() << "opened";
  } catch (const std::system_error& error) {
    EXPECT_STREQ(error.code().category().name(), "lmdb");
    EXPECT_EQ(error.code().value(), MDB_INVALID);
    EXPECT_THAT(error.what(), testing::HasSubstr("not an LMDB file"));
  }
}

// A process of another boot, or a crash, may have left anything there.
TEST(Store, MindsNoLockFileThatIsLeftOver) {
  const Scratch dir;
  { const Store store(dir / "index", Access::write); }
  dir.write("index-lock", std::string(5'000, 'x'));
  EXPECT_TRUE(Store(dir / "index", Access::write).reads_well());
}

TEST(RecordReader, FindsRecordsAsTheyWereWhenItWasMade) {
  const Scratch dir;
  const Store store(dir / "index", Access::write);
  Record record;
  record.size = 5;
  const auto put = [&](std::uint64_t ino) {
    lmdb::Transaction writing(store.environment(), Access::write);
    writing.put(store.table(Store::inodes), to_bytes(InodeKey{0, ino}), to_bytes(record));
    writing.commit();
  };
  put(7);
  RecordReader reader(store);
  put(8);
  EXPECT_EQ(reader.find({0, 7}), record);
  EXPECT_EQ(reader.find({0, 8}), std::nullopt);
  EXPECT_EQ(reader.find({1, 7}), std::nullopt);
  EXPECT_EQ(RecordReader(store).find({0, 8}), record);
}

TEST(Store, DoesNotReadWellWithARecordOfAnotherSize) {
  const Scratch dir;
  const Store store(dir / "index", Access::write);
  lmdb::Transaction writing(store.environment(), Access::write);
  writing.put(store.table(Store::inodes), to_bytes(InodeKey{0, 7}), "short");
  writing.commit();
  EXPECT_FALSE(store.reads_well());
}

}  // namespace
}  // namespace vunify::test
