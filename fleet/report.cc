// SPDX-License-Identifier: Apache-2.0
#include "fleet/report.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <map>
#include <span>

#include "fleet/known_hosts.h"
#include "fleet/table.h"

namespace vunify {
namespace {

constexpr std::size_t hosts_at_once = 25;  // few enough that a planner looks each up, and reads no table as a whole
constexpr Day days_read = 90;              // a forecast takes 60 samples at the most

std::uint64_t bytes(const Rows& rows, std::size_t row, int column) {
  return static_cast<std::uint64_t>(rows.number(row, column));
}

Values names_of(std::span<const KnownHost> hosts) {
  Values names;
  for (const auto& host : hosts) names.emplace_back(host.name);
  return names;
}

struct Series {
  FleetFilesystem last;
  std::vector<Point> used;
};
using AllSeries = std::map<std::pair<std::string, std::string>, Series>;  // by host and filesystem

void read_series(Database& database, std::span<const KnownHost> hosts, AllSeries& series) {
  auto values = names_of(hosts);
  values.push_back(date_of(hosts.front().last_day - days_read));
  const auto rows = database.ask(
      fmt::format("SELECT host, fs, path, day, total, used, available, guests, logical, exclusive, fair FROM "
                  "fleet_filesystem WHERE host IN ({}) AND day > ${} ORDER BY host, day",
                  places(1, hosts.size()), values.size()),
      values);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto& one = series[{rows.text(i, 0), rows.text(i, 1)}];
    one.last = {.host = rows.text(i, 0),
                .fs = rows.text(i, 1),
                .path = rows.text(i, 2),
                .day = day_from(rows.text(i, 3)),
                .total = bytes(rows, i, 4),
                .used = bytes(rows, i, 5),
                .available = bytes(rows, i, 6),
                .guests = bytes(rows, i, 7),
                .usage = {}};
    one.last.usage.logical = bytes(rows, i, 8);
    one.last.usage.exclusive = bytes(rows, i, 9);
    one.last.usage.fair = bytes(rows, i, 10);
    one.used.push_back({one.last.day, static_cast<double>(one.last.used)});
  }
}

// A filesystem that the host has no more was not there on its last day.
void leave_out_former(AllSeries& series, const std::vector<KnownHost>& hosts) {
  std::map<std::string, Day> last;
  for (const auto& host : hosts) last[host.name] = host.last_day;
  std::erase_if(series, [&](const auto& one) { return one.second.last.day != last[one.first.first]; });
}

}  // namespace

std::vector<FleetFilesystem> read_filesystems(Database& database, Day today, const std::optional<std::string>& host) {
  auto hosts = read_known_hosts(database);
  std::erase_if(hosts, [&](const KnownHost& each) { return each.last_day == 0 || (host && each.name != *host); });
  AllSeries series;
  for (std::span<const KnownHost> rest(hosts); !rest.empty(); rest = rest.subspan(std::min(rest.size(), hosts_at_once)))
    read_series(database, rest.first(std::min(rest.size(), hosts_at_once)), series);
  leave_out_former(series, hosts);
  std::vector<FleetFilesystem> found;
  std::vector<const std::vector<Point>*> used;
  for (const auto& [key, one] : series) {
    found.push_back(one.last);
    used.push_back(&one.used);
  }
  tbb::parallel_for(std::size_t{0}, found.size(), [&](std::size_t i) {
    auto& fs = found[i];
    fs.growth = forecast(*used[i], today);
    fs.full = days_until(fs.growth, static_cast<double>(fs.used + fs.available), today);
  });
  return found;
}

std::vector<FleetGuestUsage> read_guests(Database& database, const std::string& host) {
  const auto rows = database.ask(
      "SELECT u.fs, u.guest, u.logical, u.exclusive, u.fair, u.inodes, u.deunify_need FROM fleet_host h JOIN "
      "fleet_usage "
      "u ON u.host = h.host AND u.day = h.last_day WHERE h.host = $1 ORDER BY u.logical DESC, u.guest",
      {host});
  std::vector<FleetGuestUsage> guests;
  for (std::size_t i = 0; i < rows.size(); ++i)
    guests.push_back({rows.text(i, 0),
                      rows.text(i, 1),
                      {bytes(rows, i, 2), bytes(rows, i, 3), bytes(rows, i, 4), bytes(rows, i, 5), bytes(rows, i, 6)}});
  return guests;
}

}  // namespace vunify
