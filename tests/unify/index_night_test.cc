// SPDX-License-Identifier: Apache-2.0
// Nights with an index that is damaged, somebody else's, forged, or nowhere to be kept: work may be lost, and the admin
// is told in one line, but no file is ever linked that is not equal.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "hashindex/delta.h"
#include "hashindex/merge.h"
#include "hashindex/seal.h"
#include "hashindex/store.h"
#include "sys/fd.h"
#include "tests/nights.h"
#include "tests/seeds.h"

namespace vunify::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;

class IndexNight : public testing::Test {
 protected:
  void SetUp() override {
    nights_ = std::make_unique<Nights>("ext4");
    if (!nights_->ok()) GTEST_SKIP() << nights_->reason();
    for (const std::string guest : {"a/", "b/"})
      for (std::size_t i = 0; i < 8; ++i) {
        write(guest + "same" + std::to_string(i), text('s', 3000 + i));
        write(guest + "own" + std::to_string(i), text(guest[0], 900 + i));
      }
    nights_->rest();
    ASSERT_EQ(nights_->run().status, 0);
    std::filesystem::copy(nights_->state_dir(), good(), std::filesystem::copy_options::recursive);
  }

  void write(const std::string& path, const std::string& content) const { nights_->write(path, content); }
  std::string good() const { return nights_->state() / "good"; }
  // As the first night left it.
  void restore() const {
    std::filesystem::remove_all(nights_->state_dir());
    std::filesystem::copy(good(), nights_->state_dir(), std::filesystem::copy_options::recursive);
    ::chmod(nights_->state_dir().c_str(), 0700);
    ::chmod((nights_->state_dir() + "/lock").c_str(), 0600);
  }
  std::string bytes() const { return nights_->state().read("state/index"); }
  void put_bytes(const std::string& bytes, const std::string& leaf = "/index") const {
    std::ofstream(nights_->state_dir() + leaf, std::ios::binary) << bytes;
  }

  // One run: well, with at most one line, and nothing done that should not be.
  Finished run_over(const std::string& what) const {
    const auto before = nights_->images();
    const auto finished = nights_->run();
    EXPECT_EQ(finished.status, 0) << what << finished.err;
    EXPECT_LE(std::ranges::count(finished.err, '\n'), 1) << what << finished.err;
    EXPECT_EQ(nights_->images(), before) << what;
    EXPECT_FALSE(nights_->are_one("a/own1", "b/own1")) << what;
    EXPECT_TRUE(nights_->are_one("a/same1", "b/same1")) << what;
    return finished;
  }
  void expect_begun_anew(const std::string& what, const std::string& told) const {
    const auto finished = run_over(what);
    EXPECT_THAT(finished.err, HasSubstr("state/index")) << what;
    EXPECT_THAT(finished.err, HasSubstr(told)) << what;
    EXPECT_THAT(finished.err, HasSubstr("begun anew")) << what;
    const auto next = nights_->night();
    EXPECT_THAT(next.opened, IsEmpty()) << what;
    EXPECT_EQ(next.finished.err, "") << what;
  }

  void expect_refused(const std::string& what) const {
    write("b/same1x", text('s', 3001));
    const auto before = nights_->images();
    const auto index = bytes();
    const auto finished = nights_->run();
    EXPECT_EQ(finished.status, 5) << what << finished.out;
    EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1) << what << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("not an index of vunify's")) << what;
    EXPECT_EQ(nights_->images(), before) << what;
    EXPECT_EQ(bytes(), index) << what;
    const auto status = run({"vunify", "--status", "--state", nights_->state_dir()});
    EXPECT_EQ(status.status, 5) << what;
    EXPECT_EQ(std::ranges::count(status.err, '\n'), 1) << what << status.err;
  }

  std::unique_ptr<Nights> nights_;
};

TEST_F(IndexNight, ThatWasCutShortIsBegunAnew) {
  for (const std::size_t part : {0, 1, 2, 3, 4}) {
    restore();
    const auto whole = bytes();
    std::filesystem::resize_file(nights_->index(), whole.size() * part / 5);
    expect_begun_anew("cut to " + std::to_string(part) + "/5", "damaged");
  }
}

TEST_F(IndexNight, WithOneBitFlippedIsBegunAnew) {
  const auto whole = bytes();
  for (const auto i : draw(24)) {
    restore();
    auto flipped = whole;
    const auto at = i < 8 ? i * 17 : (i * whole.size() / 24 + i) % whole.size();
    flipped[at] = static_cast<char>(flipped[at] ^ 1 << i % 8);
    put_bytes(flipped);
    const auto finished = run_over("bit at " + std::to_string(at));
    EXPECT_THAT(finished.err, HasSubstr("damaged")) << at;
  }
  EXPECT_THAT(nights_->night().opened, IsEmpty());
}

