// SPDX-License-Identifier: Apache-2.0
#include "tools/vcow_shown.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "guest/adopted.h"
#include "tools/text.h"

namespace vunify {
namespace {

std::string breaks_of(const Mounted& one) {
  if (one.broken_links == 0) return "none";
  return fmt::format("{}, {} copied, the last {}", format_count(one.broken_links), format_bytes(one.copied_bytes),
                     one.last_break ? format_time(*one.last_break) : "-");
}

// A path that is no UTF-8 is told with what printable() makes of it.
Json native_of(const Mounted& one) {
  Json dirs = Json::array();
  std::istringstream all(one.native);
  for (std::string dir; std::getline(all, dir, ',');) dirs.push_back(printable(dir));
  return dirs;
}

}  // namespace

std::vector<Mounted> shown_now(const std::string& run_dir) {
  auto all = list_mounted(run_dir);
  std::vector<std::string> points;
  for (const auto& mount : read_mounts())
    if (mount.type == vcow_type) points.push_back(mount.point);
  const auto is_mounted = [&](const Mounted& one) { return std::ranges::count(points, one.mount_point) > 0; };
  std::erase_if(all, [&](const Mounted& one) { return !one.is_alive && !is_mounted(one); });
  for (const auto& point : points)
    if (std::ranges::count(all, point, &Mounted::mount_point) == 0) all.push_back({.path = {}, .mount_point = point});
  return all;
}

std::string shown_text(const Mounted& one) {
  const auto state = one.is_alive ? fmt::format("process {}", one.process)
                                  : std::string("dead (vcow mount it again, or vcow umount it)");
  if (one.path.empty()) return fmt::format("{}\n  {}\n", printable(one.mount_point), state);
  const auto native = one.native.empty() ? std::string() : "  native: " + printable(one.native) + "\n";
  return fmt::format(
      "{}\n  root {}, {}, since {}\n  passthrough: {}\n{}  links broken: {}\n"
      "  version {}, workers replaced: {}\n",
      printable(one.mount_point), printable(one.path), state, format_time(one.since),
      one.no_passthrough.empty() ? "yes" : "no: " + printable(one.no_passthrough), native, breaks_of(one),
      printable(one.version), format_count(one.replaced));
}

Json shown_json(const Mounted& one) {
  const bool is_told = !one.path.empty();
  Json object;
  put_bytes(object, "root", one.path);
  put_bytes(object, "mountpoint", one.mount_point);
  object["alive"] = one.is_alive;
  object["pid"] = is_told ? Json(one.process) : Json(nullptr);
  object["since"] = is_told ? Json(format_time(one.since)) : Json(nullptr);
  object["passthrough"] = is_told && one.no_passthrough.empty();
  object["why_no_passthrough"] = one.no_passthrough;
  object["native"] = native_of(one);
  object["version"] = one.version;
  object["workers_replaced"] = one.replaced;
  object["links_broken"] = one.broken_links;
  object["bytes_copied"] = one.copied_bytes;
  object["last_break"] = one.last_break ? Json(format_time(*one.last_break)) : Json(nullptr);
  return object;
}

}  // namespace vunify
