// SPDX-License-Identifier: Apache-2.0
#include "tools/fleet_names.h"

#include <fmt/format.h>

#include "account/usage.h"
#include "tools/text.h"

namespace vunify {

std::string FleetNames::of(const std::string& name) const {
  if (name == host_name) return name;
  return key_ ? key_->hidden(name) : printable(name);
}

std::string FleetNames::distinct(const std::string& name, std::set<std::string>& taken) {
  const auto text = of(name);
  auto stored = text;
  for (int number = 2; !taken.insert(stored).second; ++number) stored = fmt::format("{} ({})", text, number);
  if (!key_ && stored != name) escaped_[name] = stored;
  return stored;
}

}  // namespace vunify
