// SPDX-License-Identifier: Apache-2.0
// vhashify: one guest is unified with all others of the host. The old program's options are taken; of its store of
// hashes nothing is left: what has which content the index knows.
#include <fmt/format.h>
#include <tbb/global_control.h>

#include <algorithm>
#include <thread>

#include "tools/choose.h"
#include "tools/cli.h"
#include "tools/hashed_paths.h"
#include "tools/learn_conffiles.h"
#include "tools/note_guests.h"
#include "tools/options.h"
#include "tools/session.h"
#include "tools/text.h"
#include "tools/unify_chosen.h"

namespace vunify {
namespace {

struct HashOptions : Options {
  HashedPath own;           // of --manually
  std::string destination;  // of old, the store; of --manually, where the state is
};

[[noreturn]] void complain_usage(const std::string& message) {
  throw Failed(Exit::usage, message + "; see vhashify --help");
}

// The tree that was given, and those of earlier calls.
void take_trees(HashOptions& options) {
  if (options.guests.size() != 2) complain_usage("--manually wants a PATH and its EXCL, '' for none");
  if (options.destination.empty()) complain_usage("--manually wants --destination");
  const auto given = std::exchange(options.guests, {});
  try {
    options.own = hashed_path(given[0], given[1]);
  } catch (const std::system_error& error) {
    throw Failed(Exit::usage, printable(error.what()));
  }
  options.state_dir = options.destination;
  std::vector<std::string> words{options.own.path, options.own.list};
  for (const auto& other : other_hashed_paths(options.state_dir, options.own.path))
    words.insert(words.end(), {other.path, other.list});
  take_pairs(options, words);
}

HashOptions parse(int argc, char** argv) {
  HashOptions options;
  options.hashify = true;
  options.jobs = std::max(1U, std::thread::hardware_concurrency());
  bool quiet = false, refresh = false, insecure = false;
  CommandLine line("[options] VSERVER | --manually --destination DIR [options] [--] PATH EXCL",
                   "Makes files of one guest one inode with equal files of all others of this host, as vunify does.");
  line.flag("-n,--dry-run", options.dry_run, "print what would be done with each file, change nothing");
  line.flag("-v,--verbose", options.verbosity, "a line a file that is left alone; given again, with the reason");
  line.flag("-q", quiet, "say nothing unless something failed");
  line.flag(
      "--manually", options.manually,
      "the tree PATH, with the exclude list EXCL ('' for none), and those of earlier calls with this --destination");
  line.option("--destination", "DIR", path_into(options.destination),
              "with --manually, the state of such calls; else no longer needed");
  line.flag("--refresh", refresh, "taken: each run looks at all that changed");
  line.flag("--ignore-mtime", options.ignore_mtime, "mtimes may differ; the oldest file's is kept");
  line.flag("--insecure", insecure, "taken: it never had an effect");
  line.flag("--sledgehammer", options.sledgehammer,
            "all guests are stopped: share an inode that one of them has, in place of a fresh copy");
  line.option("--protect", "HOW", protection_into(options.protect),
              "auto (default), cow, iunlink, guard, reflink, or immutable: before what a guest's configuration says");
  line.flag("--insist", options.insist, "immutable also for running guests that have CAP_LINUX_IMMUTABLE");
  line.option("--jobs", "N", count_into(options.jobs), "workers (default: one a processor)");
  line.option("--config", "DIR", directory_into(options.config), "the guests' configuration (default: /etc/vservers)");
  line.option("--state", "DIR", path_into(options.state_dir),
              "where journals and reports are (default: /var/lib/vunify)");
  line.flag("--json", options.json, "the report as one JSON object on standard output");
  line.operands("VSERVER", options.guests, "a guest's name, or a directory with a slash in it: ./g1");
  line.exits({Exit::done, Exit::partial, Exit::usage, Exit::refused, Exit::locked, Exit::fatal, Exit::interrupted,
              Exit::terminated});
  line.parse(argc, argv);
  set_detail(options, quiet);
  if (!options.manually && (options.guests.size() != 1 || options.guests.front().empty()))
    complain_usage("one guest is to be named");
  return options;
}

void note_destination(const HashOptions& options) {
  if (options.manually || options.destination.empty() || options.verbosity == 0 || options.json) return;
  print("--destination: there is no store any more, nothing is written to " + printable(options.destination) + "\n");
}

Exit vhashify(int argc, char** argv) {
  auto options = parse(argc, argv);
  begin_as_root();
  if (options.manually) take_trees(options);
  note_destination(options);
  auto choice = choose_guests(options);
  Session session(options, choice);
  give_numbers(options, choice, session.state(), session.outcome());
  const tbb::global_control threads(tbb::global_control::max_allowed_parallelism, session.run().jobs);
  session.open_index();
  learn_conffiles(choice.roots, session.outcome());
  session.carry_out([&] {
    unify_chosen(options, choice, session);
    if (options.manually && session.state() != nullptr) keep_hashed_path(*session.state(), options.own);
  });
  return session.tell(true);
}

}  // namespace
}  // namespace vunify

int main(int argc, char** argv) { return vunify::run_tool(argc, argv, vunify::vhashify); }
