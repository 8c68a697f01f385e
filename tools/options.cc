// SPDX-License-Identifier: Apache-2.0
#include "tools/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <thread>
#include <utility>

#include "host/providers.h"
#include "tools/cli.h"
#include "tools/text.h"

namespace vunify {
namespace {

Take provider_into(std::vector<std::string>& providers) {
  return [&](const std::string& word) {
    if (std::ranges::find(provider_names, word) == provider_names.end())
      throw std::invalid_argument(fmt::format("not one of {}", fmt::join(provider_names, ", ")));
    providers.push_back(word);
  };
}

// "A,B": as util-vserver had it, "ALL" is a word of its own.
Take packages_into(std::vector<std::string>& packages) {
  return [&](const std::string& words) {
    for (std::size_t at = 0; at <= words.size();) {
      const auto end = std::min(words.find(',', at), words.size());
      if (end == at) throw std::invalid_argument("a package has no name");
      packages.push_back(words.substr(at, end - at));
      at = end + 1;
    }
  };
}

[[noreturn]] void complain_usage(const std::string& message) {
  throw Failed(Exit::usage, message + "; see vunify --help");
}

// --why DIR PATH [DIR...]: PATH as the guest sees it, or as the host does; "." and doubled slashes say nothing.
void take_why_path(Options& options) {
  auto& guests = options.guests;
  if (guests.size() < 2) complain_usage("--why wants a GUEST and a PATH in it");
  auto path = guests[1];
  guests.erase(guests.begin() + 1);
  const auto& root = guests.front();
  if (path.starts_with(root + "/")) path.erase(0, root.size());
  for (const auto& step : std::filesystem::path(path).relative_path())
    if (step != "." && !step.empty()) options.why_path += (options.why_path.empty() ? "" : "/") + step.string();
}

void take_manual(Options& options) {
  const auto words = std::exchange(options.guests, {});
  const auto least = options.verb == Verb::deunify ? 2U : 4U;
  if (words.size() % 2 != 0 || words.size() < least)
    complain_usage("--manually wants PATH EXCL pairs: one that is changed, and references");
  if (options.all || !options.packages.empty() || (options.verb != Verb::unify && options.verb != Verb::deunify))
    complain_usage("--manually is for unifying, and for -R");
  take_pairs(options, words);
  if (options.verb == Verb::deunify) options.guests.resize(1);
}

// What was given of flags that say by themselves, or together, what is asked for.
struct Given {
  bool deunify = false, delete_guest = false, recover = false, why = false, status = false, list = false;
  bool one_filesystem = false;  // it is always so
  bool quiet = false;
};

Verb verb_of(const Given& given) {
  if (given.deunify + given.delete_guest + given.recover + given.why + given.status + given.list > 1)
    complain_usage("--deunify, --delete, --recover, --why, --status and --list exclude one another");
  if (given.delete_guest) return Verb::delete_guest;
  if (given.deunify) return Verb::deunify;
  if (given.recover) return Verb::recover;
  if (given.status) return Verb::status;
  if (given.list) return Verb::list;
  return given.why ? Verb::why : Verb::unify;
}

void check_guests(const Options& options) {
  const auto count = options.guests.size();
  if (!options.packages.empty() && (options.verb != Verb::unify || options.all || count < 2))
    complain_usage("--packages is for unifying, and wants a REF and a GUEST");
  if (std::ranges::find(options.guests, "") != options.guests.end()) complain_usage("a guest has no name");
  if (options.verb == Verb::recover && count > 0) complain_usage("--recover takes no guest");
  if (options.verb == Verb::status && count > 0) complain_usage("--status takes no guest");
  if (options.verb == Verb::delete_guest && count != 1) complain_usage("--delete takes one guest");
  if (options.all && options.verb != Verb::unify && options.verb != Verb::deunify)
    complain_usage("--all is for unifying, and for -R");
  if (options.all && count > 0) complain_usage("--all takes no guest");
  if ((options.verb == Verb::unify || options.verb == Verb::deunify) && count == 0 && !options.all)
    complain_usage("no guest given");
}

void add_verbs(CommandLine& line, Options& options, Given& given) {
  line.flag("--all", options.all, "every guest of this host that is not off");
  line.flag("-n,--dry-run", options.dry_run, "print what would be done, change nothing, take no leases");
  line.flag("-R,--deunify", given.deunify, "give the guests private copies of all that they share");
  line.flag("--delete", given.delete_guest,
            "remove the guest's tree, all of it; what others share with it stays theirs");
  line.flag("--list", given.list, "the guests of this host: provider, root, xid, running or not, protection and why");
  line.flag("--why", given.why,
            "tell with whom a file is shared, or the one reason why it is not: vunify --why GUEST PATH [GUEST...]");
  line.flag("--status", given.status,
            "what the last run did, who runs now, what waits, and which guests are absent or off");
  line.flag(
      "--manually", options.manually,
      "PATH EXCL pairs in place of guests, each with its list ('' for none): the first is unified with the others");
  line.flag("-x", given.one_filesystem, "stay on the filesystem of each root; it is always so");
  line.flag("--recover", given.recover, "finish or undo what an interrupted run left; every start does so too");
}

void add_rules(CommandLine& line, Options& options) {
  line.option(
      "--protect", "HOW", protection_into(options.protect),
      "what keeps guests apart: auto (default), cow, iunlink, guard, reflink, or immutable, which auto never takes");
  line.flag("--insist", options.insist, "immutable also for running guests that have CAP_LINUX_IMMUTABLE");
  line.flag("--sledgehammer", options.sledgehammer,
            "all guests are stopped: share an inode that one of them has, in place of a fresh copy");
  line.option("--exclude", "PATTERN", pattern_into(options.exclude),
              "leave matching paths alone (+PATTERN: do not); first match wins, before the shipped list");
  line.option("--exclude-from", "FILE", file_into(options.exclude), "the same, a pattern a line");
  line.option("--min-size", "SIZE", size_into(options.min_size), "leave smaller files alone (K, M, G)");
  line.flag("--ignore-mtime", options.ignore_mtime, "mtimes may differ; the oldest file's is kept");
  line.option("--packages", "LIST", packages_into(options.packages),
              "only files of packages A,B,... or ALL that REF, the first GUEST, and another have in one version");
}

void add_ways(CommandLine& line, Options& options) {
  line.option("--jobs", "N", count_into(options.jobs), "workers (default: one a processor)");
  line.option("--max-time", "TIME", duration_into(options.max_time),
              "stop cleanly after 90m, 2h, ...; the largest savings come first, the next run goes on");
  line.option("--config", "DIR", directory_into(options.config), "the guests' configuration (default: /etc/vservers)");
  line.option("--provider", "NAME", provider_into(options.providers),
              "ask only this one for guests; may be given again");
  line.option("--state", "DIR", path_into(options.state_dir),
              "where journals and reports are (default: /var/lib/vunify)");
}

void add_report(CommandLine& line, Options& options, Given& given) {
  line.flag("-q", given.quiet, "say nothing unless something failed; nor where another run is going (exit 4)");
  line.flag("-v,--verbose", options.verbosity,
            "say why files were left alone; given again, a line a file, as util-vserver's vunify had it");
  line.flag("--json", options.json, "the report as one JSON object on standard output");
  line.option("--progress", "WHEN", choice_into(options.progress, {"auto", "json", "none"}),
              "a bar on the terminal (auto), JSON lines on standard error, or none");
}

}  // namespace

Take protection_into(std::optional<Protection>& protection) {
  return [&](const std::string& word) { protection = parse_protection(word); };
}

Take pattern_into(ExcludeList& exclude) {
  return [&](const std::string& pattern) { exclude.add(pattern, "--exclude"); };
}

Take file_into(ExcludeList& exclude) {
  return [&](const std::string& path) { exclude.add_file(path); };
}

void take_pairs(Options& options, const std::vector<std::string>& words) {
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
    const auto &path = words[i], &list = words[i + 1];
    options.guests.push_back(path.empty() || is_directory_word(path) ? path : "./" + path);
    try {
      auto& own = options.lists.emplace_back();
      if (!list.empty()) own.add_file(list);
    } catch (const std::system_error& error) {
      throw Failed(Exit::usage, printable(error.what()));
    }
  }
}

