// SPDX-License-Identifier: Apache-2.0
// Shared inodes that are not what was shared: their protection is off, or their size or metadata is another than the
// index recorded, and read again they hold something else. Who did it cannot be told, and what was there is gone.
#pragma once

#include <cstdint>
#include <vector>

#include "survey/survey.h"
#include "unify/run.h"

namespace vunify {

// Indices into candidates.inodes. Only what looks changed is read. What cannot be read now (somebody writes to it) is
// left to the next run, as is all of it where there is no index.
std::vector<std::uint32_t> find_changed_shared(const Survey& survey, const Run& run);

}  // namespace vunify
