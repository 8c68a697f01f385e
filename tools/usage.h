// SPDX-License-Identifier: Apache-2.0
// vdu: what it was asked, and what it tells. Measured by
// tools/measure_usage.h, or told from tools/usage_history.h; as text for people, as
// JSON, CSV and Prometheus' text format for programs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "account/day.h"
#include "account/find_names.h"
#include "account/sample.h"
#include "tools/sizes.h"
#include "tools/tagged_usage.h"

namespace vunify {

struct UsageOptions {
  std::vector<std::string> guests;  // names, or directories
  bool all = false;
  std::string config = "/etc/vservers";
  std::string state_dir = "/var/lib/vunify";
  std::string sort = "fair";
  bool reverse = false;
  std::uint64_t threshold = 0;  // rows with less of what is sorted by are left out
  unsigned top = 0;             // 0: all rows
  unsigned depth = 0;           // of the directories that guests are divided into
  std::string by = "guest";     // "guest", "package", "content", "user"
  bool apparent = false;        // how long files are, not what they take
  std::optional<Day> as_of;     // the last sample that is of no later day, not the last of all
  std::optional<Day> compare;   // what has changed since the last sample that is of no later day
  std::string why_path;         // from the root of guests[0]
  TaggedOptions tagged;         // util-vserver's form
  std::string check_tags;       // of this guest; empty: of none
  bool with_need = false;
  SizeUnit unit{};
  bool fresh = false;
  bool json = false, null = false;
  std::string csv;               // "plain", "spreadsheet"; empty: no CSV
  std::string prometheus, ncdu;  // files; empty: none
  unsigned jobs = 1;
  std::string progress = "auto";
};

struct UsedLimit {
  std::uint64_t space = 0, used = 0;  // bytes: as the ledger counts, which may not be as we do
  double ratio() const { return space == 0 ? 1 : static_cast<double>(used) / static_cast<double>(space); }
};

// A part of a holder: a directory with all beneath it, a package, or a user.
struct UsageRow {
  std::string name;
  Usage usage;
};

// What several have in common.
struct UsageContent {
  std::uint64_t bytes = 0;             // once
  std::vector<std::uint32_t> holders;  // indices into Sample::holders
  std::vector<HeldName> names;         // empty where they are gone
  std::uint64_t saved() const { return bytes * (holders.size() - 1); }
};

struct FilesystemUsage {
  Sample sample;                                   // of all its holders, asked for or not
  std::vector<bool> is_asked;                      // as Sample::holders
  std::vector<std::vector<UsageRow>> parts;        // of each holder
  std::vector<UsageContent> contents;              // largest saving first
  std::optional<std::uint64_t> metadata{};         // of what is unattributed, where that is told now
  std::vector<std::optional<UsedLimit>> limits{};  // as Sample::holders; empty: nobody on it has one
  std::optional<Sample> before{};                  // that this one is compared with
  const UsedLimit* limit(std::size_t holder) const {
    return holder < limits.size() && limits[holder] ? &*limits[holder] : nullptr;
  }
};

struct UsageReport {
  std::vector<FilesystemUsage> filesystems;
  bool is_whole = true;      // all could be read: or else sums say "at least"
  bool is_fresh = false;     // walked now
  bool is_apparent = false;  // bytes are lengths: nothing adds up to df
};

// What rows are sorted by.
std::uint64_t key_of(const Usage& usage, const std::string& sort);
// The rows to be told, in order: indices.
std::vector<std::size_t> ordered_holders(const FilesystemUsage& filesystem, const UsageOptions& options);
std::vector<std::size_t> ordered_parts(const std::vector<UsageRow>& parts, const UsageOptions& options);

std::string usage_text(const UsageReport& report, const UsageOptions& options);
// One object on one line, with a newline. Keys are only ever added. What is no UTF-8 stands under "name_base64".
std::string usage_json(const UsageReport& report);
// RFC 4180, but for its line ends, which are those of this system. for_spreadsheet: with ' before what one would take
// for a formula.
std::string usage_csv(const UsageReport& report, bool for_spreadsheet);
// For scripts: bytes (or inodes) of what is sorted by, a tab, and the name as it is on disk, in order; of a part a tab
// and its name as well. Records end in NUL.
std::string usage_null(const UsageReport& report, const UsageOptions& options);
// For node_exporter's textfile collector. Names that are no UTF-8 have U+FFFD for what is not, and a number behind it.
std::string usage_prometheus(const UsageReport& report);

}  // namespace vunify
