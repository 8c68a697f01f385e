// SPDX-License-Identifier: Apache-2.0
// What the fleet's tables answer, over all hosts. They are only read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "account/day.h"
#include "account/forecast.h"
#include "account/usage.h"
#include "fleet/database.h"

namespace vunify {

struct FleetFilesystem {
  std::string host, fs, path;
  Day day = 0;  // as of
  std::uint64_t total = 0, used = 0, available = 0, guests = 0;
  Usage usage;  // of all on it: logical, exclusive and fair
  Forecast growth{};
  std::optional<DaysLeft> full{};
};
// By host and filesystem. host: only this one.
std::vector<FleetFilesystem> read_filesystems(Database& database, Day today, const std::optional<std::string>& host);

struct FleetGuestUsage {
  std::string fs, guest;  // "(host)": what is in none
  Usage usage;
};
// Of a host, as of its last day.
std::vector<FleetGuestUsage> read_guests(Database& database, const std::string& host);

}  // namespace vunify
