// SPDX-License-Identifier: Apache-2.0
#include "tools/sizes.h"

#include <string>

#include "tools/text.h"

namespace vunify {
namespace {

std::string in_decimal(std::uint64_t bytes) { return format_scaled(bytes, 1000, {"kB", "MB", "GB", "TB", "PB", "EB"}); }

}  // namespace

std::string format_size(std::uint64_t bytes, const SizeUnit& unit) {
  if (unit.kind == SizeUnit::Kind::binary) return format_bytes(bytes);
  if (unit.kind == SizeUnit::Kind::decimal) return in_decimal(bytes);
  return std::to_string(bytes / unit.block + (bytes % unit.block != 0));
}

std::string format_difference(std::int64_t bytes, const SizeUnit& unit) {
  if (bytes >= 0) return format_size(static_cast<std::uint64_t>(bytes), unit);
  return "-" + format_size(-static_cast<std::uint64_t>(bytes), unit);
}

}  // namespace vunify
