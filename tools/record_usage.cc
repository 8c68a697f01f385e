// SPDX-License-Identifier: Apache-2.0
#include "tools/record_usage.h"

#include <tbb/global_control.h>

#include <csignal>

#include "account/history.h"
#include "guest/state_dir.h"
#include "sys/process.h"
#include "sys/stop.h"
#include "tools/lock_state.h"
#include "tools/measure_usage.h"
#include "tools/session.h"
#include "tools/text.h"

namespace vunify {
namespace {

UsageOptions of_all(const PlanOptions& options) {
  UsageOptions all;
  all.all = true;
  all.config = options.config;
  all.state_dir = options.state_dir;
  all.jobs = options.jobs;
  all.by = "content";  // those that save most are kept, too
  return all;
}

StateDir lock_outside(const std::string& path, const std::vector<GuestRoot>& guests) {
  std::vector<std::string> roots;
  for (const auto& guest : guests) roots.push_back(guest.path);
  obey(expect_outside(path, roots));
  return lock_state(path);
}

// Those that have a name still.
std::vector<ContentSample> contents_of(const FilesystemUsage& filesystem) {
  std::vector<ContentSample> contents;
  for (const auto& content : filesystem.contents) {
    if (content.names.empty()) continue;
    const auto& [holder, path] = content.names.front();
    contents.push_back({filesystem.sample.holders[holder].name, path, content.bytes,
                        static_cast<std::uint32_t>(content.holders.size())});
  }
  return contents;
}

std::vector<Sample> samples_of(UsageReport report) {
  std::vector<Sample> samples;
  for (auto& filesystem : report.filesystems) {
    filesystem.sample.contents = contents_of(filesystem);
    samples.push_back(std::move(filesystem.sample));
  }
  return samples;
}

}  // namespace

Exit record_usage(const PlanOptions& options) {
  const auto all = of_all(options);
  raise_open_files_limit();
  const Stop stop;
  const auto roots = find_asked_roots(all);
  const auto state = lock_outside(options.state_dir, roots.known);
  History history(options.state_dir, lmdb::Access::write);
  if (!history.note().empty()) complain(printable(options.state_dir) + "/history: " + history.note());
  const tbb::global_control threads(tbb::global_control::max_allowed_parallelism, options.jobs);
  Counters counters;
  auto report = measure_usage(open_asked(roots, all), all, stop, counters);
  if (stop.signal() != 0) return stop.signal() == SIGINT ? Exit::interrupted : Exit::terminated;
  const bool is_whole = report.is_whole;
  for (const auto& note : history.keep(samples_of(std::move(report)))) complain(printable(note));
  return is_whole ? Exit::done : Exit::partial;
}

}  // namespace vunify
