// SPDX-License-Identifier: Apache-2.0
// A forecast in words.
#pragma once

#include <string>

#include "account/forecast.h"

namespace vunify {

// "12.3 MiB", be it more or less.
std::string size_about(double bytes);

// "12.3 MiB a day (8.1 MiB to 15.0 MiB)", "12.3 MiB a day" where these are one, or why there is no number.
std::string words_of(const Forecast& growth, Day today);

// "in 41 days (29 to 77)"
std::string words_of(const DaysLeft& left);

}  // namespace vunify
