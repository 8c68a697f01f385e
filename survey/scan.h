// SPDX-License-Identifier: Apache-2.0
// What the guests' trees hold now: one parallel walk, one statx a file, no file opened; in an adopted guest
// also one look at each mark. Of what lies beneath excluded
// directories only what another guest may have as well is in them (survey/excluded_names.h): it is `excluded`.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "guest/guest.h"
#include "survey/counters.h"
#include "survey/tree.h"
#include "sys/stop.h"
#include "sys/walk.h"

namespace vunify {

struct ScanFailure {
  std::size_t guest = 0;
  std::string path;
  std::string reason;
};

// trees[i] belongs to guests[i].
struct Scan {
  Trees trees;
  std::vector<ScanFailure> failed;
};

struct ScanRules {
  std::uint64_t min_size = 1;
  std::vector<bool> led_elsewhere{};  // of each guest: its names are to be led to other inodes; none: no guest's are
  std::function<bool(const FsId&, const Inode&)> known_shared{};  // spares reading the marks of those it is true of
};

// Walks every guest, by its own rules, in the caller's tbb::task_arena. A directory that cannot be read is noted, and
// what lies beneath it is not known.
Scan scan_guests(const std::vector<Guest>& guests, const ScanRules& rules, const Stop& stop, Counters& counters);

}  // namespace vunify
