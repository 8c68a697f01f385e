// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>

#include "account/ledger.h"
#include "guest/state_dir.h"
#include "sys/fd.h"
#include "tests/root_test.h"
#include "tests/tools/configured_guests.h"
#include "tests/tools/made_history.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;
using Words = std::vector<std::string>;
using Json = nlohmann::json;

class Vplan : public RootTest {
 protected:
  void keep(const std::vector<Sample>& samples) const {
    std::filesystem::create_directories(guests_ / "state");
    History(guests_ / "state", lmdb::Access::write).keep(samples);
  }
  Finished vplan(const Words& options) const {
    Words words{"vplan", "--config", guests_ / "config", "--state", guests_ / "state"};
    words.insert(words.end(), options.begin(), options.end());
    return run(words);
  }
  std::string text(const Words& options = {}) const {
    const auto finished = vplan(options);
    EXPECT_EQ(finished.status, 0) << finished.err;
    return finished.out;
  }
  Json json(Words options = {}) const {
    options.push_back("--json");
    return Json::parse(text(options), nullptr, false);
  }
  std::string answer(const std::string& question) const { return text({"--what-if", question}); }

  const ConfiguredGuests guests_{{"web", "db"}};
};

TEST_F(Vplan, SaysThatThereIsNoSampleYet) {
  EXPECT_EQ(text(), "no sample yet: vplan record keeps one a day\n");
  EXPECT_TRUE(json()["filesystems"].empty());
}

TEST_F(Vplan, GivesNoNumberForTooFewSamples) {
  keep(history(3));
  EXPECT_THAT(text(), HasSubstr("growth   not enough samples (3 of 7)\n  full     not known yet\n"));
  EXPECT_TRUE(json()["filesystems"][0]["full_in_days"].is_null());
}

TEST_F(Vplan, TellsWhenItIsFull) {
  keep(history(20));
  const auto told = text();
  EXPECT_THAT(told, HasSubstr("/vm: 2.3 GiB used, 7.4 GiB free;"));
  EXPECT_THAT(told, HasSubstr("growth   20.0 MiB a day (20.0 MiB to 20.0 MiB)\n"));
  EXPECT_THAT(told, HasSubstr("full     in 381 days (381 to 381); 95 % in 356 days (356 to 356)\n"));
  EXPECT_THAT(told, HasSubstr("saved    900.0 MiB by what guests share; 7 days before 900.0 MiB\n"));
  EXPECT_THAT(told, HasSubstr("not growing clearly"));
}

TEST_F(Vplan, TellsWhoOutgrowsHisLimit) {
  keep(history(20));
  {
    const Ledger ledger(guests_ / "state", lmdb::Access::write);
    auto change = ledger.change();
    Limit limit;
    limit.total.space = 490 * mib;
    change.put(LimitKey{{1, 2, 0}, 42}, limit);
    change.commit();
  }
  EXPECT_THAT(text(), HasSubstr("490.0 MiB in 20 days (20 to 20)"));
  EXPECT_EQ(json()["filesystems"][0]["guests"][0]["at_limit_in_days"]["late"], 20);
}

TEST_F(Vplan, TellsTheSameToPrograms) {
  keep(history(20));
  const auto fs = json()["filesystems"][0];
  EXPECT_EQ(fs["path"], "/vm");
  EXPECT_EQ(fs["growth"]["bytes_a_day"], 20 * mib);
  EXPECT_EQ(fs["full_in_days"]["middle"], 381);
  EXPECT_EQ(fs["used_on"].size(), 20u);
  EXPECT_EQ(fs["guests"][0]["name"], "web");
  EXPECT_EQ(fs["guests"][0]["growth"]["bytes_a_day"], 10 * mib);
  EXPECT_EQ(fs["guests"][1]["growth"]["is_growing"], false);
  EXPECT_EQ(fs["guests"].size(), 2u);
}

TEST_F(Vplan, AnswersWhatWouldBe) {
  keep(history(20));
  EXPECT_THAT(answer("add 12 like db"), HasSubstr("they fit, all at once"));
  EXPECT_THAT(answer("add 60 like db"), HasSubstr("they fit as clones, or night by night. At most 76 fit, 15"));
  EXPECT_THAT(answer("add 77 like db"), HasSubstr("they do not fit"));
  EXPECT_THAT(answer("deunify web"), HasSubstr("takes 200.0 MiB; 7.4 GiB are free: it fits."));
  EXPECT_THAT(answer("move web"), HasSubstr("without web there is 290.0 MiB more"));
  EXPECT_EQ(json({"--what-if", "move web"})["what_if"][0]["freed"], 290 * mib);
}

