// SPDX-License-Identifier: Apache-2.0
#include "fleet/known_hosts.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace vunify {

Day day_from(const std::string& date) {
  int year = 0;
  unsigned month = 0, day = 0;
  if (std::sscanf(date.c_str(), "%d-%u-%u", &year, &month, &day) != 3) return 0;
  const std::chrono::year_month_day told{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  return std::chrono::sys_days(told).time_since_epoch().count();
}

std::vector<KnownHost> read_known_hosts(Database& database) {
  const auto rows = database.ask("SELECT host, key_id, last_day, sketch_day, available FROM fleet_host");
  std::vector<KnownHost> hosts;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    hosts.push_back({rows.text(i, 0), rows.text(i, 1), day_from(rows.text(i, 2)), day_from(rows.text(i, 3))});
    if (!rows.is_null(i, 4)) hosts.back().available = static_cast<std::uint64_t>(rows.number(i, 4));
  }
  std::ranges::sort(hosts, {}, [](const KnownHost& host) { return std::pair(host.last_day, host.name); });
  return hosts;
}

}  // namespace vunify
