// SPDX-License-Identifier: Apache-2.0
// vdu --ncdu: every name of those who are asked for, as ncdu(1) reads it (ncdu -f). Its format is JSON but for names,
// which are bytes: https://dev.yorhel.nl/ncdu/jsonfmt
#pragma once

#include <string>

#include "tools/measure_usage.h"

namespace vunify {

// A walk, and some 100 bytes of memory a name. What cannot be read is complained of, and is_whole is false then. In the
// caller's tbb::task_arena; where we are to stop it is half a file.
std::string usage_ncdu(const AskedHolders& asked, const Stop& stop, bool& is_whole);

}  // namespace vunify
