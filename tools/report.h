// SPDX-License-Identifier: Apache-2.0
// What a run did, for people (report_text.cc) and for programs (report_json.cc).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/cli.h"
#include "unify/outcome.h"

namespace vunify {

// signal: the one that stopped the run, 0 for none.
Exit exit_of(const Outcome& outcome, int signal);

enum class Detail { quiet, normal, verbose };

// A table of guests, totals, what was left alone and why (explained under verbose), failures, free space before and
// after. Under quiet only failures.
std::string report_text(const Outcome& outcome, Exit exit, Detail detail);

// One JSON object on one line, with a newline. Names that are no UTF-8 stand base64 under "name_base64" and the like.
// Keys are only ever added; "schema" counts what is not just added.
std::string report_json(const Outcome& outcome, Exit exit);

// The roots of the guests of an earlier report_json(). Throws std::invalid_argument where text is none.
std::vector<std::string> guest_roots(std::string_view report);

}  // namespace vunify
