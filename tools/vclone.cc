// SPDX-License-Identifier: Apache-2.0
// vclone: a new guest from one that is there, whose files it shares.
#include <tbb/global_control.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "clone/clone_guest.h"
#include "guest/staging.h"
#include "host/who_runs.h"
#include "sys/process.h"
#include "sys/stop.h"
#include "tools/clone_names.h"
#include "tools/clone_report.h"
#include "tools/lock_state.h"
#include "tools/one_guest.h"
#include "tools/options.h"
#include "tools/session.h"
#include "tools/text.h"

namespace vunify {
namespace {

struct CloneOptions {
  std::vector<std::string> names;  // GUEST and NEW
  std::string config = "/etc/vservers";
  std::string state_dir = "/var/lib/vunify";
  std::optional<Protection> protect;
  ExcludeList exclude;
  unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
  bool dry_run = false, quiet = false, json = false;
};

CloneOptions parse(int argc, char** argv) {
  CloneOptions options;
  CommandLine line(
      "[options] GUEST NEW",
      "Makes a new guest of a stopped one: shared files get one name more, the others are copied, and what "
      "makes the guest this one guest is reset. A word with a slash is a directory, else a guest's name.");
  line.flag("-n,--dry-run", options.dry_run, "print what would be done with each name, change nothing");
  line.option(
      "--protect", "HOW", protection_into(options.protect),
      "auto (default), cow, iunlink, guard, reflink, or immutable: how files of GUEST alone are shared from now on");
  line.option("--exclude", "PATTERN", pattern_into(options.exclude),
              "never share matching paths (+PATTERN: do); first match wins, before the guest's own list");
  line.option("-X,--exclude-from", "FILE", file_into(options.exclude), "the same, a pattern a line");
  line.option("--config", "DIR", directory_into(options.config),
              "where guests are configured (default: /etc/vservers)");
  line.option("--state", "DIR", path_into(options.state_dir), "where journals are (default: /var/lib/vunify)");
  line.option("--jobs", "N", count_into(options.jobs), "workers (default: one a processor)");
  line.flag("-q", options.quiet, "say nothing unless something failed");
  line.flag("--json", options.json, "one JSON object on standard output");
  line.operands("GUEST NEW", options.names, "the guest that is there, and the new one");
  line.exits({Exit::done, Exit::partial, Exit::usage, Exit::refused, Exit::locked, Exit::fatal, Exit::interrupted,
              Exit::terminated});
  line.parse(argc, argv);
  if (options.names.size() != 2) throw Failed(Exit::usage, "two guests are to be named; see vclone --help");
  return options;
}

CloneRequest request_for(const CloneOptions& options, const CloneNames& names, const Guest& guest) {
  CloneRequest request{.guest = &guest,
                       .path = names.fresh.path,
                       .inside = names.fresh.inside,
                       .exclude = options.exclude,
                       .protect = options.protect,
                       .may_link = !names.known || names.known->no_links.empty(),
                       .runs = who_runs({guest.root.host_path()}).front(),
                       .dry_run = options.dry_run,
                       .state_dir = options.state_dir};
  if (!names.known) request.exclude.add_shipped();
  if (names.known && names.known->unify.exclude) request.exclude.add(*names.known->unify.exclude);
  if (names.known && !request.protect) request.protect = names.known->unify.protect;
  if (!names.known || names.known->unify.packages) request.conffiles = read_conffiles(guest.root);
  if (!names.name.empty()) request.furnish = [&names](int dir) { furnish_new_guest(*names.known, names.name, dir); };
  return request;
}

Exit exit_of_signal(int signal) { return signal == SIGINT ? Exit::interrupted : Exit::terminated; }

// What does not suit us where the clone would be is a refusal like any other.
Cloned clone(const CloneRequest& request) {
  Cloned cloned;
  const Stop stop;
  try {
    obey(clone_guest(
        request, [&] { return stop.requested(); }, cloned));
  } catch (const StagingInUse& error) {
    throw Failed(Exit::locked, one_line(error.what()));
  } catch (const std::system_error& error) {
    if (stop.signal() != 0) throw Failed(exit_of_signal(stop.signal()), "interrupted: nothing is left of the clone");
    if (is_error(error, EPERM) || is_error(error, EXDEV)) throw Failed(Exit::refused, printable(error.what()));
    throw;
  }
  return cloned;
}

// The tree is in its place by now.
Exit configure(const CloneNames& names, Cloned& cloned) {
  if (names.name.empty()) return Exit::done;
  try {
    for (const auto& path : write_new_config(*names.known, names.name, names.fresh_root()))
      cloned.told.push_back({path, "reported", "not taken along: it is one guest's alone"});
    return Exit::done;
  } catch (const std::system_error& error) {
    complain(printable(error.what()) + ": " + printable(names.fresh.path) + " is there, but has no configuration");
    return Exit::partial;
  }
}

// Each holds a batch open.
std::size_t workers(unsigned jobs) {
  const auto most = raise_open_files_limit() / (NameAdder::inodes_a_batch + 64);
  return std::clamp<std::size_t>(most, 1, jobs);
}

Exit vclone(int argc, char** argv) {
  const auto options = parse(argc, argv);
  if (!is_root()) throw Failed(Exit::refused, "only root may clone a guest");
  catch_stop_signals();
  const auto names = find_clone_names(options.names[0], options.names[1], options.config);
  obey(expect_outside(options.state_dir, {names.root}));
  obey(expect_outside(names.fresh.path, guest_roots_of(options.config)));
  std::optional<StateDir> state;
  if (!options.dry_run) state.emplace(lock_quiet_state(options.state_dir));
  const tbb::global_control threads(tbb::global_control::max_allowed_parallelism, workers(options.jobs));
  const auto guest = open_guest(names.root);
  auto cloned = clone(request_for(options, names, guest));
  const auto exit = options.dry_run ? Exit::done : configure(names, cloned);
  const CloneReport report{guest.path(), names.fresh.path, options.dry_run, cloned};
  if (!options.quiet) print(options.json ? clone_json(report) : clone_text(report));
  return exit;
}

}  // namespace
}  // namespace vunify

int main(int argc, char** argv) { return vunify::run_tool(argc, argv, vunify::vclone); }
