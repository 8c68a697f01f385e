// SPDX-License-Identifier: Apache-2.0
// Guests' names as the fleet has them: text, which a name need not be, no two alike on a host, and nobody's name at all
// where they are to be hidden.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "fleet/fleet_key.h"

namespace vunify {

class FleetNames {
 public:
  // With a key they are hidden, but for "(host)", which is no guest's.
  explicit FleetNames(std::optional<FleetKey> key) : key_(std::move(key)) {}

  std::string of(const std::string& name) const;
  // Those that are not stored as they are, and how: for whoever has to be told.
  const std::map<std::string, std::string>& escaped() const { return escaped_; }
  // The same, where `taken` has it already with a number behind it; from then on `taken` has it.
  std::string distinct(const std::string& name, std::set<std::string>& taken);

 private:
  std::optional<FleetKey> key_;
  std::map<std::string, std::string> escaped_;
};

}  // namespace vunify