// An index that was being written has no seal to fit: it is read through by a child, which may die in our stead.
TEST_F(IndexNight, ThatWasBeingWrittenAndIsDamagedCrashesNoRun) {
  const auto whole = bytes();
  std::set<std::string> told;
  for (std::size_t i = 0; i < 80; ++i) {
    restore();
    auto broken = whole;
    const auto page = i % (whole.size() / 4096) * 4096;
    const auto at = page + (i * 7919 + i / 3) % (i % 2 == 0 ? 64 : 4096);
    broken[at] = static_cast<char>(broken[at] ^ (i % 3 == 0 ? 0xff : 1 << i % 8));
    put_bytes(broken);
    break_seal(nights_->index());
    told.insert(run_over("open, broken at " + std::to_string(at)).err);
    EXPECT_NE(run({"vunify", "--status", "--state", nights_->state_dir()}).status, 139);
  }
  EXPECT_GT(told.size(), 1u) << "some of it has to be found";
  restore();
  break_seal(nights_->index());
  std::filesystem::resize_file(nights_->index(), whole.size() / 2);
  run_over("open, and half");
  put_bytes(text('r', whole.size()));
  break_seal(nights_->index());
  run_over("open, and random bytes");
  EXPECT_THAT(nights_->night().opened, IsEmpty());
}

TEST_F(IndexNight, ThatWasBeingWrittenAndIsWholeIsGoneOnWith) {
  restore();
  break_seal(nights_->index());
  const auto night = nights_->night();
  EXPECT_EQ(night.finished.err, "");
  EXPECT_THAT(night.opened, IsEmpty());
}

TEST_F(IndexNight, OfAnotherVersionIsBegunAnew) {
  restore();
  auto seal = nights_->state().read("state/index.seal");
  ASSERT_EQ(seal.rfind("vunify-index 1 ", 0), 0u) << seal;
  put_bytes(seal.replace(13, 1, "0"), "/index.seal");
  expect_begun_anew("version 0", "another version");
}

TEST_F(IndexNight, OfSomebodyElseIsRefusedAndLeftAsItIs) {
  restore();
  ASSERT_EQ(::chown(nights_->index().c_str(), 65534, 65534), 0);
  expect_refused("nobody's");
  restore();
  ASSERT_EQ(::chmod(nights_->index().c_str(), 0644), 0);
  expect_refused("readable by all");
  restore();
  remove_index(nights_->index());
  { const lmdb::Environment foreign(nights_->index(), lmdb::Access::write, {"theirs"}); }
  expect_refused("another program's LMDB file");
  remove_index(nights_->index());
  put_bytes(text('r', 100000));
  ::chmod(nights_->index().c_str(), 0600);
  expect_refused("random bytes");
  remove_index(nights_->index());
  std::filesystem::create_symlink(good() + "/index", nights_->index());
  expect_refused("a symlink");
}

// What an interrupted run had learnt lies beside the index.
TEST_F(IndexNight, WithBrokenFindingsBesideItCrashesNoRun) {
  restore();
  {
    Delta delta(nights_->index());
    for (std::uint64_t ino = 1; ino < 300; ++ino) delta.add({{0, ino}, {}, true, 0, {}});
    delta.flush();
  }
  break_seal(nights_->index());
  const auto whole = nights_->state().read("state/index.delta");
  const std::string keep = nights_->state() / "with-delta";
  std::filesystem::copy(nights_->state_dir(), keep, std::filesystem::copy_options::recursive);
  for (const auto i : draw(40)) {
    std::filesystem::remove_all(nights_->state_dir());
    std::filesystem::copy(keep, nights_->state_dir(), std::filesystem::copy_options::recursive);
    auto broken = whole;
    const auto at = (i % (whole.size() / 4096)) * 4096 + (i * 7919 + i / 3) % (i % 2 == 0 ? 64 : 4096);
    broken[at] = static_cast<char>(broken[at] ^ (i % 3 == 0 ? 0xff : 1 << i % 8));
    put_bytes(broken, "/index.delta");
    run_over("findings broken at " + std::to_string(at));
  }
  for (const auto& bytes : {std::string(), whole.substr(0, whole.size() / 2), text('r', 50000)}) {
    put_bytes(bytes, "/index.delta");
    break_seal(nights_->index());
    run_over("findings of " + std::to_string(bytes.size()) + " bytes");
  }
  EXPECT_THAT(nights_->night().opened, IsEmpty());
}

