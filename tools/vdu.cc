// SPDX-License-Identifier: Apache-2.0
// vdu: what each guest uses, and what of that is shared.
#include <tbb/global_control.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "sys/process.h"
#include "tools/cli.h"
#include "tools/measure_usage.h"
#include "tools/progress.h"
#include "tools/replace_file.h"
#include "tools/session.h"
#include "tools/text.h"
#include "tools/usage.h"
#include "tools/usage_history.h"
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

// --why GUEST PATH: the path as the guest sees it.
void take_why_path(UsageOptions& options) {
  if (options.guests.size() != 2 || options.all)
    throw Failed(Exit::usage, "--why wants a GUEST and a PATH in it; see vdu --help");
  for (const auto& step : std::filesystem::path(options.guests[1]).relative_path())
    if (step != "." && !step.empty()) options.why_path = join_path(options.why_path, step.string());
  options.guests.pop_back();
}

void check(const UsageOptions& options) {
  const auto refuse = [](const char* reason) { throw Failed(Exit::usage, std::string(reason) + "; see vdu --help"); };
  const auto& old = options.tagged;
  if (old.xid.empty() && (old.space || old.inodes || old.script)) refuse("--space, --inodes and --script want --xid");
  if (!old.xid.empty() && !old.space && !old.inodes) refuse("--xid wants --space, or --inodes, or both");
  if (old.block == 0) refuse("--blocksize: not a size");
  if (options.all && !options.guests.empty()) refuse("--all takes no guest");
  if (!options.all && options.guests.empty()) refuse("no guest given");
  if (options.json && options.csv) refuse("--json and --csv exclude one another");
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
  line.option("--by", "WHAT", choice_into(options.by, {"guest", "package", "content"}),
              "package: whose files these are; content: which files are shared by most, and save most");
  line.flag("--why", why, "tell in words what one file costs whom: vdu --why GUEST PATH");
  line.flag("-R,--deunify", options.with_need, "a column more: what vunify -R of each guest would need");
  line.flag("-h,--human-readable", human, "in KiB, MiB, ...; it is so by default");
  line.flag("--si", decimal, "in powers of 1000");
  line.flag("-b,--bytes", bytes, "in bytes");
  line.option("-B,--block-size", "SIZE", block_into(options.unit), "in blocks of SIZE bytes (K, M, G), rounded up");
  line.flag("--json", options.json, "one JSON object on standard output, in bytes");
  line.flag("--csv", options.csv, "a line a guest on standard output, fields with commas between, in bytes");
  line.option("--prometheus", "FILE", path_into(options.prometheus),
              "write it for node_exporter's textfile collector, in place of a table");
  line.option("--xid", "XID", into(options.tagged.xid),
              "the old form: what in the DIRs has this number, or guest's name, with --space or --inodes");
  line.flag("--space", options.tagged.space, "with --xid: blocks");
  line.flag("--inodes", options.tagged.inodes, "with --xid: inodes");
  line.option("--blocksize", "N", size_into(options.tagged.block), "with --xid: bytes of a block (default: 1024)");
  line.flag("--script", options.tagged.script, "with --xid: numbers only");
  line.option("--config", "DIR", directory_into(options.config),
              "where guests are configured (default: /etc/vservers)");
  line.option("--state", "DIR", path_into(options.state_dir), "where guests' numbers are (default: /var/lib/vunify)");
  line.option("--jobs", "N", count_into(options.jobs), "threads that walk (default: one a processor)");
  line.option("--progress", "WHEN", choice_into(options.progress, {"auto", "json", "none"}),
              "a bar on the terminal (auto), JSON lines on standard error, or none");
  line.operands("GUEST", options.guests, "names of guests, or directories with a slash in them: ./g1");
  line.exits({Exit::done, Exit::partial, Exit::usage, Exit::refused, Exit::fatal, Exit::interrupted, Exit::terminated});
  line.parse(argc, argv);
  if (decimal) options.unit = {SizeUnit::Kind::decimal, 1};
  if (bytes) options.unit = {SizeUnit::Kind::block, 1};
  if (human) options.unit = {};
  if (why) take_why_path(options);
  check(options);
  return options;
}

void tell(const UsageReport& report, const UsageOptions& options) {
  if (!options.prometheus.empty()) replace_file(options.prometheus, usage_prometheus(report), 0644);
  if (options.json) return print(usage_json(report));
  if (options.csv) return print(usage_csv(report));
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

// What is kept are the sums of whole guests.
bool may_be_old(const UsageOptions& options) {
  return !options.fresh && options.depth == 0 && options.by == "guest" && options.why_path.empty();
}

Exit vdu(int argc, char** argv) {
  const auto options = parse(argc, argv);
  begin_as_root();
  raise_open_files_limit();
  const Stop stop;
  const tbb::global_control threads(tbb::global_control::max_allowed_parallelism, options.jobs);
  if (!options.tagged.xid.empty())
    return tell_tagged(options.tagged, options.guests, options.config, options.state_dir, stop);
  const auto roots = find_asked_roots(options);
  if (may_be_old(options)) {
    if (const auto report = usage_of_history(roots, options)) {
      tell(*report, options);
      return exit_of(stop, report->is_whole);
    }
  }
  const auto asked = open_asked(roots, options);
  if (!options.why_path.empty()) return explain(asked, options, stop);
  const auto report = measure_with_progress(asked, options, stop);
  if (stop.signal() == 0) tell(report, options);
  return exit_of(stop, report.is_whole);
}

}  // namespace
}  // namespace vunify

int main(int argc, char** argv) { return vunify::run_tool(argc, argv, vunify::vdu); }
