// SPDX-License-Identifier: Apache-2.0
// The tables of the fleet, which every host's push and every report agree on. Each key begins with the host, by which
// a cluster spreads them, then has the day: no statement of ours needs two hosts' rows at once, nor a whole table.
//
//   fleet_host         one a host: who it is, and what of it is the newest
//   fleet_filesystem   one a host, day and filesystem: what df(1) says, and sums over the guests
//   fleet_usage        one a host, day, filesystem and guest, or "(host)"
//   fleet_sketch       one a guest, and one a host, whose guest is '': all that its guests hold (account/sketch.h)
//   fleet_top          which contents a host holds, of those by which hosts are told apart first
//   fleet_push         one a host and day: how far it was pushed
#pragma once

#include <string_view>

#include "fleet/table.h"

namespace vunify {

// What an admin runs once; statements that may be run again.
std::string_view fleet_ddl();

namespace fleet {

inline const Table filesystem{
    "fleet_filesystem",
    {"host", "day", "fs", "path", "total", "used", "available", "guests", "logical", "exclusive", "fair"},
    3};
inline const Table usage{
    "fleet_usage", {"host", "day", "fs", "guest", "xid", "logical", "exclusive", "fair", "inodes", "deunify_need"}, 4};
inline const Table sketch{"fleet_sketch", {"host", "guest", "day", "least", "sample"}, 2};
inline const Table top{"fleet_top", {"host", "hash", "size", "guests"}, 2};

}  // namespace fleet
}  // namespace vunify
