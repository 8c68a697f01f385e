// SPDX-License-Identifier: Apache-2.0
#include "account/take_sample.h"
#include "tools/json_bytes.h"
#include "tools/usage.h"
#include "tools/usage_change.h"

namespace vunify {
namespace {

void put_usage(Json& object, const Usage& usage) {
  object["logical"] = usage.logical;
  object["exclusive"] = usage.exclusive;
  object["shared"] = usage.shared();
  object["fair"] = usage.fair;
  object["saved"] = usage.saved();
  object["inodes"] = usage.inodes;
  object["deunify_need"] = usage.deunify_need;
}

Json json_of(const FilesystemUsage& filesystem, bool is_apparent) {
  const auto& sample = filesystem.sample;
  Json object;
  object["uuid"] = to_string(sample.fs);
  put_bytes(object, "path", sample.path);
  object["as_of"] = format_time(sample.taken);
  object["total"] = sample.total;
  object["used"] = sample.used;
  object["available"] = sample.available;
  object["fair"] = sum_of(sample.holders).fair;
  if (filesystem.before) object["since"] = format_time(filesystem.before->taken);
  if (is_apparent) return object;
  object["unattributed"] = {{"bytes", unattributed(sample)}, {"deleted_open", sample.deleted_open}};
  if (filesystem.metadata) object["unattributed"]["metadata"] = *filesystem.metadata;
  return object;
}

Json json_of(const UsageRow& row) {
  Json object;
  put_bytes(object, "name", row.name);
  put_usage(object, row.usage);
  return object;
}

// By how much it uses more; null: nobody knew it then.
Json change_of(const FilesystemUsage& filesystem, const HolderSample& holder) {
  const auto* before = holder_in(*filesystem.before, holder);
  if (before == nullptr) return nullptr;
  const auto change = change_of(holder.usage, before->usage);
  return {
      {"logical", change.logical}, {"exclusive", change.exclusive}, {"fair", change.fair}, {"inodes", change.inodes}};
}

Json json_of(const FilesystemUsage& filesystem, std::size_t number) {
  const auto& holder = filesystem.sample.holders[number];
  Json object;
  put_bytes(object, "name", holder.name);
  object["xid"] = holder.xid ? Json(*holder.xid) : Json(nullptr);
  object["filesystem"] = to_string(filesystem.sample.fs);
  put_usage(object, holder.usage);
  if (const auto* limit = filesystem.limit(number)) {
    object["limit"] = limit->space;
    object["limit_used"] = limit->used;
  }
  if (filesystem.before) object["since"] = change_of(filesystem, holder);
  if (filesystem.parts.empty()) return object;
  object["parts"] = Json::array();
  for (const auto& row : filesystem.parts[number]) object["parts"].push_back(json_of(row));
  return object;
}

Json json_of(const FilesystemUsage& filesystem, const UsageContent& content) {
  Json object;
  object["filesystem"] = to_string(filesystem.sample.fs);
  object["bytes"] = content.bytes;
  object["saved"] = content.saved();
  object["guests"] = content.holders.size();
  object["names"] = Json::array();
  for (const auto& name : content.names) {
    Json one;
    put_bytes(one, "guest", filesystem.sample.holders[name.holder].name);
    put_bytes(one, "path", name.path);
    object["names"].push_back(std::move(one));
  }
  return object;
}

}  // namespace

std::string usage_json(const UsageReport& report) {
  Json object;
  object["schema"] = "vunify.usage/1";
  object["complete"] = report.is_whole;
  if (report.is_apparent) object["apparent"] = true;
  object["filesystems"] = Json::array();
  object["guests"] = Json::array();
  for (const auto& filesystem : report.filesystems) {
    object["filesystems"].push_back(json_of(filesystem, report.is_apparent));
    for (std::size_t i = 0; i < filesystem.sample.holders.size(); ++i)
      if (filesystem.is_asked[i]) object["guests"].push_back(json_of(filesystem, i));
    for (const auto& content : filesystem.contents) object["contents"].push_back(json_of(filesystem, content));
  }
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace vunify
