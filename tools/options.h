// SPDX-License-Identifier: Apache-2.0
// What vunify was asked to do.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "change/protection.h"
#include "guest/exclude.h"
#include "tools/cli.h"
#include "tools/report.h"

namespace vunify {

enum class Verb { unify, deunify, delete_guest, recover, why, status, list };

inline constexpr std::string_view every_package = "ALL";  // in place of a package's name

struct Options {
  Verb verb = Verb::unify;
  std::vector<std::string> guests;  // names, or directories
  bool manually = false;           // guests are directories, each with a list of its own; all but the first: references
  bool hashify = false;            // vhashify: the first is unified with all others of the host: references
  std::vector<ExcludeList> lists;  // of each of guests, where manually
  bool all = false;                // every guest of this host that is not off
  // Only files of these, of guests[0] and of each other guest that has them in its version. Or every_package.
  std::vector<std::string> packages;
  std::string why_path;  // from the root of guests[0]
  std::string config = "/etc/vservers";
  std::vector<std::string> providers;  // to be asked for the guests of this host; empty: as config says
  ExcludeList exclude;                 // comes before a guest's own, or the shipped one
  std::optional<Protection> protect;   // nothing: auto
  bool insist = false;                 // on immutable, though a guest could take the flag off
  bool sledgehammer = false;           // no guest runs: a guest's own inode may become the one that is shared
  bool dry_run = false;
  bool ignore_mtime = false;
  std::uint64_t min_size = 1;
  unsigned jobs = 1;
  std::optional<std::chrono::seconds> max_time;
  std::string state_dir = "/var/lib/vunify";
  Detail detail = Detail::normal;
  unsigned verbosity = 0;  // times of -v
  bool json = false;
  std::string progress = "auto";

  // References are walked for what the others can have of them: what they alone have in common is left.
  bool has_references() const { return manually || hashify; }
  bool wants_others() const { return hashify && !manually; }
};

// A guest given as a directory: its word has a slash.
inline bool is_directory_word(const std::string& word) { return word.find('/') != std::string::npos; }

// Values of options that programs have in common.
Take protection_into(std::optional<Protection>& protection);
Take pattern_into(ExcludeList& exclude);
Take file_into(ExcludeList& exclude);  // of patterns, one a line

// PATH EXCL pairs of --manually, into guests and lists; EXCL '' is none. Throws Failed{usage} where a list cannot be
// read.
void take_pairs(Options& options, const std::vector<std::string>& words);

// Of "-v,--verbose" and -q.
void set_detail(Options& options, bool quiet);

// Throws Failed{usage}; answers --help and --version by itself.
Options parse_options(int argc, char** argv);

}  // namespace vunify
