// SPDX-License-Identifier: Apache-2.0
// What vcow shows now, told by the mount table and by what each vcow has noted of itself. No vcow is asked.
#pragma once

#include <string>
#include <vector>

#include "guest/mounted.h"
#include "tools/json_bytes.h"

namespace vunify {

// A record that is nobody's, of what is not mounted any more, tells nothing. A mount without one is of a dead vcow: of
// it only the mount point is known.
std::vector<Mounted> shown_now(const std::string& run_dir);

// A paragraph for people; and an object for programs, whose keys are told in vcow(8).
std::string shown_text(const Mounted& one);
Json shown_json(const Mounted& one);

}  // namespace vunify
