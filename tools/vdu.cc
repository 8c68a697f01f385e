// SPDX-License-Identifier: Apache-2.0
// vdu: what each guest uses, and what of that is shared.
#include <tbb/global_control.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "sys/process.h"
#include "tools/check_tags.h"
#include "tools/cli.h"
#include "tools/measure_usage.h"
#include "tools/progress.h"
#include "tools/replace_file.h"
#include "tools/session.h"
#include "tools/text.h"
#include "tools/usage.h"
#include "tools/usage_change.h"
#include "tools/usage_history.h"
#include "tools/usage_limits.h"
#include "tools/usage_ncdu.h"
#include "tools/usage_why.h"

namespace vunify {
namespace {

Take block_into(SizeUnit& unit) {
  return [&](const std::string& word) {
    unit.kind = SizeUnit::Kind::block;
    size_into(unit.block)(word);
    if (unit.block == 0) throw std::invalid_argument("not a size");
  };
}

Take day_into(std::optional<Day>& day) {
  return [&](const std::string& word) {
    const auto time = parse_time(word + "T00:00:00Z");
    if (!time || date_of(day_of(*time)) != word) throw std::invalid_argument("not a day like 2026-02-28");
    day = day_of(*time);
  };
}

// --why GUEST PATH: the path as the guest sees it.
void take_why_path(UsageOptions& options) {
  if (options.guests.size() != 2 || options.all)
    throw Failed(Exit::usage, "--why wants a GUEST and a PATH in it; see vdu --help");
  for (const auto& step : std::filesystem::path(options.guests[1]).relative_path())
    if (step != "." && !step.empty()) options.why_path = join_path(options.why_path, step.string());
  options.guests.pop_back();
}

[[noreturn]] void refuse(const char* reason) { throw Failed(Exit::usage, std::string(reason) + "; see vdu --help"); }

// What is kept are the sums of whole guests.
bool may_be_old(const UsageOptions& options) {
  return !options.fresh && options.depth == 0 && options.by == "guest" && options.why_path.empty() &&
         !options.apparent && options.ncdu.empty();
}

bool is_for_programs(const UsageOptions& options) {
  return options.json || options.null || !options.csv.empty() || !options.prometheus.empty() || !options.ncdu.empty();
}

// The words of --why, and the old form, are what they are.
bool has_a_form(const UsageOptions& options) {
  return is_for_programs(options) || options.depth != 0 || options.by != "guest" || options.apparent ||
         options.with_need || options.as_of || options.compare;
}

void check(const UsageOptions& options) {
  const auto& old = options.tagged;
  if (!old.xid.empty() && has_a_form(options)) refuse("--xid takes --space, --inodes, --blocksize and --script alone");
  if (!options.why_path.empty() && has_a_form(options)) refuse("--why is told in words alone");
  if (old.xid.empty() && (old.space || old.inodes || old.script)) refuse("--space, --inodes and --script want --xid");
  if (!old.xid.empty() && !old.space && !old.inodes) refuse("--xid wants --space, or --inodes, or both");
  if (old.block == 0) refuse("--blocksize: not a size");
  if (!options.check_tags.empty() && (options.all || !options.guests.empty())) refuse("--check-tags takes one guest");
  if (options.all && !options.guests.empty()) refuse("--all takes no guest");
  if (!options.all && options.guests.empty() && options.check_tags.empty()) refuse("no guest given");
  if (options.json + options.null + !options.csv.empty() > 1) refuse("--json, --csv and --null exclude one another");
  if (options.as_of && !may_be_old(options)) refuse("--as-of tells what was kept, which are the sums of whole guests");
  if (options.compare && (options.null || !options.csv.empty() || options.apparent))
    refuse("--compare tells people, or --json, what was kept");
  if (options.compare && (options.depth != 0 || options.by != "guest"))
    refuse("--compare tells what was kept, which are the sums of whole guests");
  if (options.apparent && !options.prometheus.empty()) refuse("--prometheus tells what is used, not --apparent");
  if (options.depth != 0 && options.by != "guest") refuse("--depth divides guests, and so does --by");
}

UsageOptions parse(int argc, char** argv) {
  UsageOptions options;
  options.jobs = std::max(1U, std::thread::hardware_concurrency());
  bool why = false, human = false, decimal = false, bytes = false;
  CommandLine line(
      "[options] --all | GUEST...",
      "Tells what guests use of the disk: as if alone, of their own, shared, and their fair share. GUEST is "
      "a name, or with a slash a directory. All guests of the host are counted, whoever is named.");
  line.flag("--all", options.all, "every guest of this host, and the host itself");
  line.flag("--fresh", options.fresh, "walk now, also where what was measured last is known");
  line.option("--sort", "KEY",
              choice_into(options.sort, {"logical", "exclusive", "shared", "fair", "saved", "inodes", "need"}),
              "largest first by logical, exclusive, shared, fair (default), saved, inodes or need");
  line.flag("--reverse", options.reverse, "smallest first");
  line.option("--top", "N", count_into(options.top), "so many rows at most; totals are of all");
  line.option("--threshold", "SIZE", size_into(options.threshold), "leave out rows with less of what is sorted by");
  line.option("--depth", "N", count_into(options.depth), "tell of directories too, so many levels deep");
  line.option("--by", "WHAT", choice_into(options.by, {"guest", "package", "content", "user"}),
              "package: whose files these are; content: which files are shared by most, and save most; user: "
              "who owns them");
  line.flag("--why", why, "tell in words what one file costs whom: vdu --why GUEST PATH");
  line.flag("-R,--deunify", options.with_need, "a column more: what vunify -R of each guest would need");
  line.flag("-h,--human-readable", human, "in KiB, MiB, ...; it is so by default");
  line.flag("--si", decimal, "in powers of 1000");
  line.flag("-b,--bytes", bytes, "in bytes");
  line.option("-B,--block-size", "SIZE", block_into(options.unit), "in blocks of SIZE bytes (K, M, G), rounded up");
  line.flag("--apparent", options.apparent, "how long files are, not what they take on disk");
  line.option("--as-of", "DAY", day_into(options.as_of), "what was kept of this day, or the last before: 2026-02-28");
  line.option("--compare", "DAY", day_into(options.compare), "by how much each has grown since");
  line.flag("--json", options.json, "one JSON object on standard output, in bytes");
  line.flag(
      "--csv", options.csv, "plain", {"plain", "spreadsheet"},
      "a line a guest on standard output, fields with commas between, in bytes; --csv=spreadsheet: with a ' before "
      "what one would take for a formula");
  line.flag("--null", options.null, "what is sorted by, a tab and the name, and NUL behind each");
  line.option("--prometheus", "FILE", path_into(options.prometheus),
              "write it for node_exporter's textfile collector, in place of a table");
  line.option("--ncdu", "FILE", path_into(options.ncdu), "write every name for ncdu -f, in place of a table");
  line.option("--xid", "XID", into(options.tagged.xid),
              "the old form: what in the DIRs has this number, or guest's name, with --space or --inodes");
  line.flag("--space", options.tagged.space, "with --xid: blocks");
  line.flag("--inodes", options.tagged.inodes, "with --xid: inodes");
  line.option("--blocksize", "N", size_into(options.tagged.block), "with --xid: bytes of a block (default: 1024)");
  line.flag("--script", options.tagged.script, "with --xid: numbers only");
  line.option("--check-tags", "NAME", into(options.check_tags),
              "which files of a guest carry another number than they should, or none");
  line.option("--config", "DIR", directory_into(options.config),
              "where guests are configured (default: /etc/vservers)");
  line.option("--state", "DIR", path_into(options.state_dir), "where guests' numbers are (default: /var/lib/vunify)");
  line.option("--jobs", "N", count_into(options.jobs), "threads that walk (default: one a processor)");
  line.option("--progress", "WHEN", choice_into(options.progress, {"auto", "json", "none"}),
              "a bar on the terminal (auto), JSON lines on standard error, or none");
  line.operands("GUEST", options.guests, "names of guests, or directories with a slash in them: ./g1");
  line.exits({Exit::done, Exit::partial, Exit::usage, Exit::refused, Exit::fatal, Exit::interrupted, Exit::terminated});
  line.parse(argc, argv);
  if (human + decimal + bytes + (options.unit.kind == SizeUnit::Kind::block) > 1)
    refuse("-h, --si, -b and -B exclude one another");
  if (decimal) options.unit = {SizeUnit::Kind::decimal, 1};
  if (bytes) options.unit = {SizeUnit::Kind::block, 1};
  if (why) take_why_path(options);
  check(options);
  return options;
}

void tell(const UsageReport& report, const UsageOptions& options) {
  if (!options.prometheus.empty()) replace_file(options.prometheus, usage_prometheus(report), 0644);
  if (options.json) return print(usage_json(report));
  if (!options.csv.empty()) return print(usage_csv(report, options.csv == "spreadsheet"));
  if (options.null) return print(usage_null(report, options));
  if (options.compare) return print(change_text(report, options));
  if (options.prometheus.empty()) print(usage_text(report, options));
}

// Of what was measured until a signal came nothing is told.
Exit exit_of(const Stop& stop, bool is_whole) {
  if (stop.signal() != 0) return stop.signal() == SIGINT ? Exit::interrupted : Exit::terminated;
  return is_whole ? Exit::done : Exit::partial;
}

Exit explain(const AskedHolders& asked, const UsageOptions& options, const Stop& stop) {
  if (asked.filesystems.empty()) return Exit::partial;  // it was told why it cannot be opened
  Counters counters;
  const auto text = usage_why(asked, options, stop, counters);
  if (stop.signal() == 0) print(text);
  return exit_of(stop, asked.is_whole);
}

UsageReport measure_with_progress(const AskedHolders& asked, const UsageOptions& options, const Stop& stop) {
  Counters counters;
  const Progress progress(progress_mode(options.progress), counters);
  return measure_usage(asked, options, stop, counters);
}

Exit write_ncdu(const AskedHolders& asked, const UsageOptions& options, const Stop& stop) {
  auto is_whole = asked.is_whole;
  const auto text = usage_ncdu(asked, stop, is_whole);
  if (stop.signal() == 0) replace_file(options.ncdu, text);
  return exit_of(stop, is_whole);
}

// Read before any thread is started.
struct Beside {
  UsedLimits limits;
  std::map<FsId, Sample> before;
};

void put_beside(Beside beside, UsageReport& report) {
  add_limits(beside.limits, report);
  for (auto& filesystem : report.filesystems)
    if (const auto found = beside.before.find(filesystem.sample.fs); found != beside.before.end())
      filesystem.before = std::move(found->second);
}

Exit vdu(int argc, char** argv) {
  const auto options = parse(argc, argv);
  begin_as_root("read what every guest uses");
  raise_open_files_limit();
  const Stop stop;
  const tbb::global_control threads(tbb::global_control::max_allowed_parallelism, options.jobs);
  if (!options.tagged.xid.empty())
    return tell_tagged(options.tagged, options.guests, options.config, options.state_dir, stop);
  if (!options.check_tags.empty()) return check_tags(options.check_tags, options.config, options.state_dir, stop);
  const auto roots = find_asked_roots(options);
  Beside beside;
  if (!options.as_of) beside.limits = used_limits(options.state_dir);  // of which no day but this is known
  if (options.compare) beside.before = samples_as_of(*options.compare, options);
  if (may_be_old(options)) {
    if (auto report = usage_of_history(roots, options)) {
      put_beside(std::move(beside), *report);
      tell(*report, options);
      return exit_of(stop, report->is_whole);
    }
  }
  const auto asked = open_asked(roots, options);
  if (!options.why_path.empty()) return explain(asked, options, stop);
  if (!options.ncdu.empty()) return write_ncdu(asked, options, stop);
  auto report = measure_with_progress(asked, options, stop);
  put_beside(std::move(beside), report);
  if (stop.signal() == 0) tell(report, options);
  return exit_of(stop, report.is_whole);
}

}  // namespace
}  // namespace vunify

int main(int argc, char** argv) { return vunify::run_tool(argc, argv, vunify::vdu); }
