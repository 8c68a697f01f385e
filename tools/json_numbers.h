// SPDX-License-Identifier: Apache-2.0
// Numbers in JSON: what is not known, or is no limit, is null.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>

#include "account/limit.h"
#include "tools/json_bytes.h"

namespace vunify {

inline Json whole(double number) { return static_cast<std::int64_t>(std::llround(number)); }
inline Json whole(const std::optional<double>& number) { return number ? whole(*number) : Json(nullptr); }

inline Json limit_or_null(std::uint64_t limit) { return limit == no_limit ? Json(nullptr) : Json(limit); }

}  // namespace vunify
