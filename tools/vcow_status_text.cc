// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "tools/text.h"
#include "tools/vcow_shown.h"
#include "tools/vcow_status.h"

namespace vunify {
namespace {

std::string of_limit(const char* label, std::uint64_t total, const std::string& told, const std::string& free) {
  return total == no_limit ? std::string() : fmt::format("  {}: {}, {} free\n", label, told, free);
}

std::string limit_of(const Serving& serving) {
  if (!serving.limit) return "  limit: none\n";
  const auto& [total, free, for_users] = *serving.limit;
  return of_limit("space", total.space, format_bytes(total.space), format_bytes(free.space)) +
         of_limit("inodes", total.inodes, format_count(total.inodes), format_count(free.inodes));
}

std::string row(const Heavy& one, const std::string& name) {
  return fmt::format("    {:>10}  {:>9}  {}\n", format_bytes(one.bytes), format_count(one.count), name);
}

std::string rows(const char* label, const std::vector<Heavy>& first, const Mounted& noted) {
  if (first.empty()) return {};
  auto text = fmt::format("  {}\n", label);
  for (const auto& one : first) text += row(one, printable(one.name));
  const auto others = others_of(noted, first);
  return others.count == 0 ? text : text + row(others, "(others)");
}

std::string last_of(const BreaksTold& breaks) {
  if (breaks.last_path.empty()) return {};
  return fmt::format("  last broken: {} by {}\n", printable(breaks.last_path), printable(breaks.last_program));
}

std::string serving_text(const MountStatus& one) {
  const auto& serving = *one.serving;
  return limit_of(serving) +
         fmt::format("  nodes: {}, {}\n", format_count(serving.nodes), format_bytes(serving.node_bytes)) +
         fmt::format("  files: {} open, {} that the kernel reads by itself\n", format_count(serving.open_files),
                     format_count(serving.backing_files)) +
         fmt::format("  descriptors: {} directories, {} inodes without a name\n", format_count(serving.directories),
                     format_count(serving.held_inodes)) +
         last_of(serving.breaks) + rows("by program", serving.breaks.by_program, one.noted) +
         rows("by path", serving.breaks.by_path, one.noted);
}

std::string use_text(const ProcessUse& use) {
  return fmt::format("  memory: {} ({} resident), {} threads\n", format_bytes(use.proportional),
                     format_bytes(use.resident), use.threads);
}

}  // namespace

std::string mount_status_text(const std::vector<MountStatus>& all) {
  std::string text;
  for (const auto& one : all) {
    text += shown_text(one.noted);
    if (one.use) text += use_text(*one.use);
    text += one.serving ? serving_text(one) : fmt::format("  the process {}\n", one.silent);
  }
  return text;
}

}  // namespace vunify