void set_detail(Options& options, bool quiet) {
  options.detail = quiet ? Detail::quiet : options.verbosity > 0 ? Detail::verbose : Detail::normal;
}

Options parse_options(int argc, char** argv) {
  Options options;
  Given given;
  options.jobs = std::max(1U, std::thread::hardware_concurrency());
  CommandLine line("[options] --all | GUEST...",
                   "Makes equal files of different guests one inode, protected so that no guest can change it for the "
                   "others. GUEST is a name that --list knows, or with a slash the directory that is its root. vunify "
                   "-R GUEST... takes it back.");
  add_verbs(line, options, given);
  add_rules(line, options);
  add_ways(line, options);
  add_report(line, options, given);
  line.operands("GUEST", options.guests, "names of guests, or directories with a slash in them: ./g1");
  line.tail("PKG", 2, options.packages, "as --packages, in the old form: REF GUEST... -- PKG... or ALL");
  line.exits({Exit::done, Exit::partial, Exit::usage, Exit::refused, Exit::locked, Exit::fatal, Exit::interrupted,
              Exit::terminated});
  line.parse(argc, argv);
  options.verb = verb_of(given);
  set_detail(options, given.quiet);
  if (options.manually) take_manual(options);
  if (options.verb == Verb::why) take_why_path(options);
  check_guests(options);
  return options;
}

}  // namespace vunify
