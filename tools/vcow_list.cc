// SPDX-License-Identifier: Apache-2.0
// vcow list: what is mounted, told by the mount table and by what each vcow has noted of itself. No vcow is asked.
#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "guest/adopted.h"
#include "guest/mounted.h"
#include "sys/process.h"
#include "tools/json_bytes.h"
#include "tools/text.h"
#include "tools/vcow.h"

namespace vunify {
namespace {

// A record that is nobody's, of what is not mounted any more, tells nothing. A mount without one is of a dead vcow.
std::vector<Mounted> look(const std::string& run_dir) {
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

std::string breaks_of(const Mounted& one) {
  if (one.broken_links == 0) return "none";
  return fmt::format("{}, {} copied, the last {}", format_count(one.broken_links), format_bytes(one.copied_bytes),
                     one.last_break ? format_time(*one.last_break) : "-");
}

std::string text_of(const Mounted& one) {
  const auto state = one.is_alive ? fmt::format("process {}", one.process)
                                  : std::string("dead (vcow mount it again, or vcow umount it)");
  if (one.path.empty()) return fmt::format("{}\n  {}\n", printable(one.mount_point), state);
  const auto native = one.native.empty() ? std::string() : "  native: " + printable(one.native) + "\n";
  return fmt::format("{}\n  root {}, {}, since {}\n  passthrough: {}\n{}  links broken: {}\n",
                     printable(one.mount_point), printable(one.path), state, format_time(one.since),
                     one.no_passthrough.empty() ? "yes" : "no: " + printable(one.no_passthrough), native,
                     breaks_of(one));
}

// A path that is no UTF-8 is told with what printable() makes of it.
Json native_of(const Mounted& one) {
  Json dirs = Json::array();
  std::istringstream all(one.native);
  for (std::string dir; std::getline(all, dir, ',');) dirs.push_back(printable(dir));
  return dirs;
}

Json json_of(const Mounted& one) {
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
  object["links_broken"] = one.broken_links;
  object["bytes_copied"] = one.copied_bytes;
  object["last_break"] = one.last_break ? Json(format_time(*one.last_break)) : Json(nullptr);
  return object;
}

std::string json_of(const std::vector<Mounted>& all) {
  Json list = Json::array();
  for (const auto& one : all) list.push_back(json_of(one));
  return list.dump() + "\n";
}

std::string text_of(const std::vector<Mounted>& all) {
  std::string text;
  for (const auto& one : all) text += text_of(one);
  return text;
}

}  // namespace

Exit vcow_list(int argc, char** argv) {
  bool json = false;
  std::string run_dir = vcow_run_dir;
  CommandLine line("list [--json]",
                   "Tells what vcow shows now: the guest's root and where it is seen, the process, "
                   "passthrough or why not, and what was broken.");
  line.flag("--json", json, "as one JSON array");
  line.option("--run", "DIR", into(run_dir), "where each vcow notes what it does (default: /run/vcow)");
  line.parse(argc, argv);
  if (!is_root()) throw Failed(Exit::refused, "only root may see what is noted");
  const auto all = look(run_dir);
  print(json ? json_of(all) : text_of(all));
  return Exit::done;
}

}  // namespace vunify
