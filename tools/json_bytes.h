// SPDX-License-Identifier: Apache-2.0
// Names in JSON, which knows Unicode only: a name may be any bytes. What is no UTF-8 stands in base64 under its key
// with "_base64" added.
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "tools/text.h"

namespace vunify {

using Json = nlohmann::ordered_json;

inline void put_bytes(Json& object, const std::string& key, const std::string& bytes) {
  if (is_utf8(bytes))
    object[key] = bytes;
  else
    object[key + "_base64"] = base64(bytes);
}

// Throws Json::exception or std::invalid_argument where there is no such name.
inline std::string bytes_at(const Json& object, const std::string& key) {
  if (object.contains(key)) return object.at(key).get<std::string>();
  const auto bytes = from_base64(object.at(key + "_base64").get<std::string>());
  if (!bytes) throw std::invalid_argument("not a report: " + key + "_base64");
  return *bytes;
}

}  // namespace vunify
