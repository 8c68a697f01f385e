// SPDX-License-Identifier: Apache-2.0
// vapt: runs the package manager of each guest in it, and makes one what became equal by that.
#include "tools/vapt.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>

#include "guest/state_dir.h"
#include "sys/directory.h"
#include "sys/new_process.h"
#include "sys/process.h"
#include "sys/stop.h"
#include "tools/session.h"
#include "tools/table.h"
#include "tools/text.h"

namespace vunify {
namespace {

VaptOptions parse(int argc, char** argv) {
  VaptOptions options;
  bool leaves_apart = false;
  CommandLine line("[options] GUEST...|--all -- ARGUMENT...",
                   "Runs the package manager of each guest (apt-get, dnf, apk, pacman) with these arguments, in its "
                   "container or in namespaces of its own, and unifies what became equal.");
  line.flag("--all", options.all, "all guests of this host");
  line.option("--jobs", "N", count_into(options.jobs), "so many guests at a time (default: one after another)");
  line.flag("--no-unify", leaves_apart, "leave it to the next night to unify them");
  line.flag("-q", options.quiet, "print what the package managers say, and nothing else unless something failed");
  line.option("--config", "DIR", directory_into(options.config),
              "where guests are configured (default: /etc/vservers)");
  line.option("--state", "DIR", path_into(options.state_dir), "vunify's state (default: /var/lib/vunify)");
  line.operands("GUEST", options.guests, "its name, or a directory with a slash in it: ./g1");
  line.tail("ARGUMENT", 0, options.arguments, "what follows -- is the package manager's: dist-upgrade -y");
  line.exits({Exit::done, Exit::partial, Exit::usage, Exit::refused, Exit::locked, Exit::fatal, Exit::interrupted,
              Exit::terminated});
  line.parse(argc, argv);
  options.unifies = !leaves_apart;
  if (options.all == !options.guests.empty()) throw Failed(Exit::usage, "guests are to be named, or --all");
  if (options.arguments.empty())
    throw Failed(Exit::usage, "nothing is asked of the package managers: vapt GUEST... -- ARGUMENT...");
  return options;
}

// Two of us would find each other's guests running. Given up with this process, however it ends.
Fd expect_alone(const std::string& state_dir) {
  const StateDir state(state_dir);
  Fd lock = open_host(state.path() + "/vapt.lock", O_RDWR | O_CREAT | O_NOFOLLOW);
  if (!lock_exclusively(lock.get())) throw Failed(Exit::locked, printable(state_dir) + ": another vapt is at work");
  return lock;
}

std::string table(const std::vector<VaptGuest>& guests, const std::vector<VaptEnd>& ends) {
  std::vector<std::vector<std::string>> rows = {{"guest", "exit", "seconds"}};
  for (std::size_t i = 0; i < guests.size(); ++i) {
    const auto& [code, seconds] = ends[i];
    rows.push_back({printable(guests[i].name), code ? std::to_string(*code) : "not begun",
                    code ? fmt::format("{:.1f}", seconds) : ""});
  }
  return table_of(rows);
}

bool went_well(const VaptEnd& end) { return end.code == 0; }

Exit vapt(int argc, char** argv) {
  const auto options = parse(argc, argv);
  if (!is_root()) throw Failed(Exit::refused, "only root may run programs in guests");
  const auto programs = shield_program(argv);
  catch_stop_signals();
  const auto lock = expect_alone(options.state_dir);
  const auto [guests, are_all] = find_vapt_guests(options, programs);
  for (const auto& guest : guests) obey(expect_outside(options.state_dir, {guest.request.path}));
  const auto ends = run_in_guests(guests, options.jobs);
  const bool is_well = are_all && std::ranges::all_of(ends, went_well);
  if (!options.quiet && !guests.empty()) print(table(guests, ends));
  if (const int signal = Stop().signal()) return signal == SIGINT ? Exit::interrupted : Exit::terminated;
  const bool is_unified = !options.unifies || unify_after(options, guests);
  return is_well && is_unified ? Exit::done : Exit::partial;
}

}  // namespace
}  // namespace vunify

int main(int argc, char** argv) { return vunify::run_tool(argc, argv, vunify::vapt); }
