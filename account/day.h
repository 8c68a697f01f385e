// SPDX-License-Identifier: Apache-2.0
// Days as what is kept and forecast counts them: since 1970-01-01, of UTC, so that no clock change makes one longer.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "sys/inode.h"

namespace vunify {

using Day = std::int64_t;

inline Day day_of(const Timestamp& time) {
  return std::chrono::floor<std::chrono::days>(std::chrono::seconds(time.sec)).count();
}

inline std::string date_of(Day day) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  return fmt::format("{}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

}  // namespace vunify
