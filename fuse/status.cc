// SPDX-License-Identifier: Apache-2.0
#include "fuse/status.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "fuse/served.h"

namespace vunify {
namespace {

using Json = nlohmann::ordered_json;

// UTF-8 of U+0000 to U+00FF.
std::string characters_of(const std::string& bytes) {
  std::string text;
  for (const char letter : bytes) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte >= 0x80) text += static_cast<char>(0xC0 | byte >> 6);
    text += static_cast<char>(byte < 0x80 ? byte : 0x80 | (byte & 0x3F));
  }
  return text;
}

std::string bytes_of(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool is_first = byte >= 0xC0 && i + 1 < text.size();
    bytes += is_first ? static_cast<char>(byte << 6 | (static_cast<unsigned char>(text[++i]) & 0x3F)) : text[i];
  }
  return bytes;
}

Json json_of(const std::vector<Heavy>& all) {
  Json list = Json::array();
  for (const auto& one : all) list.push_back({characters_of(one.name), one.count, one.bytes});
  return list;
}

std::vector<Heavy> heavies_from(const Json& list) {
  std::vector<Heavy> all;
  for (const auto& one : list) all.push_back({bytes_of(one.at(0).get<std::string>()), one.at(1), one.at(2)});
  return all;
}

Json json_of(const Left& left) {
  return {left.total.space, left.total.inodes, left.free.space, left.free.inodes, left.for_users};
}

Left left_from(const Json& json) { return {{json.at(0), json.at(1)}, {json.at(2), json.at(3)}, json.at(4)}; }

BreaksTold breaks_from(const Json& json) {
  return {heavies_from(json.at("by_program")), heavies_from(json.at("by_path")),
          bytes_of(json.at("last_program").get<std::string>()), bytes_of(json.at("last_path").get<std::string>())};
}

Serving from_json(const Json& json) {
  Serving serving;
  serving.nodes = json.at("nodes");
  serving.node_bytes = json.at("node_bytes");
  serving.open_files = json.value("open_files", std::uint64_t{0});
  serving.backing_files = json.value("backing_files", std::uint64_t{0});
  serving.directories = json.value("directories", std::uint64_t{0});
  serving.held_inodes = json.value("held_inodes", std::uint64_t{0});
  if (json.contains("limit")) serving.limit = left_from(json.at("limit"));
  if (json.contains("breaks")) serving.breaks = breaks_from(json.at("breaks"));
  return serving;
}

}  // namespace

std::string status_of(const Served& served, const Breaks& breaks) {
  const auto told = breaks.told();
  const auto limit = served.allowance.left();
  Json json;
  json["nodes"] = served.nodes.count();
  json["node_bytes"] = served.nodes.bytes();
  json["open_files"] = served.nodes.opens();
  json["backing_files"] = served.backing.count();
  json["directories"] = served.addresses.directories();
  json["held_inodes"] = served.addresses.held_inodes();
  if (limit) json["limit"] = json_of(*limit);
  json["breaks"]["by_program"] = json_of(told.by_program);
  json["breaks"]["by_path"] = json_of(told.by_path);
  json["breaks"]["last_program"] = characters_of(told.last_program);
  json["breaks"]["last_path"] = characters_of(told.last_path);
  return json.dump();
}

Serving serving_from(std::string_view answer) {
  try {
    return from_json(Json::parse(answer));
  } catch (const Json::exception& error) {
    throw std::invalid_argument(error.what());
  }
}

}  // namespace vunify
