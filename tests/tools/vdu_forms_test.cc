// SPDX-License-Identifier: Apache-2.0
// vdu's forms and options beside the table: limits, earlier days, other sizes, and what other programs read.
#include <gmock/gmock.h>
#include <unistd.h>

#include "account/ledger.h"
#include "tests/eventually.h"
#include "tests/tools/asked_guests.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class VduForms : public Vdu {
 protected:
  void TearDown() override { std::filesystem::remove_all(*guests_ / "state"); }

  static void limit_a(std::uint64_t space, std::uint64_t used) {
    std::filesystem::create_directories(*guests_ / "state");
    const Ledger ledger(*guests_ / "state", lmdb::Access::write);
    auto change = ledger.change();
    const LimitKey key{fs_id(open_host(fs_->root(), O_RDONLY).get()), 70};
    change.put(key, {.total = {space, no_limit}});
    change.put(told_account(key), Account{.used = {used, 1}});
    change.commit();
  }
};

TEST_F(VduForms, LimitIsToldWhereOneIs) {
  EXPECT_EQ(rows({"a"}).at(0).find("LIMIT"), std::string::npos);
  limit_a(1 << 20, 256 << 10);
  EXPECT_THAT(rows({"a", "b"}).at(0), HasSubstr("  LIMIT  USED"));
  EXPECT_THAT(rows({"a"}).at(1), HasSubstr("1.0 MiB   25%"));
  EXPECT_TRUE(rows({"b"}).at(1).ends_with("      -     -"));
  EXPECT_EQ(guest(json({"a", "b"}), "a")["limit_used"], 256 << 10);
  EXPECT_FALSE(guest(json({"a", "b"}), "b").contains("limit"));
  EXPECT_THAT(told({"a", "b", "--csv"}), HasSubstr(",1048576,262144\n"));
  told({"a", "b", "--prometheus", *guests_ / "vunify.prom"});
  EXPECT_THAT(guests_->read("vunify.prom"), HasSubstr("vunify_limit_used_ratio{guest=\"a\""));
}

TEST_F(VduForms, DamagedLedgerIsSaidAndNoLimitTold) {
  std::filesystem::create_directories(*guests_ / "state");
  guests_->write("state/ledger", std::string(9000, 'x'));
  const auto finished = vdu({"a"});
  EXPECT_EQ(finished.status, 0);
  EXPECT_THAT(finished.err, HasSubstr("ledger"));
  EXPECT_THAT(finished.out, Not(HasSubstr("LIMIT")));
}

