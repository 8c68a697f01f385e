// SPDX-License-Identifier: Apache-2.0
// vfleet report: what the fleet's tables say. Whoever may read them may ask; it need not be root, nor one of the hosts.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "sys/inode.h"
#include "tools/fleet_config.h"
#include "tools/fleet_names.h"
#include "tools/text.h"
#include "tools/vfleet.h"

namespace vunify {
namespace {

struct ReportOptions {
  std::string host, fit, move, to;
  std::vector<std::string> words;
  bool hidden_names = false, json = false;
  std::string config = "/etc/vservers";
};

ReportOptions parse_report(int argc, char** argv) {
  ReportOptions options;
  CommandLine line(
      "report [options] [--fit GUEST | --move GUEST HOST]",
      "Tells what the hosts of a fleet use and when they are full, or where a guest would find its files.");
  line.option("--host", "HOST", into(options.host), "only of this host, with its guests");
  line.option("--fit", "GUEST", into(options.fit), "tell which hosts have most of its files: 'GUEST' or 'HOST:GUEST'");
  line.option("--move", "GUEST", into(options.move), "tell what it would save to move it to the host given as operand");
  line.operands("HOST", options.words, "where --move leads");
  line.flag("--anonymous", options.hidden_names,
            "guests' names are hidden: in their place is what only the fleet's key makes of them");
  line.flag("--json", options.json, "one JSON object on standard output, in bytes");
  line.option("--config", "DIR", path_into(options.config),
              "where guests and the fleet are configured (default: /etc/vservers)");
  line.exits({Exit::done, Exit::usage, Exit::fatal});
  line.parse(argc, argv);
  if (options.words.size() != (options.move.empty() ? 0 : 1))
    throw Failed(Exit::usage, "--move GUEST HOST: one host, and only there; see vfleet report --help");
  if (!options.fit.empty() + !options.move.empty() + !options.host.empty() > 1)
    throw Failed(Exit::usage, "one of --host, --fit and --move; see vfleet report --help");
  return options;
}

std::string hosts_of(const std::vector<FleetGuest>& guests) {
  constexpr std::size_t most_told = 5;
  std::vector<std::string> hosts;
  for (std::size_t i = 0; i < std::min(guests.size(), most_told); ++i) hosts.push_back(guests[i].host);
  if (guests.size() > most_told) hosts.push_back(fmt::format("and {} more", guests.size() - most_told));
  return fmt::format("{}; see HOST:GUEST", fmt::join(hosts, ", "));
}

// A guest's name may have a colon: all of the word is looked for first.
FleetGuest find_guest(Database& database, const std::string& word, const FleetNames& names) {
  const auto found = find_guests(database, names.of(word));
  if (found.size() == 1) return found[0];
  if (found.size() > 1) reject(word, fmt::format("is on {} hosts: {}", found.size(), hosts_of(found)));
  const auto colon = word.find(':');
  if (colon == word.npos) reject(word, "no host has pushed a sketch of such a guest");
  return {word.substr(0, colon), names.of(word.substr(colon + 1))};
}

// What it has alone where it is.
std::uint64_t exclusive_of(Database& database, const FleetGuest& guest, const std::string& word) {
  std::uint64_t bytes = 0;
  bool is_there = false;
  for (const auto& each : read_guests(database, guest.host)) {
    if (each.guest != guest.guest) continue;
    is_there = true;
    bytes += each.usage.exclusive;
  }
  if (!is_there) reject(word, "its host has pushed no usage of it; see vplan record");
  return bytes;
}

void ask_for_guest(Database& database, const ReportOptions& options, FleetReport& report) {
  const auto& word = options.fit.empty() ? options.move : options.fit;
  const FleetNames names(options.hidden_names ? std::optional(read_fleet_key(options.config)) : std::nullopt);
  report.guest = find_guest(database, word, names);
  try {
    report.fits =
        find_fits(database, *report.guest, options.words.empty() ? std::nullopt : std::optional(options.words[0]));
  } catch (const std::invalid_argument& wrong) {
    reject(word, one_line(wrong.what()));
  }
  if (!options.move.empty()) report.freed = exclusive_of(database, *report.guest, word);
}

void ask_for_hosts(Database& database, const ReportOptions& options, FleetReport& report) {
  const auto host = options.host.empty() ? std::nullopt : std::optional(options.host);
  report.filesystems = read_filesystems(database, report.today, host);
  if (host && report.filesystems.empty()) reject(*host, "has pushed nothing");
  if (host) report.guests = read_guests(database, *host);
}

}  // namespace

Exit vfleet_report(int argc, char** argv) {
  const auto options = parse_report(argc, argv);
  try {
    auto database = open_fleet(options.config);
    FleetReport report;
    report.today = day_of(clock_now());
    options.fit.empty() && options.move.empty() ? ask_for_hosts(database, options, report)
                                                : ask_for_guest(database, options, report);
    print(options.json ? fleet_json(report) : fleet_text(report));
    return Exit::done;
  } catch (const SqlError& error) {
    throw failure_of(error);
  }
}

}  // namespace vunify
