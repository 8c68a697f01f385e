// SPDX-License-Identifier: Apache-2.0
#include "change/directory_time.h"

#include <fcntl.h>

#include <cstdlib>

namespace vunify {
namespace {

// One call of the kernel stamps both, from a clock that ticks every 1 to 10 ms.
constexpr std::int64_t one_tick = 10'000'000;

bool same_moment(Timestamp a, Timestamp b) {
  return std::abs(a.sec - b.sec) <= 1 &&
         std::abs((a.sec - b.sec) * 1'000'000'000 + std::int64_t{a.nsec} - std::int64_t{b.nsec}) <= one_tick;
}

Fd open_directory_of(const RootDir& root, std::string_view path) {
  return root.open(split_path(path).parent, O_PATH | O_DIRECTORY);
}

}  // namespace

Timestamp directory_time(const RootDir& root, std::string_view path) {
  try {
    return stat_fd(open_directory_of(root, path).get()).stamp.mtime;
  } catch (const std::system_error&) {
    return {};
  }
}

void restore_directory_time(const JournaledName& name, Timestamp staging_mtime, Timestamp staged_ctime) {
  if (name.directory_mtime == Timestamp{}) return;
  try {
    const Fd dir = open_directory_of(RootDir(name.root), name.path);
    const auto now = stat_fd(dir.get()).stamp;
    const bool is_ours = same_moment(now.mtime, staging_mtime) || same_moment(now.mtime, staged_ctime);
    if (is_ours && same_moment(now.ctime, now.mtime)) set_times(dir.get(), std::nullopt, name.directory_mtime);
  } catch (const std::system_error&) {
    // The guest moved the directory: it is its own change that the mtime tells of.
  }
}

}  // namespace vunify
