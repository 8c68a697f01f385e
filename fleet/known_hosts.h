// SPDX-License-Identifier: Apache-2.0
// The hosts that the fleet has heard of, and how lately.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "account/day.h"
#include "fleet/database.h"

namespace vunify {

struct KnownHost {
  std::string name;
  std::string key_id;  // of its sketches
  Day last_day = 0;    // of its usage; 0: none
  Day sketch_day = 0;
  std::optional<std::uint64_t> available{};  // bytes on its roomiest filesystem; nothing: it has pushed no usage
};

// Those that were not heard of for longest come first.
std::vector<KnownHost> read_known_hosts(Database& database);

// As SQL writes a date; of NULL the first of all days.
Day day_from(const std::string& date);

}  // namespace vunify
