// SPDX-License-Identifier: Apache-2.0
#include "account/history.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "db/bytes.h"
#include "db/checked.h"
#include "tests/root_test.h"

namespace vunify::test {
namespace {

using lmdb::Access;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr FsId vm{1, 2, 0}, other{1, 3, 0};
constexpr std::int64_t a_day = 86'400;

Sample sample(Day day, std::uint64_t used, const FsId& fs = vm) {
  Sample made{fs, "/vm", {day * a_day + 7'200, 5}, 1'000, used, 1'000 - used, 3, {}};
  made.holders = {{"web1", "key of web1", 42, {.logical = used, .exclusive = 7, .fair = 9, .inodes = 11}},
                  {"(host)", "", std::nullopt, {.logical = 1, .deunify_need = 2}}};
  return made;
}

class KeptHistory : public RootTest {
 protected:
  std::vector<std::string> keep(const std::vector<Sample>& samples) {
    return History(dir_.root(), Access::write).keep(samples);
  }
  History history() const { return {dir_.root(), Access::read}; }
  std::vector<std::uint64_t> used(const FsId& fs = vm) const {
    std::vector<std::uint64_t> used;
    for (const auto& each : history().all(fs)) used.push_back(each.used);
    return used;
  }
  void flip(std::uint64_t offset) const {
    std::fstream file(dir_ / "history", std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    const auto byte = static_cast<char>(file.get() ^ 0x7f);
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(byte);
  }

  const Scratch dir_;
};

TEST_F(KeptHistory, IsEmptyAtFirst) {
  EXPECT_THAT(history().filesystems(), IsEmpty());
  EXPECT_FALSE(history().last(vm));
  EXPECT_THAT(dir_.names(), IsEmpty());
}

TEST_F(KeptHistory, KeepsWhatGuestsHaveInCommon) {
  auto made = sample(20'000, 100);
  made.contents = {{"web1", "usr/lib/\xff", 4'096, 3}, {"db", "f", 10, 2}};
  keep({made});
  const auto kept = history().last(vm, made.taken);
  ASSERT_EQ(kept->contents.size(), 2u);
  EXPECT_EQ(kept->contents[0].path, "usr/lib/\xff");
  EXPECT_EQ(kept->contents[0].saved(), 8'192u);
  EXPECT_EQ(kept->holders.size(), 2u);
}

TEST_F(KeptHistory, KeepsOneAWeekOfWhatIsOld) {
  std::vector<Sample> samples;
  for (Day day = 20'006; day < 20'006 + 414; ++day) samples.push_back(sample(day, static_cast<std::uint64_t>(day)));
  samples.push_back(sample(40'000, 1));  // a clock that is ahead
  keep(samples);
  const auto days = used();
  ASSERT_EQ(days.size(), 403u);  // of two weeks and a day that are old, their first days
  EXPECT_EQ(days[0], 20'006u);
  EXPECT_EQ(days[1], 20'013u);
  EXPECT_EQ(days[2], 20'020u);
  EXPECT_EQ(days[3], 20'021u);
}

TEST_F(KeptHistory, TellsWhatItWasTold) {
  EXPECT_THAT(keep({sample(20'000, 500)}), IsEmpty());
  const auto kept = history().all(vm).at(0), given = sample(20'000, 500);
  EXPECT_EQ(std::tie(kept.path, kept.taken, kept.total, kept.used, kept.available, kept.deleted_open),
            std::tie(given.path, given.taken, given.total, given.used, given.available, given.deleted_open));
  ASSERT_EQ(kept.holders.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto &a = kept.holders[i], &b = given.holders[i];
    EXPECT_EQ(std::tie(a.name, a.key, a.xid, a.usage), std::tie(b.name, b.key, b.xid, b.usage));
  }
}

TEST_F(KeptHistory, IsRootsAlone) {
  keep({sample(20'000, 500)});
  EXPECT_EQ(dir_.inode("history").mode & 07777, 0600u);
  EXPECT_THAT(dir_.names(), ElementsAre("history"));
  ::chmod((dir_ / "history").c_str(), 0640);
  EXPECT_THROW(history(), std::system_error);
}

TEST_F(KeptHistory, TellsFilesystemsApart) {
  keep({sample(20'000, 500), sample(20'000, 70, other)});
  keep({sample(20'001, 510)});
  EXPECT_THAT(history().filesystems(), ElementsAre(vm, other));
  EXPECT_THAT(used(), ElementsAre(500, 510));
  EXPECT_THAT(used(other), ElementsAre(70));
}

TEST_F(KeptHistory, HasOneSampleADay) {
  keep({sample(20'000, 500)});
  auto later = sample(20'000, 600);
  later.taken.sec += 60;
  later.holders.pop_back();
  EXPECT_THAT(keep({later}), IsEmpty());
  EXPECT_THAT(used(), ElementsAre(600));
  EXPECT_EQ(history().all(vm).at(0).holders.size(), 1u);
}

TEST_F(KeptHistory, TakesTheSecondOfTwoInOneSecond) {
  keep({sample(20'000, 500), sample(20'000, 501)});
  EXPECT_THAT(used(), ElementsAre(501));
}

TEST_F(KeptHistory, KeepsTheLaterSampleWhenTheClockWentBack) {
  keep({sample(20'000, 500)});
  auto earlier = sample(20'000, 400);
  earlier.taken.sec -= 60;
  EXPECT_THAT(keep({earlier}), ElementsAre(HasSubstr("the clock went back")));
  EXPECT_THAT(keep({sample(19'999, 300)}), ElementsAre(HasSubstr("there is a sample of 2024-10-04")));
  EXPECT_THAT(used(), ElementsAre(300, 500));
}

TEST_F(KeptHistory, PassesByWhatAClockThatWasAheadLeft) {
  keep({sample(20'000, 500), sample(20'365, 999)});
  EXPECT_EQ(history().last(vm, sample(20'001, 0).taken)->used, 500u);
  EXPECT_EQ(history().last(vm, sample(20'365, 0).taken)->used, 999u);
  EXPECT_FALSE(history().last(vm, sample(19'999, 0).taken));
  EXPECT_FALSE(history().last(other, sample(20'001, 0).taken));
}

TEST_F(KeptHistory, ReadsThePastWhileItIsReplaced) {
  keep({sample(20'000, 500)});
  const auto reader = history();
  keep({sample(20'001, 510)});
  EXPECT_EQ(reader.all(vm).size(), 1u);
  EXPECT_EQ(history().all(vm).size(), 2u);
}

TEST_F(KeptHistory, CrashesNobodyWhateverBitIsFlipped) {
  std::vector<Sample> samples;
  for (Day day = 0; day < 40; ++day) samples.push_back(sample(20'000 + day, 500));
  keep(samples);
  const auto size = dir_.inode("history").stamp.size;
  for (std::uint64_t at = 0; at < size; at += size / 60 + 1) {
    flip(at);
    for (const auto& each : history().all(vm)) EXPECT_EQ(each.used, 500u) << at;
    flip(at);
  }
  EXPECT_EQ(history().all(vm).size(), 40u);
}

TEST_F(KeptHistory, LeavesOutARecordWhoseKeyWasDamaged) {
  keep({sample(20'000, 500), sample(20'001, 510)});
  flip(dir_.read("history").find(bytes_of((std::uint64_t{1} << 63) + 20'000) + bytes_of(std::uint32_t{0})) + 7);
  EXPECT_THAT(history().note(), testing::AnyOf(HasSubstr("1 damaged"), HasSubstr("not used")));
  for (const auto& each : history().all(vm)) EXPECT_EQ(each.used, 510u);
}

TEST_F(KeptHistory, LeavesOutARecordThatDoesNotFitItsChecksum) {
  keep({sample(20'000, 500), sample(20'001, 510)});
  flip(dir_.read("history").find(bytes_of(std::uint64_t{510}) + bytes_of(std::uint64_t{490})));
  EXPECT_THAT(history().note(), HasSubstr("1 damaged"));
  EXPECT_THAT(used(), ElementsAre(500));
  keep({sample(20'002, 520)});
  EXPECT_THAT(history().note(), IsEmpty());
  EXPECT_THAT(used(), ElementsAre(500, 520));
}

TEST_F(KeptHistory, IsNotMisledByWhatAKilledRunLeft) {
  keep({sample(20'000, 500)});
  dir_.write("history.new", std::string(9'000, 'x'));
  dir_.write("history.new-lock", std::string(9'000, 'x'));
  EXPECT_THAT(used(), ElementsAre(500));
  keep({sample(20'001, 510)});
  EXPECT_THAT(used(), ElementsAre(500, 510));
  EXPECT_THAT(dir_.names(), ElementsAre("history"));
}

TEST_F(KeptHistory, BeginsAnewOnlyWhereARunMayWrite) {
  for (const auto& damage : {std::string(3 * 4096, 'x'), std::string()}) {
    dir_.write("history", damage);
    ::chmod((dir_ / "history").c_str(), 0600);
    EXPECT_EQ(history().note(), "damaged; not used");
    EXPECT_THAT(used(), IsEmpty());
    EXPECT_EQ(dir_.read("history"), damage);
    keep({sample(20'000, 500)});
    EXPECT_THAT(used(), ElementsAre(500));
    EXPECT_EQ(dir_.read("history.damaged"), damage);
  }
}

TEST_F(KeptHistory, KeepsWhatAnotherVersionWrote) {
  keep({sample(20'000, 500)});
  {
    const lmdb::Environment environment(dir_ / "history", Access::write, {"samples"});
    lmdb::Transaction writing(environment, Access::write);
    writing.put(environment.table(0), std::string(36, 'k'), check_in(std::string(36, 'k'), 9, "of another"));
    writing.commit();
  }
  for (int i = 0; i < 2; ++i, keep({sample(20'001, 510)})) EXPECT_THAT(history().note(), HasSubstr("1 of another"));
  EXPECT_THAT(used(), ElementsAre(500, 510));
}

TEST_F(KeptHistory, StaysWhereTheDiskIsFullOrReadOnly) {
  const LoopFs disk("ext4", 16);
  ASSERT_TRUE(disk.ok()) << disk.reason();
  std::filesystem::create_directory(disk / "state");
  History(disk / "state", Access::write).keep({sample(20'000, 500)});
  shell("dd if=/dev/zero of=" + (disk / "rest") + " bs=64k 2>/dev/null");
  EXPECT_THROW(History(disk / "state", Access::write).keep({sample(20'001, 510)}), std::system_error);
  EXPECT_EQ(History(disk / "state", Access::read).all(vm).size(), 1u);
  EXPECT_FALSE(std::filesystem::exists(disk / "state/history.new"));
  std::filesystem::remove(disk / "rest");
  shell_or_fail("mount -o remount,ro " + disk.root());
  EXPECT_THROW(History(disk / "state", Access::write).keep({sample(20'001, 510)}), std::system_error);
  EXPECT_EQ(History(disk / "state", Access::read).all(vm).size(), 1u);
}

}  // namespace
}  // namespace vunify::test
