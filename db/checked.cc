// SPDX-License-Identifier: Apache-2.0
#include "db/checked.h"

#include <xxhash.h>

#include "db/bytes.h"

namespace vunify {
namespace {

std::uint64_t checksum(std::string_view key, std::string_view told) {
  return XXH3_64bits_withSeed(told.data(), told.size(), XXH3_64bits(key.data(), key.size()));
}

}  // namespace

std::string check_in(std::string_view key, std::uint8_t version, std::string_view body) {
  std::string value = bytes_of(version);
  value += body;
  put(value, checksum(key, value));
  return value;
}

std::optional<Checked> check_out(std::string_view key, std::string_view value) {
  if (value.size() < sizeof(std::uint64_t) + 1) return std::nullopt;
  const auto told = value.substr(0, value.size() - sizeof(std::uint64_t));
  if (Unpack(value.substr(told.size())).take<std::uint64_t>() != checksum(key, told)) return std::nullopt;
  return Checked{static_cast<std::uint8_t>(told.front()), told.substr(1)};
}

}  // namespace vunify
