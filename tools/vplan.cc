// SPDX-License-Identifier: Apache-2.0
// vplan: when it is full, who makes it so, and what would be if.
#include <tbb/global_control.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <thread>

#include "account/history.h"
#include "host/config_file.h"
#include "sys/stop.h"
#include "tools/ask_what_if.h"
#include "tools/cli.h"
#include "tools/find_neighbours.h"
#include "tools/limits.h"
#include "tools/plan.h"
#include "tools/record_usage.h"
#include "tools/replace_file.h"
#include "tools/session.h"
#include "tools/text.h"

namespace vunify {
namespace {

PlanOptions parse(int argc, char** argv) {
  PlanOptions options;
  options.jobs = std::max(1U, std::thread::hardware_concurrency());
  CommandLine line("[options] [record]",
                   "Tells from what was used day by day when a filesystem will be full, how guests grow, and how many "
                   "more fit.");
  line.option("--what-if", "WHAT", into(options.what_if),
              "answer only this: 'add N like GUEST', 'upgrade PACKAGE [SIZE]', 'deunify GUEST', 'move GUEST' or 'unify "
              "[GROUP]'");
  line.flag("--neighbours", options.neighbours,
            "tell only which guests have most in common: one walk over all of them");
  line.option("--days", "N", count_into(options.days),
              "for which guests that come are to have room to grow (default: 30)");
  line.option("--html", "FILE", path_into(options.html), "write it as one page with charts that needs no network");
  line.flag("--json", options.json, "one JSON object on standard output, in bytes");
  line.option("--config", "DIR", directory_into(options.config),
              "where guests are configured (default: /etc/vservers)");
  line.option("--state", "DIR", path_into(options.state_dir), "where the history is (default: /var/lib/vunify)");
  line.option("--jobs", "N", count_into(options.jobs), "threads that walk (default: one a processor)");
  line.operands("record", options.words, "measure what is used now, and keep it as the sample of this day");
  line.exits({Exit::done, Exit::partial, Exit::usage, Exit::refused, Exit::locked, Exit::fatal, Exit::interrupted,
              Exit::terminated});
  line.parse(argc, argv);
  if (options.words != std::vector<std::string>{"record"} && !options.words.empty())
    throw Failed(Exit::usage, printable(options.words.front()) + ": 'record' or nothing; see vplan --help");
  if (!options.words.empty() &&
      (options.json || !options.html.empty() || !options.what_if.empty() || options.neighbours))
    throw Failed(Exit::usage, "record keeps a sample, and tells nothing; see vplan --help");
  if (!options.html.empty() && (options.neighbours || !options.what_if.empty()))
    throw Failed(Exit::usage, "--html draws neither --what-if nor --neighbours; see vplan --help");
  return options;
}

using Samples = std::vector<Sample>;

// Of each filesystem.
std::vector<Samples> read_history(const PlanOptions& options) {
  const History history(options.state_dir, lmdb::Access::read);
  if (!history.note().empty()) complain(printable(options.state_dir) + "/history: " + history.note());
  std::vector<Samples> all;
  for (const auto& fs : history.filesystems())
    if (auto samples = history.all(fs); !samples.empty()) all.push_back(std::move(samples));
  std::ranges::sort(all, {}, [](const Samples& samples) { return samples.back().path; });
  return all;
}

// By filesystem.
std::map<FsId, LimitsByXid> read_limits(const PlanOptions& options) {
  std::map<FsId, LimitsByXid> limits;
  if (const auto ledger = find_ledger(options.state_dir, lmdb::Access::read))
    for (const auto& [key, limit] : ledger->read().limits()) limits[key.fs][key.xid] = limit;
  return limits;
}

std::vector<Question> read_questions(const PlanOptions& options) {
  std::vector<Question> questions;
  for (const auto& text : options.what_if) questions.push_back(read_question(text, options.config));
  return questions;
}

// What children have to read is read first: they are begun by a process of one thread.
Exit vplan(int argc, char** argv) {
  const auto options = parse(argc, argv);
  begin_as_root("read what every guest uses");
  if (!options.words.empty()) return record_usage(options);
  const Stop stop;
  PlanReport report;
  report.host = printable(read_first_line("/proc/sys/kernel/hostname").value_or(""));
  report.today = day_of(clock_now());
  report.with_filesystems = options.what_if.empty() && !options.neighbours;
  auto history = report.with_filesystems || !options.what_if.empty() ? read_history(options) : std::vector<Samples>();
  const auto questions = read_questions(options);
  auto limits = history.empty() ? std::map<FsId, LimitsByXid>() : read_limits(options);
  const tbb::global_control threads(tbb::global_control::max_allowed_parallelism, options.jobs);
  const auto found = options.neighbours ? find_neighbours(options, stop) : FoundNeighbours();
  std::vector<Plan> plans;
  for (auto& samples : history) {
    const auto fs = samples.back().fs;
    plans.push_back(plan(std::move(samples), report.today, options.days, limits[fs]));
  }
  for (const auto& question : questions) report.answers.push_back(answer_to(question, plans, stop));
  report.neighbours = found.guests;
  if (report.with_filesystems) report.filesystems = std::move(plans);
  if (stop.signal() != 0) return stop.signal() == SIGINT ? Exit::interrupted : Exit::terminated;
  if (!options.html.empty()) replace_file(options.html, plan_page(report));
  if (options.html.empty() || options.json) print(options.json ? plan_json(report) : plan_text(report));
  return found.is_whole ? Exit::done : Exit::partial;
}

}  // namespace
}  // namespace vunify

int main(int argc, char** argv) { return vunify::run_tool(argc, argv, vunify::vplan); }
