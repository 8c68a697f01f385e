// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "tools/json_bytes.h"
#include "tools/json_numbers.h"
#include "tools/quota.h"

namespace vunify {
namespace {

Json json_of(const Quota& quota) {
  Json object;
  object["id"] = quota.whose.id;
  if (quota.name)
    put_bytes(object, "name", *quota.name);
  else
    object["name"] = nullptr;
  object["space_used"] = quota.used.space;
  object["space_limit"] = limit_or_null(quota.limit.space);
  object["inodes_used"] = quota.used.inodes;
  object["inodes_limit"] = limit_or_null(quota.limit.inodes);
  return object;
}

}  // namespace

std::string to_json(const Quotas& quotas, const std::vector<Whose::Kind>& kinds) {
  Json object;
  object["schema"] = "vunify.quota/1";
  put_bytes(object, "guest", quotas.guest);
  object["xid"] = quotas.xid ? Json(*quotas.xid) : Json(nullptr);
  object["source"] = quotas.is_of_ledger ? "ledger" : "walk";
  object["count"] = quotas.count == Count::exclusive ? "exclusive" : "logical";
  object["enforced_by"] = quotas.is_enforced ? "vcow" : "nobody";
  for (const auto kind : kinds) {
    auto& list = object[kind == Whose::Kind::user ? "users" : "groups"] = Json::array();
    for (const auto& quota : quotas.all)
      if (quota.whose.kind == kind) list.push_back(json_of(quota));
  }
  return object.dump() + "\n";
}

}  // namespace vunify
