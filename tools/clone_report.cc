// SPDX-License-Identifier: Apache-2.0
#include "tools/clone_report.h"

#include <fmt/format.h>

#include "tools/json_bytes.h"
#include "tools/text.h"

namespace vunify {
namespace {

std::string line_of(const ClonedName& name) {
  const auto note = name.note.empty() ? "" : "  (" + name.note + ")";
  return fmt::format("{:8}  {}{}\n", name.verb, printable(name.path), note);
}

Json json_of(const ClonedName& name) {
  Json json{{"verb", name.verb}};
  put_bytes(json, "path", name.path);
  if (!name.note.empty()) json["note"] = name.note;
  return json;
}

}  // namespace

std::string clone_text(const CloneReport& report) {
  const auto& cloned = report.cloned;
  std::string text;
  for (const auto& name : cloned.told) text += line_of(name);
  return text + fmt::format("{} {} as {}: {} files linked ({}), {} copied ({})\n",
                            report.dry_run ? "would clone" : "cloned", printable(report.guest), printable(report.fresh),
                            format_count(cloned.linked_files), format_bytes(cloned.linked_bytes),
                            format_count(cloned.copied_files), format_bytes(cloned.copied_bytes));
}

std::string clone_json(const CloneReport& report) {
  const auto& cloned = report.cloned;
  Json json{{"dry_run", report.dry_run},
            {"linked_files", cloned.linked_files},
            {"linked_bytes", cloned.linked_bytes},
            {"copied_files", cloned.copied_files},
            {"copied_bytes", cloned.copied_bytes}};
  put_bytes(json, "guest", report.guest);
  put_bytes(json, "new", report.fresh);
  auto names = Json::array();
  for (const auto& name : cloned.told) names.push_back(json_of(name));
  json["names"] = std::move(names);
  return json.dump() + "\n";
}

}  // namespace vunify
