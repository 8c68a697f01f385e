// SPDX-License-Identifier: Apache-2.0
// vapt: the guests' own package managers, run by the host: for whom, how, and what came of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/host_guest.h"
#include "inside/run_inside.h"
#include "tools/cli.h"

namespace vunify {

struct VaptOptions {
  std::vector<std::string> guests;  // names, or directories
  bool all = false;
  std::vector<std::string> arguments;  // for the package manager
  std::string config = "/etc/vservers";
  std::string state_dir = "/var/lib/vunify";
  unsigned jobs = 1;
  bool unifies = true;
  bool quiet = false;
};

struct VaptGuest {
  std::string word;  // as vunify takes it
  std::string name;  // as it is told of
  InsideRequest request;
  bool is_off = false;  // no run of vunify is to change that
};

struct VaptGuests {
  std::vector<VaptGuest> guests;
  bool are_all = true;  // false: some of --all are left out, and were complained of
};

// All that were asked for, each looked at, and nothing begun. What stands against one that was named, or one of --all,
// is complained of in a line each; throws Failed where one was named. programs: the directory of ours. Of one thread.
VaptGuests find_vapt_guests(const VaptOptions& options, const std::string& programs);

struct VaptEnd {
  std::optional<int> code;  // nothing: it was not begun
  double seconds = 0;
};

// One after the other, or so many at a time; prints what they say. On SIGINT or SIGTERM no other is begun, and those
// that are at work are told, and waited for; on a second one they are killed. Of one thread.
std::vector<VaptEnd> run_in_guests(const std::vector<VaptGuest>& guests, unsigned jobs);

// What became equal becomes one, as vunify does for these guests: false where something of it failed. Where it cannot
// be done now, that is a line of its own, and the next night does it.
bool unify_after(const VaptOptions& options, const std::vector<VaptGuest>& guests);

}  // namespace vunify