// Changes one record behind the program's back, and seals the index again.
class Forgery {
 public:
  Forgery(const Nights& nights) : nights_(nights), store_(nights.index(), lmdb::Access::write) {}
  ~Forgery() { make_seal(nights_.index()); }
  Forgery(const Forgery&) = delete;

  Record record(const std::string& path) const {
    const auto found = RecordReader(store_).find(key_of(path));
    EXPECT_TRUE(found) << path << " is not known";
    return found.value_or(Record{});
  }
  void put(const std::string& path, const Record& record) {
    lmdb::Transaction writing(store_.environment(), lmdb::Access::write);
    writing.put(store_.table(Store::inodes), to_bytes(key_of(path)), to_bytes(record));
    writing.commit();
  }

 private:
  InodeKey key_of(const std::string& path) const {
    const auto fs = fs_id(open_host(nights_.root(), O_RDONLY | O_DIRECTORY).get());
    return {*store_.number_of(fs), nights_.ino(path)};
  }

  const Nights& nights_;
  Store store_;
};

TEST_F(IndexNight, WithForgedDigestsLinksNothingWrong) {
  {
    Forgery forgery(*nights_);
    for (int i = 0; i < 8; ++i) {
      auto record = forgery.record("a/own" + std::to_string(i));
      record.digest = forgery.record("b/own" + std::to_string(i)).digest;
      record.match = forgery.record("b/own" + std::to_string(i)).match;
      forgery.put("a/own" + std::to_string(i), record);
    }
  }
  const auto before = nights_->images();
  const auto night = nights_->night();
  EXPECT_EQ(night.finished.status, 0) << night.finished.err;
  EXPECT_EQ(night.opened.size(), 16u) << "the index has to be believed so far";
  EXPECT_EQ(night.report["linked_files"], 0);
  EXPECT_EQ(night.report["skipped"]["content-differs"], 16) << night.report.dump(1);
  EXPECT_EQ(nights_->images(), before);
  EXPECT_THAT(nights_->night().opened, IsEmpty()) << "and now it is right again";
}

TEST_F(IndexNight, WithAForgedDigestOfASharedFileLinksNothingWrong) {
  write("b/new", text('z', 3001));
  write("a/new", text('y', 3001));
  nights_->rest();
  ASSERT_EQ(nights_->run().status, 0);
  {
    Forgery forgery(*nights_);
    auto record = forgery.record("b/new");
    record.digest = forgery.record("a/same1").digest;
    record.match = forgery.record("a/same1").match;
    forgery.put("b/new", record);
  }
  write("a/new", text('z', 3001));
  nights_->rest();
  const auto before = nights_->images();
  for (int night = 0; night < 2; ++night) {
    EXPECT_EQ(nights_->run().status, 0);
    EXPECT_EQ(nights_->images(), before);
    EXPECT_FALSE(nights_->are_one("b/new", "a/same1"));
    EXPECT_FALSE(nights_->are_one("a/new", "b/same1"));
  }
  EXPECT_TRUE(nights_->are_one("a/new", "b/new")) << "in the second night at the latest";
}

TEST_F(IndexNight, ThatCallsAnUnsharedFileSharedLinksNothingAndTakesNothingAway) {
  ASSERT_EQ(shell("chattr +i " + *nights_ / "a/own1" + " " + *nights_ / "b/own1").status, 0);
  {
    Forgery forgery(*nights_);
    for (const auto* path : {"a/own1", "b/own1"}) {
      auto record = forgery.record("a/own2");
      const auto inode = *stat_name(AT_FDCWD, (*nights_ / path).c_str());
      record.size = inode.stamp.size;
      record.mtime = inode.stamp.mtime;
      record.changed = inode.born;
      record.shared = true;
      forgery.put(path, record);
    }
  }
  write("a/like", text('b', 901));
  nights_->rest();
  const auto before = nights_->images();
  for (int night = 0; night < 3; ++night) {
    EXPECT_EQ(nights_->run().status, 0);
    EXPECT_EQ(nights_->images(), before);
    for (const auto* path : {"a/own1", "b/own1"}) {
      EXPECT_THAT(shell("lsattr " + *nights_ / path).out, HasSubstr("-i-")) << path << " in night " << night;
      EXPECT_EQ(stat_name(AT_FDCWD, (*nights_ / path).c_str())->nlink, 1u) << path;
    }
  }
}

