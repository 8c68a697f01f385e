// SPDX-License-Identifier: Apache-2.0
#include "tools/status.h"

#include <fcntl.h>

#include <algorithm>
#include <stdexcept>

#include "change/journal.h"
#include "guest/adopted.h"
#include "hashindex/guard_again.h"
#include "hashindex/index.h"
#include "host/off_list.h"
#include "sys/fd.h"
#include "sys/guard.h"
#include "tools/text.h"

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

// What is known of a guest's root beside its path.
struct Expected {
  std::vector<std::string> uuids;  // it lies on one of these filesystems
  std::optional<FileId> root;
};

std::string uuid_of(FsId fs) {
  fs.subvolume = 0;
  return to_string(fs);
}

// Why a root cannot be walked now as it was; empty where nothing stands against it.
std::string absent_reason(const std::string& path, const Expected& expected) {
  try {
    const auto place = find_guest(path, read_mounts());
    const Fd dir = open_host(place.is_adopted() ? place.root : path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    const FileId root{fs_id(dir.get()), stat_fd(dir.get()).ino};
    if (std::ranges::find(expected.uuids, uuid_of(root.fs)) == expected.uuids.end()) return "not mounted";
    return expected.root && *expected.root != root ? "another directory" : "";
  } catch (const std::system_error& error) {
    if (is_error(error, ENOENT)) return "missing";
    if (is_error(error, ENOTDIR) || is_error(error, ELOOP)) return "not a directory";
    return error.code().message();
  }
}

// Of a directory that was given to several guests one after another, the last counts.
void look_at_guests(Status& status, const Store& store) {
  auto known = store.guests();
  std::ranges::sort(known, [](const KnownGuest& a, const KnownGuest& b) {
    return a.root != b.root ? a.root < b.root : a.last_seen > b.last_seen;
  });
  const auto same_root = [](const KnownGuest& a, const KnownGuest& b) { return a.root == b.root; };
  known.erase(std::unique(known.begin(), known.end(), same_root), known.end());
  for (const auto& guest : known) {
    const auto& fs = store.filesystem(guest.fs);
    const Expected expected{{uuid_of(fs)}, FileId{fs, guest.root_ino}};
    status.guests.push_back({guest.root, {guest.last_seen, 0}, absent_reason(guest.root, expected)});
  }
}

// Where the index cannot be asked, the report knows the guests of the last run, and the filesystems of them all.
void look_at_guests_of_report(Status& status) {
  if (!status.last_run) return;
  const Expected expected{status.last_run->filesystems, std::nullopt};
  for (const auto& root : status.last_run->roots)
    status.guests.push_back({root, status.last_run->ended, absent_reason(root, expected)});
}

std::uint64_t count_unguarded(const Store& store) {
  if (!is_guard_loaded()) return count_guarded(store);
  const auto found = find_unguarded(store);
  return found.bare + found.unreached;
}

void look_at_index(Status& status, const StateView& state) {
  const auto file = state.file("index");
  if (!file) return;
  status.index = IndexSize{.bytes = file->stamp.size};
  const auto opened = Index::open(status.state_dir, lmdb::Access::read);
  if (opened.refused) throw std::runtime_error(index_path(status.state_dir) + ": " + opened.note);
  if (opened.index) {
    status.index->records = opened.index->store().count(Store::inodes);
    status.index->shared = opened.index->store().count(Store::keepers);
    status.index->unguarded = count_unguarded(opened.index->store());
    look_at_guests(status, opened.index->store());
  } else if (!state.holder()) {  // else it was written to while we looked
    status.index->note = opened.note;
  }
}

// A run that begins or ends meanwhile replaces them.
std::vector<JournaledSet> journals_now(const std::string& state_dir) {
  try {
    return read_journals(state_dir).sets;
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
  attempt(status, [&] { look_at_index(status, state); });
  attempt(status, [&] { look_at_journals(status, state); });
  attempt(status, [&] { status.off = OffList(status.state_dir).names(); });
  if (status.guests.empty()) look_at_guests_of_report(status);
}

}  // namespace

std::size_t Status::absent() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(guests, [](const KnownRoot& guest) { return !guest.absent.empty(); }));
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