TEST_F(Vplan, KnowsWhatAPackageTakes) {
  auto samples = history(20, fs_id(open_host(guests_.root(), O_RDONLY).get()));
  keep(samples);
  for (const auto* guest : {"web", "db"}) {
    const std::string root = std::string("vs/") + guest;
    guests_.write(root + "/usr/bin/tool", std::string(100 * 4096, 'x'));
    guests_.write(root + "/var/lib/dpkg/status",
                  "Package: tool\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n");
    guests_.write(root + "/var/lib/dpkg/info/tool.list", "/.\n/usr\n/usr/bin\n/usr/bin/tool\n");
  }
  EXPECT_THAT(answer("upgrade tool"),
              HasSubstr("in 2 guests it takes 800.0 KiB until they are unified, 400.0 KiB less"));
  EXPECT_THAT(
      answer("upgrade tool 4G"),
      HasSubstr("8.0 GiB until they are unified, 4.0 GiB more from then on; 7.4 GiB are free: it does not fit"));
}

TEST_F(Vplan, RefusesWhatIsNoQuestion) {
  keep(history(20));
  for (const auto* question : {"", "add", "add x like web", "add 0 like web", "add 1 like nobody", "upgrade",
                               "upgrade x y", "upgrade nothing", "move nobody", "deunify"})
    EXPECT_EQ(vplan({"--what-if", question}).status, 2) << question;
}

TEST_F(Vplan, PassesADamagedHistoryBy) {
  guests_.write("state/history", std::string(9'000, 'x'));
  ::chmod((guests_ / "state/history").c_str(), 0600);
  const auto finished = vplan({});
  EXPECT_EQ(finished.status, 0);
  EXPECT_THAT(finished.err, HasSubstr("state/history: damaged; not used"));
  EXPECT_EQ(guests_.read("state/history"), std::string(9'000, 'x'));
}

TEST_F(Vplan, TellsWhoHasMostInCommon) {
  guests_.add("other");
  for (int i = 0; i < 20; ++i) {
    const auto file = "f" + std::to_string(i);
    guests_.fill({"web", "db"}, file, std::string(10'000, static_cast<char>('a' + i)));
    guests_.fill({"other"}, file, std::string(9'000, static_cast<char>('A' + i)));
  }
  const auto told = json({"--neighbours"})["neighbours"];
  ASSERT_EQ(told.size(), 3u);
  for (const auto& each : told) EXPECT_EQ(each["neighbours"].size(), each["guest"] == "other" ? 0u : 1u) << each;
  EXPECT_THAT(text({"--neighbours"}), HasSubstr("db: web 195.3 KiB\n"));
}

TEST_F(Vplan, TakesNoOtherWord) {
  EXPECT_EQ(vplan({"web"}).status, 2);
  EXPECT_EQ(vplan({"--html", guests_ / "page.html", "--neighbours"}).status, 2);
}

TEST_F(Vplan, IsRootsAlone) {
  const auto finished = shell("setpriv --reuid=65534 --clear-groups " VUNIFY_BIN_DIR "/vplan --state /nowhere");
  EXPECT_EQ(finished.status, 3) << finished.err;
}

// On a filesystem of their own: what lies beside the guests is measured, too.
class VplanRecord : public RootTest {
 protected:
  void SetUp() override {
    RootTest::SetUp();
    if (IsSkipped()) return;
    fs_.emplace("ext4", 64);
    ASSERT_TRUE(fs_->ok()) << fs_->reason();
    guests_.emplace(std::vector<std::string>{"web", "db"}, fs_->root());
    guests_->fill({"web", "db"}, "f", std::string(100'000, 'x'));
  }
  Finished record() const {
    return run({"vplan", "record", "--config", *guests_ / "config", "--state", *guests_ / "state"});
  }
  History kept() const { return {*guests_ / "state", lmdb::Access::read}; }

  std::optional<LoopFs> fs_;
  std::optional<ConfiguredGuests> guests_;
};

TEST_F(VplanRecord, KeepsWhatIsUsedNow) {
  EXPECT_EQ(record().status, 0);
  EXPECT_EQ(record().status, 0);  // of the same day
  ASSERT_EQ(kept().filesystems().size(), 1u);
  const auto samples = kept().all(kept().filesystems()[0]);
  ASSERT_EQ(samples.size(), 1u);
  EXPECT_EQ(samples[0].path, fs_->root());
  EXPECT_EQ(samples[0].holders.size(), 3u);  // with "(host)"
  for (const auto& holder : samples[0].holders)
    EXPECT_EQ(holder.usage.exclusive >= 100'000, holder.name != "(host)") << holder.name;
}

TEST_F(VplanRecord, KeepsNothingWhileARunIsAtWork) {
  StateDir state(*guests_ / "state");
  ASSERT_TRUE(state.lock());
  EXPECT_EQ(record().status, 4);
  EXPECT_FALSE(guests_->exists("state/history"));
}

TEST_F(VplanRecord, LeavesWhatWasThereOnAFullDisk) {
  ASSERT_EQ(record().status, 0);
  shell("dd if=/dev/zero of=" + (*fs_ / "rest") + " bs=64k 2>/dev/null");
  EXPECT_EQ(record().status, 5);
  EXPECT_EQ(kept().filesystems().size(), 1u);
  EXPECT_FALSE(guests_->exists("state/history.new"));
}

}  // namespace
}  // namespace vunify::test
