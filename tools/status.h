// SPDX-License-Identifier: Apache-2.0
// vunify --status: what the last run did and how old it is, who runs now, what waits for recovery, which guests are
// absent, and which are off. It only looks, also while a run is going: no lock is taken, nothing is made or changed.
//
//     tell_status      gathers a Status and prints it
//     status_text      for people (status_text.cc)
//     status_json      for programs (status_json.cc), whose keys are told in vunify(8)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guest/state_dir.h"
#include "sys/inode.h"
#include "tools/cli.h"
#include "tools/options.h"

namespace vunify {

// What the kept report says of its run.
struct LastRun {
  Timestamp ended;
  std::string status;  // as in the report: "done", "partial", "interrupted", "fatal"
  bool complete = true;
  bool dry_run = false;
  std::uint64_t guests = 0, files = 0, read_files = 0, linked_files = 0, freed_bytes = 0, failed = 0;
  double seconds = 0;
  std::vector<std::string> roots;
  std::vector<std::string> filesystems;  // their UUIDs
};
// Throws std::invalid_argument where text is no report.
LastRun read_last_run(std::string_view report);

// A guest of an earlier run, and why it cannot be one now; empty where nothing stands against it.
struct KnownRoot {
  std::string root;
  Timestamp last_seen;
  std::string absent;
};

struct IndexSize {
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> records{};  // where it can be read now
  std::optional<std::uint64_t> shared{};   // inodes that guests share, under a protection
  std::uint64_t unguarded = 0;             // of these, that the guard has to keep and does not; where it is not loaded,
                                           // at most, for some are gone since the last run
  std::string note{};                      // why it cannot
};

struct Status {
  std::string state_dir;
  Timestamp now;
  std::optional<LastRun> last_run;
  std::optional<LockHolder> holder;
  std::optional<IndexSize> index;
  std::uint64_t interrupted_names = 0;  // that the next run recovers
  std::uint64_t kept_names = 0;         // in staging, for the admin to look at
  std::vector<KnownRoot> guests;
  std::vector<std::string> off;         // "provider:name" of those that -R took out
  std::vector<std::string> unreadable;  // what of the state could not be read, ready for a terminal

  std::size_t absent() const;
  std::int64_t seconds_since(const Timestamp& then) const { return now.sec - then.sec; }
};

std::string status_text(const Status& status);
std::string status_json(const Status& status);  // one object on one line

Exit tell_status(const Options& options);

}  // namespace vunify
