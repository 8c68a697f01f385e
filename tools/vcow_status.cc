// SPDX-License-Identifier: Apache-2.0
#include "tools/vcow_status.h"

#include <algorithm>
#include <filesystem>

#include "guest/control.h"
#include "sys/process.h"
#include "sys/wait_together.h"
#include "tools/choose.h"
#include "tools/named_guest.h"
#include "tools/one_guest.h"
#include "tools/replace_file.h"
#include "tools/vcow.h"
#include "tools/vcow_shown.h"

namespace vunify {
namespace {

struct StatusAsked {
  std::vector<std::string> words;  // names, or directories; none: all
  std::string config = "/etc/vservers";
  std::string run_dir = vcow_run_dir;
  std::string prometheus;
  bool json = false;
};

StatusAsked parse_status(int argc, char** argv) {
  StatusAsked asked;
  CommandLine line("status [options] [GUEST|MOUNTPOINT ...]",
                   "Tells what each vcow that is asked for, or each of all, has in hand and what broke links.");
  line.flag("--json", asked.json, "as one JSON array");
  line.option("--prometheus", "FILE", path_into(asked.prometheus), "write it there, for node_exporter");
  line.option("--config", "DIR", path_into(asked.config),
              "where this host's guests are configured (default: /etc/vservers)");
  line.option("--run", "DIR", into(asked.run_dir), "where each vcow notes what it does (default: /run/vcow)");
  line.operands("GUEST|MOUNTPOINT", asked.words, "its name, or where it is seen");
  line.parse(argc, argv);
  return asked;
}

std::string silence_of(const std::system_error& error) {
  return is_error(error, EAGAIN) ? "gave no answer within a second" : "cannot be asked: " + error.code().message();
}

void ask(MountStatus& one) {
  if (!one.noted.is_alive) {
    one.silent = "is dead";
    return;
  }
  one.use = use_of_process(one.noted.worker);
  try {
    const auto answer = DaemonLine(one.noted).ask({ControlVerb::status});
    if (answer.word == ControlWord::done)
      one.serving = serving_from(answer.body);
    else
      one.silent = "is of a version that does not tell";
  } catch (const std::system_error& error) {
    one.silent = silence_of(error);
  } catch (const std::invalid_argument&) {
    one.silent = "answered what is no status";
  }
}

bool is_meant(const Mounted& one, const std::string& dir) {
  const auto path = (std::filesystem::absolute(dir) / ".").lexically_normal().parent_path().string();
  return one.mount_point == path || one.path == path;
}

// Of those that are meant; a word that none is meant by has its line.
std::vector<MountStatus> choose(const StatusAsked& asked, const HostGuests& host, bool& is_any_missing) {
  const auto shown = shown_now(asked.run_dir);
  std::vector<MountStatus> chosen;
  const auto take = [&chosen](const Mounted& one) { chosen.push_back({.noted = one}); };
  if (asked.words.empty()) std::ranges::for_each(shown, take);
  for (const auto& word : asked.words) {
    const auto dir = root_named(word, host);
    const auto before = chosen.size();
    for (const auto& one : shown)
      if (is_meant(one, dir)) take(one);
    if (chosen.size() != before) continue;
    complain(printable(word) + ": not mounted with vcow");
    is_any_missing = true;
  }
  return chosen;
}

void name(MountStatus& one, const HostGuests& host) {
  const auto found = std::ranges::find(host.guests, one.noted.path, &HostGuest::root);
  const bool is_named = found != host.guests.end() && !one.noted.path.empty();
  one.guest = is_named ? name_among(*found, host.guests) : one.noted.path;
  if (one.guest.empty()) one.guest = one.noted.mount_point;
}

void tell(const StatusAsked& asked, const std::vector<MountStatus>& all) {
  if (!asked.prometheus.empty()) replace_file(asked.prometheus, mount_status_prometheus(all), 0644);
  if (asked.json) print(mount_status_json(all));
  if (!asked.json && asked.prometheus.empty()) print(mount_status_text(all));
}

}  // namespace

Heavy others_of(const Mounted& noted, const std::vector<Heavy>& first) {
  Heavy others{"", noted.broken_links, noted.copied_bytes};
  for (const auto& one : first) {
    others.count -= std::min(one.count, others.count);
    others.bytes -= std::min(one.bytes, others.bytes);
  }
  return others;
}

Exit vcow_status(int argc, char** argv) {
  const auto asked = parse_status(argc, argv);
  if (!is_root()) throw Failed(Exit::refused, "only root may ask");
  const auto host = find_host_guests(asked.config);
  bool is_any_missing = false;
  auto all = choose(asked, host, is_any_missing);
  if (all.empty() && is_any_missing) return Exit::refused;
  wait_together(all.size(), [&all](std::size_t i) { ask(all[i]); });
  for (auto& one : all) name(one, host);
  tell(asked, all);
  is_any_missing |= std::ranges::any_of(all, [](const MountStatus& one) { return !one.silent.empty(); });
  return is_any_missing ? Exit::partial : Exit::done;
}

}  // namespace vunify
