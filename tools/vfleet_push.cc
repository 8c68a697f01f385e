// SPDX-License-Identifier: Apache-2.0
// vfleet push: the days of the history that the fleet has not got, then sketches of what the guests hold today. The
// guests are walked once a day, whatever was broken off.
#include <fmt/format.h>
#include <tbb/global_control.h>

#include <algorithm>
#include <map>
#include <thread>

#include "account/history.h"
#include "fleet/push.h"
#include "sys/process.h"
#include "sys/stop.h"
#include "tools/fleet_config.h"
#include "tools/fleet_names.h"
#include "tools/text.h"
#include "tools/vfleet.h"
#include "tools/walk_contents.h"

namespace vunify {
namespace {

struct PushOptions {
  bool hide_names = false, by_copy = false, take_over = false;
  std::string config = "/etc/vservers", state_dir = "/var/lib/vunify";
  unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
};

PushOptions parse_push(int argc, char** argv) {
  PushOptions options;
  CommandLine line("push [options]",
                   "Tells the fleet what this host's guests use and hold, as far as it does not know.");
  line.flag("--anonymous", options.hide_names,
            "guests' names are hidden: in their place is what only the fleet's key makes of them");
  line.flag("--copy", options.by_copy, "send rows by COPY: for a first push of years");
  line.flag("--take-over", options.take_over, "this host's name is this machine's from now on, whoever had it before");
  line.option("--config", "DIR", directory_into(options.config),
              "where guests and the fleet are configured (default: /etc/vservers)");
  line.option("--state", "DIR", path_into(options.state_dir), "where the history is (default: /var/lib/vunify)");
  line.option("--jobs", "N", count_into(options.jobs), "threads that walk (default: one a processor)");
  line.exits({Exit::done, Exit::partial, Exit::usage, Exit::refused, Exit::fatal});
  line.parse(argc, argv);
  return options;
}

using Days = std::map<Day, std::vector<Sample>>;

Days read_days(const PushOptions& options, FleetNames& names) {
  const History history(options.state_dir, lmdb::Access::read);
  if (!history.note().empty()) complain(printable(options.state_dir) + "/history: " + history.note());
  Days days;
  for (const auto& fs : history.filesystems())
    for (auto& sample : history.all(fs)) {
      std::set<std::string> taken;
      for (auto& holder : sample.holders) holder.name = names.distinct(holder.name, taken);
      sample.path = printable(sample.path);
      days[day_of(sample.taken)].push_back(std::move(sample));
    }
  return days;
}

HostSketches sketch_guests(const PushOptions& options, const FleetKey& key, FleetNames& names, Day today,
                           bool& is_whole) {
  const Stop never;
  const tbb::global_control threads(tbb::global_control::max_allowed_parallelism, options.jobs);
  HostSketches sketches;
  sketches.day = today;
  std::set<std::string> taken;
  const auto take = [&](const std::string& guest, std::vector<HashedContent> contents) {
    sketches.guests.push_back({names.distinct(guest, taken), Sketch(contents)});
    const auto before = sketches.all.kept();
    contents.insert(contents.end(), before.begin(), before.end());
    sketches.all = Sketch(std::move(contents), HostSketches::all_size, sketches.all.least());
  };
  const auto number_of = [&key](std::string_view content) { return key.number_of(content); };
  is_whole = walk_contents(options.config, number_of, never, take);
  return sketches;
}

void claim(Push& push, const PushOptions& options, const std::string& name) {
  try {
    push.claim(options.take_over);
  } catch (const NameTaken& taken) {
    const auto since = taken.last_day.empty() ? "" : ", with usage until " + taken.last_day;
    throw Failed(Exit::refused, name + ": another machine has pushed by this name" + since +
                                    "; give this one another, or --take-over where it is the same host made anew");
  }
  if (push.has_another_key()) complain("the key is another than at the last push: sketches by the old one go");
}

// Killed at any time it leaves whole steps: signals need not wait.
Exit push_all(const PushOptions& options) {
  const auto key = read_fleet_key(options.config);
  const auto name = read_fleet_name(options.config);
  FleetNames names(options.hide_names ? std::optional(key) : std::nullopt);
  const auto days = read_days(options, names);
  auto database = open_fleet(options.config);
  Push push(database, {name, read_identity(), key.id(), options.hide_names ? key.id() : ""}, options.by_copy);
  claim(push, options, name);
  const auto today = day_of(clock_now());
  if (push.take_back_future(today)) complain("the clock was ahead at an earlier push: the days to come are taken back");
  for (const auto& [day, samples] : days)
    if (push.wants_usage(samples, today)) push.usage(samples);
  bool is_whole = true;
  if (push.wants_sketches(today)) push.sketches(sketch_guests(options, key, names, today, is_whole));
  for (const auto& [guest, stored] : names.escaped()) complain("a guest's name is no text: stored as " + stored);
  return is_whole ? Exit::done : Exit::partial;
}

}  // namespace

Exit vfleet_push(int argc, char** argv) {
  const auto options = parse_push(argc, argv);
  if (!is_root()) throw Failed(Exit::refused, "only root may read every guest's names");
  use_idle_io();
  raise_open_files_limit();
  try {
    return push_all(options);
  } catch (const SqlError& error) {
    throw failure_of(error);
  }
}

}  // namespace vunify
