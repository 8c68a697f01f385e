// SPDX-License-Identifier: Apache-2.0
#include "tools/growth_words.h"

#include <fmt/format.h>

#include <cmath>

#include "tools/text.h"

namespace vunify {
namespace {

constexpr double most_days = 3650;

std::string days(const std::optional<double>& days) {
  if (!days) return "never";
  return *days > most_days ? "10 years and more" : format_count(static_cast<std::uint64_t>(std::lround(*days)));
}

// Nothing where one number says it.
std::string between(const std::string& low, const std::string& high) {
  return low == high ? "" : fmt::format(" ({} to {})", low, high);
}

std::string in_days(const std::optional<double>& left) {
  if (!left || *left > most_days) return "in " + days(left);
  return "in " + counted(static_cast<std::uint64_t>(std::lround(*left)), "day");
}

}  // namespace

std::string size_about(double bytes) { return format_bytes(static_cast<std::uint64_t>(std::llround(std::abs(bytes)))); }

std::string words_of(const Forecast& growth, Day today) {
  if (growth.is_stale(today)) return "no sample since " + date_of(growth.last->day);
  if (!growth.trend) return fmt::format("not enough samples ({} of {})", growth.samples, Forecast::least_samples);
  const auto& [slope, low, high] = *growth.trend;
  if (growth.trend->is_growing()) return size_about(slope) + " a day" + between(size_about(low), size_about(high));
  if (growth.trend->is_falling())
    return "falls by " + size_about(slope) + " a day" + between(size_about(high), size_about(low));
  return "not growing clearly";
}

std::string words_of(const DaysLeft& left) {
  if (left.late == 0) return "now";
  if (!left.late) return in_days(left.early) + " at the earliest, or never";
  return in_days(left.middle) + between(days(left.early), days(left.late));
}

}  // namespace vunify
