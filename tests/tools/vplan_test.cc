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
#include "tools/growth_words.h"

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
  void limit_web(std::uint64_t space) const {
    const Ledger ledger(guests_ / "state", lmdb::Access::write);
    auto change = ledger.change();
    Limit limit;
    limit.total.space = space;
    change.put(LimitKey{{1, 2, 0}, 42}, limit);
    change.commit();
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
  EXPECT_THAT(told, HasSubstr("growth   20.0 MiB a day\n"));
  EXPECT_THAT(told, HasSubstr("full     in 381 days; 95 % in 356 days\n"));
  EXPECT_THAT(told, HasSubstr("saved    900.0 MiB by what guests share; 7 days before 900.0 MiB\n"));
  EXPECT_THAT(told, HasSubstr("not growing clearly"));
}

TEST_F(Vplan, TellsWhoOutgrowsHisLimit) {
  keep(history(20));
  limit_web(490 * mib);
  const auto told = text();
  EXPECT_THAT(told, HasSubstr("490.0 MiB in 20 days\n"));
  EXPECT_THAT(told, HasSubstr("  limits   web outgrows 490.0 MiB in 20 days\n"));
  EXPECT_EQ(json()["filesystems"][0]["guests"][0]["limit_used"], 290 * mib);
  EXPECT_EQ(json()["filesystems"][0]["guests"][0]["at_limit_in_days"]["late"], 20);
}

TEST_F(Vplan, SaysHowLongAgoItWas) {
  auto samples = history(21);
  samples.erase(samples.begin() + 1, samples.end() - 1);
  keep(samples);
  EXPECT_THAT(text(), HasSubstr("saved    900.0 MiB by what guests share; 20 days before 900.0 MiB\n"));
  limit_web(490 * mib);
  EXPECT_THAT(text(), HasSubstr("  limits   web: not enough samples (2 of 7)\n"));
}

