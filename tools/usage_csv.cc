// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "tools/usage.h"

namespace vunify {
namespace {

std::string quoted(const std::string& field) {
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string text = "\"";
  for (const char byte : field) text += byte == '"' ? std::string("\"\"") : std::string(1, byte);
  return text + "\"";
}

std::string line_of(const Sample& sample, const HolderSample& holder, const std::string& part, const Usage& usage) {
  return fmt::format("{},{},{},{},{},{},{},{},{},{},{}\n", to_string(sample.fs), quoted(holder.name),
                     holder.xid ? std::to_string(*holder.xid) : "", quoted(part), usage.logical, usage.exclusive,
                     usage.shared(), usage.fair, usage.saved(), usage.inodes, usage.deunify_need);
}

}  // namespace

std::string usage_csv(const UsageReport& report) {
  std::string text = "filesystem,guest,xid,part,logical,exclusive,shared,fair,saved,inodes,deunify_need\n";
  for (const auto& filesystem : report.filesystems)
    for (std::size_t i = 0; i < filesystem.sample.holders.size(); ++i) {
      if (!filesystem.is_asked[i]) continue;
      const auto& holder = filesystem.sample.holders[i];
      text += line_of(filesystem.sample, holder, "", holder.usage);
      if (filesystem.parts.empty()) continue;
      for (const auto& part : filesystem.parts[i]) text += line_of(filesystem.sample, holder, part.name, part.usage);
    }
  return text;
}

}  // namespace vunify
