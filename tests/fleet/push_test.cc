// SPDX-License-Identifier: Apache-2.0
#include "fleet/push.h"

#include <gmock/gmock.h>

#include "tests/fleet/fleet_server.h"
#include "tests/tools/made_history.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;
using testing::Not;

const FleetHost web7{"web7", "machine 7", "key", ""};
const Day today = day_of(clock_now());

HostSketches sketches(Day day, std::uint64_t seed = 1) {
  std::vector<HashedContent> contents;
  for (std::uint64_t i = 1; i <= 100; ++i) contents.push_back({i * seed * 0x9e3779b97f4a7c15, 1'000 * i});
  HostSketches made;
  made.day = day;
  made.guests = {{"web", Sketch(contents)}, {"db", Sketch({contents[0]})}};
  made.all = Sketch(contents);
  return made;
}

class Pushes : public FleetTest {
 protected:
  void push(const std::vector<Sample>& days, const HostSketches& of_today = sketches(today),
            const FleetHost& host = web7, bool by_copy = false) {
    Database database(connection());
    Push push(database, host, by_copy);
    push.claim(false);
    for (const auto& sample : days)
      if (push.wants_usage({sample}, today)) push.usage({sample});
    if (push.wants_sketches(of_today.day)) push.sketches(of_today);
  }
};

TEST_F(Pushes, KeepEveryDay) {
  push(history(3));
  EXPECT_EQ(sql("SELECT count(*), sum(exclusive) FROM fleet_usage WHERE guest = 'web'"),
            "3|" + std::to_string(330 * mib) + "\n");
  EXPECT_EQ(sql("SELECT guests, logical, used FROM fleet_filesystem ORDER BY day DESC LIMIT 1"),
            "2|" + std::to_string(1'500 * mib) + "|" + std::to_string(2'040 * mib) + "\n");
  EXPECT_EQ(sql("SELECT count(*), sum(length(sample)) FROM fleet_sketch"), "3|3216\n");
  EXPECT_EQ(sql("SELECT count(*), max(guests) FROM fleet_top"), "65|1\n");
  EXPECT_EQ(sql("SELECT state FROM fleet_push ORDER BY day DESC LIMIT 1"), "done\n");
}

TEST_F(Pushes, ChangeNothingTheSecondTime) {
  push(history(3));
  const auto once = tables();
  act_before_a_statement("RAISE SQLSTATE '23514';");
  arm(2);  // the first looks whose the name is
  push(history(3));
  EXPECT_EQ(tables(), once);
}

TEST_F(Pushes, BringWhatIsLaterOnly) {
  push(history(3));
  auto days = history(3);
  days[0].holders.clear();
  days[2].taken.sec += 3'600;
  days[2].holders.pop_back();
  push(days);
  EXPECT_EQ(sql("SELECT count(*) FROM fleet_usage"), "8\n");
}

TEST_F(Pushes, FinishThoughTheirConnectionIsLostAtAnyStatement) {
  push(history(1));
  const auto whole = tables();
  act_before_a_statement("PERFORM pg_terminate_backend(pg_backend_pid());");
  int number = 1;
  for (bool acts = true; acts; ++number) {
    empty_tables();
    arm(number);
    push(history(1));
    EXPECT_EQ(tables(), whole) << number;
    acts = has_acted();
  }
  EXPECT_GT(number, 15);
}

TEST_F(Pushes, AreDoneAgainWhereOthersAreInTheWay) {
  push(history(1));
  const auto whole = tables();
  act_before_a_statement("RAISE SQLSTATE '40001';");
  for (const int number : {1, 3, 8, 13, 19}) {
    empty_tables();
    arm(number);
    push(history(1));
    EXPECT_EQ(tables(), whole) << number;
    EXPECT_TRUE(has_acted());
  }
}

TEST_F(Pushes, GoOnWhereOneBrokeOff) {
  push(history(1));
  const auto whole = tables();
  act_before_a_statement("RAISE SQLSTATE '57014';");
  for (int number = 1;; ++number) {
    empty_tables();
    arm(number);
    try {
      push(history(1));
      break;
    } catch (const SqlError&) {
      push(history(1));
    }
    EXPECT_EQ(tables(), whole) << number;
  }
}

TEST_F(Pushes, LeaveNothingOfAHalfStep) {
  act_before_a_statement("RAISE SQLSTATE '57014';");
  arm(6);  // the rows of filesystems are in
  EXPECT_THROW(push(history(1)), SqlError);
  EXPECT_TRUE(has_acted());
  EXPECT_EQ(sql("SELECT count(*) FROM fleet_filesystem"), "0\n");
}

TEST_F(Pushes, DoNotSendSketchesAgainThatAreThere) {
  push(history(1));
  sql("UPDATE fleet_push SET state = 'sketch'; DELETE FROM fleet_top; UPDATE fleet_sketch SET least = 77");
  push(history(1));
  EXPECT_EQ(sql("SELECT count(*), min(least) FROM fleet_top, fleet_sketch"), "195|77\n");
  EXPECT_EQ(sql("SELECT state FROM fleet_push"), "done\n");
}

TEST_F(Pushes, OutliveTheServersRestart) {
  Database database(connection());
  FleetServer::of_all().restart();
  EXPECT_EQ(database.ask("SELECT 1").number(0, 0), 1);
}

TEST_F(Pushes, AreRefusedToAnotherMachineOfTheName) {
  push(history(2));
  const auto before = tables();
  FleetHost other = web7;
  other.identity = "another machine";
  EXPECT_THROW(push(history(2), sketches(today), other), NameTaken);
  EXPECT_EQ(tables(), before);
  Database database(connection());
  Push(database, other).claim(true);
  EXPECT_THROW(push(history(2)), NameTaken);
  push(history(2), sketches(today), other);
}

TEST_F(Pushes, ThatLostTheirNameMeanwhileChangeNothing) {
  Database database(connection());
  Push push(database, web7);
  push.claim(false);
  sql("UPDATE fleet_host SET identity = 'another machine'");
  EXPECT_THROW(push.usage(history(1)), RowNotThere);
  EXPECT_THROW(push.sketches(sketches(today)), RowNotThere);
  EXPECT_EQ(sql("SELECT count(*) FROM fleet_usage"), "0\n");
}

TEST_F(Pushes, OfAnOlderDayLeaveLaterSketches) {
  push(history(1));
  const auto before = sql("SELECT * FROM fleet_sketch ORDER BY guest");
  push(history(2), sketches(today - 1, 3));
  EXPECT_EQ(sql("SELECT * FROM fleet_sketch ORDER BY guest"), before);
  EXPECT_EQ(sql("SELECT count(*) FROM fleet_usage"), "6\n");
  EXPECT_EQ(sql("SELECT last_day FROM fleet_host"), date_of(today) + "\n");
}

TEST_F(Pushes, TakeBackWhatAClockThatWasAheadHasLeft) {
  auto ahead = history(2);
  ahead[1].taken.sec += 30 * 86'400;
  Database database(connection());
  Push early(database, web7);
  early.claim(false);
  for (const auto& sample : ahead) early.usage({sample});
  early.sketches(sketches(today + 30));
  Push now(database, web7);
  now.claim(false);
  EXPECT_TRUE(now.take_back_future(today));
  EXPECT_EQ(sql("SELECT last_day, sketch_day FROM fleet_host"), date_of(today - 1) + "|\n");
  EXPECT_EQ(sql("SELECT count(*) FROM fleet_usage WHERE day > current_date"), "0\n");
  push(history(2));
  EXPECT_EQ(sql("SELECT last_day, sketch_day FROM fleet_host"), date_of(today) + "|" + date_of(today) + "\n");
  Push again(database, web7);
  again.claim(false);
  EXPECT_FALSE(again.take_back_future(today));
}

TEST_F(Pushes, ByAnotherKeyReplaceSketches) {
  push(history(1));
  FleetHost other = web7;
  other.key_id = "other key";
  Database database(connection());
  Push push_by_other(database, other);
  push_by_other.claim(false);
  EXPECT_TRUE(push_by_other.has_another_key());
  push(history(1), sketches(today, 3), other);
  EXPECT_EQ(sql("SELECT key_id FROM fleet_host"), "other key\n");
  EXPECT_EQ(sql("SELECT count(*) FROM fleet_top"), "65\n");
}

TEST_F(Pushes, TakeNamesBackThatAreToBeHidden) {
  push(history(2));
  FleetHost hidden = web7;
  hidden.names = "key";
  auto days = history(2, {1, 2, 0}, "hidden-0123");
  push(days, sketches(today), hidden);
  EXPECT_EQ(sql("SELECT count(*) FROM fleet_usage WHERE guest = 'web'"), "0\n");
}

TEST_F(Pushes, KeepOfOldDaysSundays) {
  auto days = history(430);
  for (auto& day : days) day.used = day.available = mib;
  push(days);
  EXPECT_EQ(sql("SELECT count(*) > 400, count(*) < 410 FROM fleet_filesystem"), "t|t\n");
  EXPECT_EQ(sql("SELECT DISTINCT extract(dow FROM day) FROM fleet_push WHERE day < current_date - 400"), "0\n");
  sql("UPDATE fleet_filesystem SET day = day - 400; UPDATE fleet_push SET day = day - 400, state = 'usage'");
  push(history(1));
  EXPECT_EQ(sql("SELECT count(*) FROM fleet_push WHERE extract(dow FROM day) <> 0"), "1\n");
}

TEST_F(Pushes, ByCopyBringTheSame) {
  auto days = history(2);
  days[0].path = "a\\b\t'c'\n";
  days[1].holders[0].xid.reset();
  push(days);
  const auto inserted = tables();
  empty_tables();
  push(days, sketches(today), web7, true);
  EXPECT_EQ(tables(), inserted);
}

TEST_F(Pushes, NeedNoRightToMakeTables) {
  const auto schema = sql("SELECT current_schema");
  sql("CREATE ROLE pusher LOGIN; GRANT USAGE ON SCHEMA " + schema + " TO pusher;" +
      "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + schema + " TO pusher");
  auto as_pusher = connection();
  as_pusher.replace(as_pusher.find("user=fleet"), 10, "user=pusher");
  Database database(as_pusher);
  Push push(database, web7);
  push.claim(false);
  push.usage(history(1));
  push.sketches(sketches(today));
  EXPECT_EQ(sql("SELECT state FROM fleet_push"), "done\n");
}

TEST_F(Pushes, GoIntoTablesDividedByHostAndDay) {
  sql("DROP TABLE fleet_usage; CREATE TABLE fleet_usage (host text, day date, fs text, guest text, xid bigint, logical "
      "bigint, exclusive bigint, fair bigint, inodes bigint, deunify_need bigint, PRIMARY KEY (host, day, fs, guest)) "
      "PARTITION BY RANGE (day); CREATE TABLE early PARTITION OF fleet_usage FOR VALUES FROM (MINVALUE) TO ('" +
      date_of(today) + "') PARTITION BY HASH (host); CREATE TABLE late PARTITION OF fleet_usage DEFAULT;" +
      "CREATE TABLE early0 PARTITION OF early FOR VALUES WITH (MODULUS 1, REMAINDER 0)");
  push(history(2));
  EXPECT_EQ(sql("SELECT (SELECT count(*) FROM early0), (SELECT count(*) FROM late)"), "3|3\n");
}

}  // namespace
}  // namespace vunify::test
