// SPDX-License-Identifier: Apache-2.0
// The verbs of vfleet, each given its own words: argv[0] is the verb.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fleet/fit.h"
#include "fleet/report.h"
#include "tools/cli.h"

namespace vunify {

Exit vfleet_push(int argc, char** argv);
Exit vfleet_report(int argc, char** argv);
Exit vfleet_schema(int argc, char** argv);

struct FleetReport {
  Day today = 0;
  std::vector<FleetFilesystem> filesystems;
  std::vector<FleetGuestUsage> guests;  // where one host was asked for
  std::optional<FleetGuest> guest;      // or else one of these was
  Fits fits{};
  std::optional<std::uint64_t> freed{};  // bytes, where it is to move
};

std::string fleet_text(const FleetReport& report);
// One object on one line, with a newline; sizes in bytes. Keys are only ever added. What is not known is null.
std::string fleet_json(const FleetReport& report);

}  // namespace vunify