// A guest that vcow shows.
class VduOfShown : public Vdu {
 protected:
  void SetUp() override {
    Vdu::SetUp();
    guests_->add("shown");
    guests_->set("shown/context", "80");
    guests_->fill({"shown"}, "usr/f", std::string(200'000, 'x'));
    guests_->fill({"shown"}, "opt/f", std::string(50'000, 'x'));
  }
  void TearDown() override {
    EXPECT_TRUE(eventually([&] { return run({"umount", point_}).status == 0; }));
    shell("chattr -i " + root_ + "; rm -rf " + root_ + " " + *guests_ / "vs/.vcow" + "* " + *guests_ / "config/shown");
    std::filesystem::remove_all(*guests_ / "state");
  }
  void show_at(const std::string& point) {
    point_ = point;
    std::filesystem::create_directories(point);
    const auto shown =
        run({"vcow", "mount", "--config", *guests_ / "config", "--state", *guests_ / "state", root_, point});
    ASSERT_EQ(shown.status, 0) << shown.err;
  }

  const std::string root_ = *guests_ / "vs/shown";
  std::string point_;
};

TEST_F(VduOfShown, DirectoryInItIsAnsweredFromBeneath) {
  ASSERT_EQ(run({"vcow", "adopt", "--state", *guests_ / "state", root_}).status, 0);
  show_at(root_);
  const auto usr = root_ + "/usr", opt = root_ + "/opt";
  const auto report = json({usr, opt});
  EXPECT_EQ(report["filesystems"][0]["path"], fs_->root());
  EXPECT_EQ(guest(report, usr)["exclusive"], 197 << 10);
  EXPECT_EQ(guest(report, opt)["inodes"], 2);
  EXPECT_EQ(told({"--xid", "shown", "--inodes", "--script", usr, *guests_ / "vs"}), "2\n5\n");
}

TEST_F(VduOfShown, DirectoryThatNothingLiesBeneathIsRefused) {
  show_at(*guests_ / "point");
  const auto refused = vdu({point_ + "/usr", point_ + "/opt"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_EQ(refused.err, "vdu: " + point_ + "/usr: vcow shows it here, and its tree lies elsewhere: name the guest\n");
}

TEST_F(VduOfShown, GuestThatIsShownOverItselfIsCountedBeneath) {
  show_at(root_);
  EXPECT_EQ(told({"--xid", "shown", "--inodes", "--script", *guests_ / "vs"}), "5\n");
}

TEST_F(VduForms, DayThatIsAskedForIsThatOrTheLastBefore) {
  keep(10, 1000);
  keep(5, 2000);
  const auto as_of = [](Day days_ago) { return date_of(day_of(clock_now()) - days_ago); };
  EXPECT_EQ(guest(json({"a", "--as-of", as_of(10)}), "a")["logical"], 1000);
  EXPECT_EQ(guest(json({"a", "--as-of", as_of(6)}), "a")["logical"], 1000);
  EXPECT_EQ(guest(json({"a", "--as-of", as_of(5)}), "a")["logical"], 2000);
  EXPECT_EQ(vdu({"a", "--as-of", as_of(11)}).status, 2);
  EXPECT_EQ(vdu({"c", "--as-of", as_of(5)}).status, 2);
  EXPECT_EQ(vdu({"a", "--as-of", as_of(5), "--fresh"}).status, 2);
  EXPECT_EQ(vdu({"a", "--as-of", "tomorrow"}).status, 2);
}

// Today's limits, and another walk, say nothing of it.
TEST_F(VduForms, DayThatIsPastIsToldWithNothingOfToday) {
  keep(5, 2000);
  limit_a(1 << 20, 256 << 10);
  const auto then = told({"a", "--as-of", date_of(day_of(clock_now()) - 5)});
  EXPECT_THAT(then, Not(HasSubstr("LIMIT")));
  EXPECT_THAT(then, Not(HasSubstr("--fresh")));
  EXPECT_EQ(vdu({"a", "--as-of", "2026-02-30"}).err, "vdu: --as-of: 2026-02-30: not a day like 2026-02-28\n");
}

TEST_F(VduForms, WhatHasGrownIsToldSinceADay) {
  keep(10, 1000);
  keep(1, 3000);
  const auto since = date_of(day_of(clock_now()) - 3);
  const auto table = rows({"a", "b", "--compare", since, "-b"});
  EXPECT_TRUE(table.at(1).starts_with("a  ") && table.at(1).find("+2000") != std::string::npos) << table.at(1);
  const auto a = guest(json({"a", "--compare", since}), "a");
  EXPECT_EQ(a["since"]["logical"], 2000);
  EXPECT_EQ(a["since"]["fair"], 1000);
  EXPECT_THAT(told({"c", "--compare", since}), HasSubstr("c (new)"));
  EXPECT_EQ(vdu({"a", "--compare", "1999-01-01"}).status, 2);
}

TEST_F(VduForms, ApparentIsLengthsAndNothingAddsUpToDf) {
  const auto a = guest(json({"a", "--apparent"}), "a");
  EXPECT_EQ(a["logical"], 150'000);
  EXPECT_EQ(a["fair"], 100'000);
  EXPECT_THAT(told({"--all", "--apparent"}), Not(HasSubstr("unattributed")));
}

TEST_F(VduForms, UsersAreToldByTheirNamesOrNumbers) {
  ASSERT_EQ(::chown((*guests_ / "vs/a/usr/lib/g").c_str(), 33, 33), 0);
  guests_->write("vs/a/etc/passwd", "root:x:0:0::/:/bin/sh\n");
  const auto parts = guest(json({"a", "--by", "user"}), "a")["parts"];
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0]["name"], "root");
  EXPECT_EQ(parts[1]["name"], "user 33");
  EXPECT_EQ(parts[1]["inodes"], 1);
  ASSERT_EQ(::chown((*guests_ / "vs/a/usr/lib/g").c_str(), 0, 0), 0);
  std::filesystem::remove_all(*guests_ / "vs/a/etc");
}

TEST_F(VduForms, RecordsEndInNul) {
  const auto records = told({"a", "c", "--null", "--sort", "inodes", "--depth", "1"});
  EXPECT_THAT(records, HasSubstr(std::string("5\ta\0003\ta\t/usr\0", 13)));
  EXPECT_TRUE(records.ends_with(std::string("2\tc\0", 4)));
}

TEST_F(VduForms, SpreadsheetSeesNoFormula) {
  guests_->add("=cmd");
  EXPECT_THAT(told({"=cmd", "--csv"}), HasSubstr(",=cmd,"));
  EXPECT_THAT(told({"=cmd", "--csv=spreadsheet"}), HasSubstr(",'=cmd,"));
  for (const auto* tree : {"vs/=cmd", "config/=cmd"}) std::filesystem::remove_all(*guests_ / tree);
}

// Each inode with its sizes, each directory with what is in it; ncdu -f reads it.
TEST_F(VduForms, NcduReadsEveryName) {
  const auto file = *guests_ / "ncdu";
  EXPECT_EQ(told({"a", "b", "--ncdu", file}), "");
  const auto all = Json::parse(guests_->read("ncdu"));
  ASSERT_EQ(all[3].size(), 3u);  // the head, and two guests
  const auto& b = all[3][1];     // by their numbers
  EXPECT_EQ(b[0]["name"], *guests_ / "vs/b");
  EXPECT_EQ(b[1]["name"], "f");
  EXPECT_EQ(b[1]["asize"], 100'000);
  EXPECT_EQ(b[1]["nlink"], 2);
  const auto& a = all[3][2];
  EXPECT_EQ(a[2][0]["name"], "usr");
  EXPECT_EQ(a[2][1][0]["name"], "lib");
  EXPECT_EQ(a[2][1][1]["dsize"], 49 << 10);
}

// One line, and not the answer to something else.
TEST_F(VduForms, WhatDoesNotGoTogetherIsRefused) {
  for (const Words& words : {Words{"--why", "a", "/f", "--json"},
                             {"--why", "a", "/f", "--depth", "1"},
                             {"--xid", "70", "--space", "--json", *guests_ / "vs"},
                             {"a", "-b", "--si"},
                             {"a", "-h", "-B", "4K"},
                             {"a", "--compare", "2026-02-28", "--depth", "1"},
                             {"a", "--compare", "2026-02-28", "--by", "user"},
                             {"a", "--ncdu", "-"}}) {
    const auto refused = vdu(words);
    EXPECT_EQ(refused.status, 2) << words.back();
    EXPECT_EQ(refused.out, "");
    EXPECT_THAT(refused.err, testing::MatchesRegex("vdu: [^\n]+\n"));
  }
}

}  // namespace
}  // namespace vunify::test
