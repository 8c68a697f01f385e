// SPDX-License-Identifier: Apache-2.0
#include "tools/usage.h"

namespace vunify {
namespace {

std::string record_of(const Usage& usage, const std::string& name, const UsageOptions& options) {
  return std::to_string(key_of(usage, options.sort)) + "\t" + name + std::string(1, '\0');
}

}  // namespace

std::string usage_null(const UsageReport& report, const UsageOptions& options) {
  std::string text;
  for (const auto& filesystem : report.filesystems)
    for (const auto number : ordered_holders(filesystem, options)) {
      const auto& holder = filesystem.sample.holders[number];
      text += record_of(holder.usage, holder.name, options);
      if (filesystem.parts.empty()) continue;
      const auto& parts = filesystem.parts[number];
      for (const auto row : ordered_parts(parts, options))
        text += record_of(parts[row].usage, holder.name + "\t" + parts[row].name, options);
    }
  return text;
}

}  // namespace vunify
