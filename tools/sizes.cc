// SPDX-License-Identifier: Apache-2.0
#include "tools/sizes.h"

#include <fmt/format.h>

#include <array>

#include "tools/text.h"

namespace vunify {
namespace {

std::string in_decimal(std::uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  constexpr std::array units = {"kB", "MB", "GB", "TB", "PB", "EB"};
  auto value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  // 999.95 would be written "1000.0".
  for (; value >= 999.95 && unit + 1 < units.size(); ++unit) value /= 1000;
  return fmt::format("{:.1f} {}", value, units[unit]);
}

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