// The state directory on a filesystem that is full to its last pages: whatever cannot be written, no run crashes, and
// what it does is whole.
TEST_F(IndexNight, OnAFullDiskGoesWithoutAnIndex) {
  int stopped = 0;
  for (int round = 0; round < 8; ++round) {
    const Scratch mounted;
    ASSERT_EQ(::mount("none", mounted.root().c_str(), "tmpfs", 0, "size=4m"), 0);
    const auto pages = std::to_string(1 << round);
    shell("cat /dev/zero >" + mounted / "fill 2>/dev/null; truncate -s -$((4096*" + pages + ")) " + mounted / "fill");
    const auto before = nights_->images();
    const auto finished =
        run({"vunify", "--state", mounted / "state", protect_by_flag(), "--jobs=1", *nights_ / "a", *nights_ / "b"});
    EXPECT_LT(finished.status, 6) << pages << " pages: " << finished.err;
    EXPECT_EQ(nights_->images(), before);
    stopped += finished.status != 0;
    if (finished.status != 0) {
      EXPECT_THAT(finished.out + finished.err, HasSubstr("No space left")) << pages;
    }
    const auto status = run({"vunify", "--status", "--state", mounted / "state"});
    EXPECT_TRUE(status.status == 0 || status.status == 5) << pages << status.err;
    ::umount2(mounted.root().c_str(), MNT_DETACH);
  }
  EXPECT_GT(stopped, 0) << "the disk was never full";
}

TEST_F(IndexNight, ThatBecomesTooSmallInTheMiddleStillLinks) {
  const Scratch mounted;
  ASSERT_EQ(::mount("none", mounted.root().c_str(), "tmpfs", 0, "size=400k"), 0);
  for (std::size_t i = 0; i < 3000; ++i)
    for (const char guest : {'a', 'b'}) write(std::string{guest} + "/more/" + std::to_string(i), text(guest, 1 + i));
  for (const char guest : {'a', 'b'}) write(std::string{guest} + "/last", text('l', 100));
  nights_->rest();
  const auto before = nights_->images();
  const std::vector<std::string> command{"vunify", "--state",      mounted / "state", protect_by_flag(),
                                         "--json", *nights_ / "a", *nights_ / "b"};
  const auto finished = run(command);
  EXPECT_THAT(finished.status, AnyOf(1, 5)) << finished.err;
  EXPECT_THAT(finished.out + finished.err, HasSubstr("No space left"));
  EXPECT_TRUE(nights_->are_one("a/last", "b/last")) << "what can be done without an index is done";
  EXPECT_EQ(nights_->images(), before);
  EXPECT_THAT(run(command).status, AnyOf(0, 1, 5));
  ASSERT_EQ(::mount("none", mounted.root().c_str(), "tmpfs", MS_REMOUNT, "size=40m"), 0);
  EXPECT_EQ(run(command).status, 0);
  EXPECT_EQ(nlohmann::json::parse(run(command).out)["read_files"], 0) << "with space it is whole again";
  ::umount2(mounted.root().c_str(), MNT_DETACH);
}

TEST_F(IndexNight, OfAReadOnlyStateServesADryRunAndNoOther) {
  const Scratch mounted;
  ASSERT_EQ(::mount("none", mounted.root().c_str(), "tmpfs", 0, "size=40m"), 0);
  const auto with = [&](const std::string& option) {
    return run(
        {"vunify", "--state", mounted / "state", protect_by_flag(), option, "--json", *nights_ / "a", *nights_ / "b"});
  };
  ASSERT_EQ(with("--jobs=2").status, 0);
  ASSERT_EQ(::mount("none", mounted.root().c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, ""), 0);
  write("b/new", text('s', 3001));
  const auto before = nights_->images();
  const auto refused = with("--jobs=2");
  EXPECT_EQ(refused.status, 5);
  EXPECT_EQ(std::ranges::count(refused.err, '\n'), 1) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("Read-only file system"));
  EXPECT_EQ(nights_->images(), before);
  std::filesystem::remove(*nights_ / "b/new");
  const auto dry = with("-n");
  EXPECT_EQ(dry.status, 0) << dry.err;
  EXPECT_EQ(dry.err, "");
  EXPECT_EQ(nlohmann::json::parse(dry.out)["read_files"], 0);
  const auto status = run({"vunify", "--status", "--state", mounted / "state"});
  EXPECT_EQ(status.status, 0) << status.err;
  EXPECT_THAT(status.out, HasSubstr("records"));
  ::umount2(mounted.root().c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace vunify::test
