// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "tools/usage.h"

namespace vunify {
namespace {

constexpr auto begin_formulas = "=+-@\t\r";

std::string quoted(std::string field, bool for_spreadsheet) {
  if (for_spreadsheet && field.find_first_of(begin_formulas) == 0) field.insert(0, "'");
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string text = "\"";
  for (const char byte : field) text += byte == '"' ? std::string("\"\"") : std::string(1, byte);
  return text + "\"";
}

std::string numbers_of(const Usage& usage) {
  return fmt::format("{},{},{},{},{},{},{}", usage.logical, usage.exclusive, usage.shared(), usage.fair, usage.saved(),
                     usage.inodes, usage.deunify_need);
}

std::string of_limit(const UsedLimit* limit) {
  return limit == nullptr ? ",," : fmt::format(",{},{}", limit->space, limit->used);
}

}  // namespace

std::string usage_csv(const UsageReport& report, bool for_spreadsheet) {
  const bool with_limits =
      std::ranges::any_of(report.filesystems, [](const FilesystemUsage& each) { return !each.limits.empty(); });
  std::string text = "filesystem,guest,xid,part,logical,exclusive,shared,fair,saved,inodes,deunify_need";
  text += with_limits ? ",limit,limit_used\n" : "\n";
  for (const auto& filesystem : report.filesystems)
    for (std::size_t i = 0; i < filesystem.sample.holders.size(); ++i) {
      if (!filesystem.is_asked[i]) continue;
      const auto& holder = filesystem.sample.holders[i];
      const auto add = [&](const std::string& part, const Usage& usage, const UsedLimit* limit) {
        text += fmt::format("{},{},{},{},{}{}\n", to_string(filesystem.sample.fs), quoted(holder.name, for_spreadsheet),
                            holder.xid ? std::to_string(*holder.xid) : "", quoted(part, for_spreadsheet),
                            numbers_of(usage), with_limits ? of_limit(limit) : "");
      };
      add("", holder.usage, filesystem.limit(i));
      if (filesystem.parts.empty()) continue;
      for (const auto& part : filesystem.parts[i]) add(part.name, part.usage, nullptr);
    }
  return text;
}

}  // namespace vunify
