// SPDX-License-Identifier: Apache-2.0
#include "fleet/report.h"

#include <gmock/gmock.h>

#include "fleet/fit.h"
#include "tests/fleet/fleet_server.h"
#include "tests/tools/made_history.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using Contents = std::vector<HashedContent>;

const Day this_day = day_of(clock_now());

// Of 40 KiB each, 40 MiB in all; the same for the same number.
Contents contents(std::uint64_t number) {
  Contents made;
  for (std::uint64_t i = 0; i < 1'024; ++i) made.push_back({(number * 2'000 + i) * 0x9e3779b97f4a7c15, 40 << 10});
  return made;
}

Contents all_of(const std::vector<Contents>& parts) {
  Contents all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

constexpr std::uint64_t base = 1, php = 2, java = 3, rare = 4;

class FleetReports : public FleetTest {
 protected:
  void push(const std::string& host, const std::vector<Sample>& days, const Contents& held = {},
            const std::string& key = "key") {
    Database database(connection());
    Push push(database, {host, "machine " + host, key, ""});
    push.claim(false);
    for (const auto& sample : days) push.usage({sample});
    HostSketches sketches;
    sketches.day = this_day;
    sketches.guests = {{"web", Sketch(held)}};
    sketches.all = Sketch(held, HostSketches::all_size);
    push.sketches(sketches);
  }
  std::vector<std::string> hosts_that_fit(const std::string& host) {
    std::vector<std::string> hosts;
    for (const auto& fit : find_fits(database_, {host, "web"}, {}).hosts) hosts.push_back(fit.host);
    return hosts;
  }

  Database database_{connection()};
};

TEST_F(FleetReports, TellWhenEachFilesystemIsFull) {
  push("web7", history(20));
  push("web8", history(3));
  const auto found = read_filesystems(database_, this_day, {});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].host, "web7");
  EXPECT_EQ(found[0].used, 2'380 * mib);
  EXPECT_EQ(found[0].guests, 2u);
  EXPECT_EQ(found[0].usage.logical, 1'500 * mib);
  ASSERT_TRUE(found[0].full);
  EXPECT_NEAR(*found[0].full->middle, 381, 1);
  EXPECT_FALSE(found[1].growth.trend);
}

TEST_F(FleetReports, SayAsOfWhenAHostIsThatWasNotHeardOfForAYear) {
  auto days = history(380);
  days.erase(days.begin() + 15, days.end());
  push("gone", days);
  push("web7", history(20));
  const auto found = read_filesystems(database_, this_day, {});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].day, this_day - 365);
  EXPECT_TRUE(found[0].growth.is_stale(this_day));
  EXPECT_FALSE(found[0].full);
}

TEST_F(FleetReports, LeaveOutAFilesystemThatTheHostHasNoMore) {
  push("web7", history(2, {9, 9, 0}));
  Database database(connection());
  Push later(database, {"web7", "machine web7", "key", ""});
  auto day = history(1)[0];
  later.usage({day});
  EXPECT_EQ(read_filesystems(database_, this_day, {}).size(), 1u);
}

TEST_F(FleetReports, TellOneHostsGuests) {
  push("web7", history(2));
  push("web8", history(2));
  EXPECT_EQ(read_filesystems(database_, this_day, "web8").size(), 1u);
  const auto guests = read_guests(database_, "web8");
  ASSERT_EQ(guests.size(), 3u);
  EXPECT_EQ(guests[2].guest, "web");
  EXPECT_EQ(guests[2].usage.exclusive, 110 * mib);
}

TEST_F(FleetReports, TellWhereAGuestFitsBest) {
  push("a", history(1), all_of({contents(base), contents(php), contents(rare)}));
  push("b", history(1), all_of({contents(base), contents(java)}));
  push("c", history(1), all_of({contents(base), contents(php)}));
  push("d", history(1), contents(java));
  EXPECT_THAT(hosts_that_fit("a"), ElementsAre("c", "b", "d"));
  const auto fits = find_fits(database_, {"a", "web"}, {});
  EXPECT_NEAR(fits.bytes.bytes, 120 * mib, 12 * mib);
  EXPECT_NEAR(fits.hosts[0].there.bytes, 80 * mib, 3 * fits.hosts[0].there.deviation);
  EXPECT_NEAR(fits.hosts[0].fresh.bytes, 40 * mib, 3 * fits.hosts[0].fresh.deviation);
  EXPECT_GT(fits.hosts[0].there.deviation, 0);
  EXPECT_EQ(fits.hosts[0].free, 8'000 * mib);
  EXPECT_EQ(fits.hosts[2].there.bytes, 0);
  EXPECT_GT(fits.hosts[2].there.deviation, 0) << "small ones may be there";
  EXPECT_GT(fits.bytes.deviation, 0);
}

TEST_F(FleetReports, AreExactWhereAllContentsAreThere) {
  push("a", history(1), contents(php));
  push("b", history(1), contents(php));
  const auto fits = find_fits(database_, {"a", "web"}, "b");
  ASSERT_EQ(fits.hosts.size(), 1u);
  EXPECT_EQ(fits.hosts[0].there.bytes, 40 * mib);
  EXPECT_EQ(fits.hosts[0].there.deviation, 0);
}

TEST_F(FleetReports, FindAmongManyHostsByWhatFewHave) {
  for (int i = 0; i < 30; ++i) push("host" + std::to_string(100 + i), history(1), contents(base));
  push("a", history(1), all_of({contents(base), contents(rare)}));
  auto full = history(1);
  full[0].available = 0;
  push("z", full, all_of({contents(base), contents(rare)}));
  EXPECT_EQ(hosts_that_fit("a").front(), "z");
}

TEST_F(FleetReports, DoNotCompareSketchesByAnotherKey) {
  push("a", history(1), contents(php));
  push("b", history(1), contents(php), "another key");
  const auto fits = find_fits(database_, {"a", "web"}, {});
  EXPECT_TRUE(fits.hosts.empty());
  EXPECT_EQ(fits.other_key, 1u);
  EXPECT_THROW(find_fits(database_, {"a", "web"}, "b"), std::invalid_argument);
}

TEST_F(FleetReports, KnowWhoseAGuestIs) {
  push("a", history(1), contents(php));
  push("b", history(1), contents(php));
  EXPECT_EQ(find_guests(database_, "web").size(), 2u);
  EXPECT_TRUE(find_guests(database_, "nobody").empty());
  EXPECT_THROW(find_fits(database_, {"a", "nobody"}, {}), std::invalid_argument);
}

}  // namespace
}  // namespace vunify::test
