// SPDX-License-Identifier: Apache-2.0
// How this host takes part in a fleet: CONFIG/.defaults/apps/vunify/fleet, where nothing is before an admin makes it.
//
//     connection   one line: libpq's connection string, without a password ("service=fleet"). Where it is not there,
//                  libpq's environment says: PGSERVICE, PGHOST
//     key          the fleet's secret, one line of 32 characters and more; root's, 0600
//     name         what this host is called in the fleet; where it is not there, its hostname
#pragma once

#include <string>

#include "fleet/database.h"
#include "fleet/fleet_key.h"
#include "tools/run_tool.h"

namespace vunify {

// Throws Failed{usage, "what: reason"}. what: a file, or a word of the command line.
[[noreturn]] void reject(const std::string& what, const std::string& reason);

// All throw Failed{usage}, naming the file.
Database open_fleet(const std::string& config);
FleetKey read_fleet_key(const std::string& config);
std::string read_fleet_name(const std::string& config);

// Of this machine, from /etc/machine-id.
std::string read_identity();

// What the server said, as how a tool ends.
Failed failure_of(const SqlError& error);

}  // namespace vunify
