// SPDX-License-Identifier: Apache-2.0
#include "tools/usage_history.h"

#include <fcntl.h>

#include <algorithm>
#include <map>

#include "account/history.h"
#include "account/take_sample.h"
#include "guest/adopted.h"
#include "host/root_key.h"
#include "sys/fd.h"
#include "tools/cli.h"

namespace vunify {
namespace {

FsId filesystem_of(const std::string& path, const std::vector<Mount>& mounts) {
  auto fs = fs_id(open_host(find_guest(path, mounts).root, O_RDONLY | O_DIRECTORY).get());
  fs.subvolume = 0;
  return fs;
}

Timestamp begin_of(Day day) { return {day * 86'400, 0}; }

// False where nothing is known of him.
bool ask_for(const GuestRoot& root, const std::vector<Mount>& mounts, const History& history,
             const UsageOptions& options, std::map<FsId, FilesystemUsage>& found) {
  const auto fs = filesystem_of(root.path, mounts);
  const auto key = root_key(root.path, mounts);
  if (!found.contains(fs)) {
    auto sample = history.last(fs, options.as_of ? begin_of(*options.as_of) : clock_now());
    if (!sample) return false;
    found[fs] = {std::move(*sample), {}, {}, {}};
    found[fs].is_asked.resize(found[fs].sample.holders.size());
  }
  auto& usage = found[fs];
  const auto holder = std::ranges::find(usage.sample.holders, key.value_or(""), &HolderSample::key);
  if (!key || holder == usage.sample.holders.end()) return false;
  usage.is_asked[static_cast<std::size_t>(holder - usage.sample.holders.begin())] = true;
  return true;
}

std::optional<UsageReport> find_report(const AskedRoots& roots, const UsageOptions& options) {
  try {
    const History history(options.state_dir, lmdb::Access::read);
    const auto mounts = read_mounts();
    std::map<FsId, FilesystemUsage> found;
    for (const auto& root : roots.asked)
      if (!ask_for(root, mounts, history, options, found)) return std::nullopt;
    UsageReport report;
    report.is_whole = roots.is_whole;
    for (auto& [fs, usage] : found) {
      if (options.all) usage.is_asked.assign(usage.is_asked.size(), true);
      report.filesystems.push_back(std::move(usage));
    }
    return report;
  } catch (const std::system_error&) {
    return std::nullopt;  // whoever walks will say what is wrong
  }
}

}  // namespace

std::optional<UsageReport> usage_of_history(const AskedRoots& roots, const UsageOptions& options) {
  auto report = find_report(roots, options);
  if (!report && options.as_of)
    throw Failed(Exit::usage, "--as-of: " + date_of(*options.as_of) + ": no sample of all who are asked for");
  return report;
}

std::map<FsId, Sample> samples_as_of(Day day, const UsageOptions& options) {
  const History history(options.state_dir, lmdb::Access::read);
  std::map<FsId, Sample> samples;
  for (const auto& fs : history.filesystems())
    if (auto sample = history.last(fs, begin_of(day))) samples.emplace(fs, std::move(*sample));
  if (samples.empty()) throw Failed(Exit::usage, "--compare: " + date_of(day) + ": no sample of this day, or before");
  return samples;
}

std::uint64_t inodes_of_last(const FsId& fs, const UsageOptions& options) {
  try {
    const auto sample = History(options.state_dir, lmdb::Access::read).last(fs);
    return sample ? sum_of(sample->holders).inodes : 0;
  } catch (const std::system_error&) {
    return 0;
  }
}

}  // namespace vunify
