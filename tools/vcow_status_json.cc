// SPDX-License-Identifier: Apache-2.0
#include "tools/json_numbers.h"
#include "tools/vcow_shown.h"
#include "tools/vcow_status.h"

namespace vunify {
namespace {

Json json_of(const Left& left) {
  Json object;
  object["space_total"] = limit_or_null(left.total.space);
  object["space_free"] = left.total.space == no_limit ? Json(nullptr) : Json(left.free.space);
  object["inodes_total"] = limit_or_null(left.total.inodes);
  object["inodes_free"] = left.total.inodes == no_limit ? Json(nullptr) : Json(left.free.inodes);
  return object;
}

Json json_of(const Heavy& one) {
  Json object;
  object["links_broken"] = one.count;
  object["bytes_copied"] = one.bytes;
  return object;
}

Json json_of(const std::vector<Heavy>& first, const std::string& key, const Mounted& noted) {
  Json list = Json::array();
  for (const auto& one : first) {
    auto object = json_of(one);
    put_bytes(object, key, one.name);
    list.push_back(object);
  }
  return {{"first", list}, {"others", json_of(others_of(noted, first))}};
}

Json json_of(const BreaksTold& breaks, const Mounted& noted) {
  Json object;
  object["by_program"] = json_of(breaks.by_program, "program", noted);
  object["by_path"] = json_of(breaks.by_path, "path", noted);
  put_bytes(object, "last_program", breaks.last_program);
  put_bytes(object, "last_path", breaks.last_path);
  return object;
}

Json json_of(const Serving& serving, const Mounted& noted) {
  Json object;
  object["nodes"] = serving.nodes;
  object["node_bytes"] = serving.node_bytes;
  object["open_files"] = serving.open_files;
  object["backing_files"] = serving.backing_files;
  object["open_directories"] = serving.directories;
  object["held_inodes"] = serving.held_inodes;
  object["limit"] = serving.limit ? json_of(*serving.limit) : Json(nullptr);
  object["breaks"] = json_of(serving.breaks, noted);
  return object;
}

Json json_of(const ProcessUse& use) {
  Json object;
  object["threads"] = use.threads;
  object["resident_bytes"] = use.resident;
  object["proportional_bytes"] = use.proportional;
  return object;
}

Json json_of(const MountStatus& one) {
  auto object = shown_json(one.noted);
  put_bytes(object, "guest", one.guest);
  object["process"] = one.use ? json_of(*one.use) : Json(nullptr);
  object["serving"] = one.serving ? json_of(*one.serving, one.noted) : Json(nullptr);
  object["why_silent"] = one.silent;
  return object;
}

}  // namespace

std::string mount_status_json(const std::vector<MountStatus>& all) {
  Json list = Json::array();
  for (const auto& one : all) list.push_back(json_of(one));
  return list.dump() + "\n";
}

}  // namespace vunify