TEST(DaysLeft, AreGroupedAlikeAndOneWhereTheyAreOne) {
  EXPECT_EQ(words_of(DaysLeft{1'060, 1'067, 1'074}), "in 1,067 days (1,060 to 1,074)");
  EXPECT_EQ(words_of(DaysLeft{11.2, 11.3, 11.4}), "in 11 days");
}

TEST_F(Vplan, CountsOneAsOne) {
  keep(history(1));
  EXPECT_THAT(text(), HasSubstr(", 1 sample since "));
  auto samples = history(20);
  samples.back().available = 20 * mib;
  keep(samples);
  EXPECT_THAT(text(), HasSubstr("full     in 1 day; 95 % now\n"));
}

TEST_F(Vplan, TellsWhichFileSavesMost) {
  auto samples = history(1);
  samples[0].contents = {{"web", "usr/lib/libc.so", 2 * mib, 3}, {"web", "f", mib, 2}};
  keep(samples);
  EXPECT_THAT(text(), HasSubstr("  most     4.0 MiB by web:/usr/lib/libc.so, which 3 guests have\n"));
  EXPECT_EQ(json()["filesystems"][0]["contents"][1]["saved"], mib);
}

// Another disk in its place has no past.
TEST_F(Vplan, FilesystemThatWasReplacedBeginsAnew) {
  auto samples = history(20);
  samples.back().fs = {1, 3, 0};
  keep(samples);
  const auto filesystems = json()["filesystems"];
  ASSERT_EQ(filesystems.size(), 2u);
  for (const auto& fs : filesystems) EXPECT_EQ(fs["growth"]["samples"], fs["used_on"].size() == 1 ? 1 : 19);
  EXPECT_THAT(text(), HasSubstr("growth   not enough samples (1 of 7)"));
}

TEST_F(Vplan, KnowsWhatAGroupWouldSave) {
  keep(history(20, fs_id(open_host(guests_.root(), O_RDONLY).get())));
  guests_.fill({"web", "db"}, "f", std::string(10 * 4096, 'x'));
  guests_.fill({"web"}, "alone", std::string(4096, 'x'));
  EXPECT_THAT(answer("unify"), HasSubstr("to unify 2 guests frees about 40.0 KiB"));
  guests_.set("web/apps/vunify/group", "dmz");
  EXPECT_THAT(answer("unify dmz"), HasSubstr("to unify 1 guest frees about 0 B"));
  EXPECT_EQ(json({"--what-if", "unify"})["what_if"][0]["filesystems"][0]["guests"], 1);
  EXPECT_EQ(vplan({"--what-if", "unify nobodys"}).status, 2);
}

TEST_F(Vplan, CountsNothingThatIsNeverShared) {
  keep(history(20, fs_id(open_host(guests_.root(), O_RDONLY).get())));
  guests_.fill({"web", "db"}, "etc/conf", std::string(4096, 'x'));
  guests_.fill({"web", "db"}, "f", std::string(4096, 'x'));
  for (const std::string guest : {"web", "db"}) {
    guests_.write("vs/" + guest + "/var/lib/dpkg/status",
                  "Package: tool\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n"
                  "Conffiles:\n /etc/conf 0123456789abcdef0123456789abcdef\n\n");
    guests_.write("vs/" + guest + "/var/lib/dpkg/info/tool.list", "/.\n/etc\n/etc/conf\n");
    std::filesystem::create_hard_link(guests_ / ("vs/" + guest + "/f"), guests_ / ("vs/" + guest + "/again"));
  }
  guests_.set("web/apps/vunify/exclude", "/var/lib/dpkg");
  EXPECT_THAT(answer("unify"), HasSubstr("to unify 2 guests frees about 0 B"));
}

TEST_F(Vplan, CountsNothingThatLiesAtOnePlace) {
  LoopFs xfs("xfs");
  ASSERT_TRUE(xfs.ok()) << xfs.reason();
  const ConfiguredGuests guests({"web", "db"}, xfs.root());
  guests.fill({"web"}, "f", std::string(100 * 4096, 'x'));
  shell_or_fail("cp -p --reflink=always " + guests / "vs/web/f" + " " + guests / "vs/db/f && sync " +
                guests / "vs/db/f");
  guests.fill({"web", "db"}, "g", std::string(4096, 'x'));
  shell_or_fail("touch -r " + guests / "vs/web/g" + " " + guests / "vs/db/g && sync " + guests / "vs/db/g");
  std::filesystem::create_directories(guests / "state");
  History(guests / "state", lmdb::Access::write).keep(history(20, fs_id(open_host(xfs.root(), O_RDONLY).get())));
  const auto told = run({"vplan", "--config", guests / "config", "--state", guests / "state", "--what-if", "unify"});
  EXPECT_THAT(told.out, HasSubstr("frees about 4.0 KiB"));
  for (const std::string guest : {"web", "db"}) {
    guests.write("vs/" + guest + "/var/lib/dpkg/status",
                 "Package: tool\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n");
    guests.write("vs/" + guest + "/var/lib/dpkg/info/tool.list", "/.\n/f\n");
  }
  const auto upgraded =
      run({"vplan", "--config", guests / "config", "--state", guests / "state", "--what-if", "upgrade tool"});
  EXPECT_THAT(upgraded.out, HasSubstr("800.0 KiB until they are unified, as much as before from then on"));
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
  EXPECT_EQ(vplan({"record", "--json"}).err, "vplan: record keeps a sample, and tells nothing; see vplan --help\n");
}

TEST_F(Vplan, NamesTheFileThatWasAskedFor) {
  EXPECT_EQ(vplan({"--html", "/nonexist/p.html"}).err, "vplan: /nonexist/p.html: No such file or directory\n");
  EXPECT_THAT(vplan({"--html", "-"}).err, HasSubstr("--html: -: wants a file"));
}

TEST_F(Vplan, IsRootsAlone) {
  const auto finished = shell("setpriv --reuid=65534 --clear-groups " VUNIFY_BIN_DIR "/vplan --state /nowhere");
  EXPECT_EQ(finished.status, 3) << finished.err;
  EXPECT_EQ(finished.err, "vplan: only root may read what every guest uses\n");
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
  EXPECT_TRUE(samples[0].contents.empty());
  for (const auto& holder : samples[0].holders)
    EXPECT_EQ(holder.usage.exclusive >= 100'000, holder.name != "(host)") << holder.name;
}

TEST_F(VplanRecord, KeepsWhatSavesMost) {
  std::filesystem::create_hard_link(*guests_ / "vs/web/f", *guests_ / "vs/db/shared");
  EXPECT_EQ(record().status, 0);
  const auto contents = kept().last(kept().filesystems()[0])->contents;
  ASSERT_EQ(contents.size(), 1u);
  EXPECT_EQ(contents[0].guest + ":" + contents[0].path, "db:shared");
  EXPECT_EQ(contents[0].holders, 2u);
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
