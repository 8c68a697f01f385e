// SPDX-License-Identifier: Apache-2.0
#include "tools/status.h"

#include <fcntl.h>

#include <algorithm>
#include <stdexcept>

#include "sys/fd.h"
#include "tools/text.h"
#include "unify/journal.h"

namespace vunify {
namespace {

// One thing that cannot be read leaves the others to be told.
void attempt(Status& status, const auto& look) {
  try {
    look();
  } catch (const std::exception& error) {
    status.unreadable.push_back(printable(error.what()));
  }
}

void look_at_report(Status& status) {
  const auto report = last_report(status.state_dir);
  if (!report) return;
  try {
    status.last_run = read_last_run(*report);
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(status.state_dir + "/report.json: " + error.what());
  }
}

// Why a root that was known on one of these filesystems cannot be walked now.
std::string off_reason(const std::string& root, const std::vector<std::string>& filesystems) {
  try {
    const Fd dir = open_host(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    auto fs = fs_id(dir.get());
    fs.subvolume = 0;
    return std::ranges::find(filesystems, to_string(fs)) == filesystems.end() ? "not mounted" : "";
  } catch (const std::system_error& error) {
    if (is_error(error, ENOENT)) return "missing";
    if (is_error(error, ENOTDIR) || is_error(error, ELOOP)) return "not a directory";
    return error.code().message();
  }
}

void look_at_guests(Status& status) {
  if (!status.last_run) return;
  for (const auto& root : status.last_run->roots)
    status.guests.push_back({root, status.last_run->ended, off_reason(root, status.last_run->filesystems)});
}

void index_line(Status& status, const StateView& state) {
  const auto index = state.file("index");
  if (index) status.index = IndexSize{index->stamp.size, std::nullopt};
}

// A run that begins or ends meanwhile replaces them.
std::vector<JournaledSet> journals_now(const std::string& state_dir) {
  try {
    return read_journals(state_dir);
  } catch (const std::system_error& error) {
    if (is_error(error, ENOENT)) return {};
    throw;
  }
}

// What a run that is going has in its journals is its own work: the lock is asked before they are read, and after.
void look_at_journals(Status& status, const StateView& state) {
  if (status.holder) return;
  const auto sets = journals_now(status.state_dir);
  status.holder = state.holder();
  if (status.holder) return;
  for (const auto& set : sets)
    (set.intent == Intent::keep ? status.kept_names : status.interrupted_names) += set.names.size();
}

void look_at_state(Status& status, const StateView& state) {
  attempt(status, [&] { status.holder = state.holder(); });
  attempt(status, [&] { look_at_report(status); });
  attempt(status, [&] { index_line(status, state); });
  attempt(status, [&] { look_at_journals(status, state); });
  look_at_guests(status);
}

}  // namespace

std::size_t Status::off() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(guests, [](const KnownRoot& guest) { return !guest.off.empty(); }));
}

Exit tell_status(const Options& options) {
  Status status;
  status.state_dir = options.state_dir;
  status.now = clock_now();
  if (const auto state = StateView::open(options.state_dir)) look_at_state(status, *state);
  print(options.json ? status_json(status) : status_text(status));
  for (const auto& line : status.unreadable) complain(line);
  return status.unreadable.empty() ? Exit::done : Exit::fatal;
}

}  // namespace vunify
