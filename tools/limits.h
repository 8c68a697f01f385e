// SPDX-License-Identifier: Apache-2.0
// The limits that the host's configuration wants, as the ledger takes them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "account/ledger.h"
#include "host/host_guest.h"
#include "tools/run_tool.h"

namespace vunify {

// Of which filesystem; of btrfs all subvolumes are one. Throws std::system_error, and Failed{usage} for one that has no
// size, as /proc.
LimitKey limit_key(const std::string& directory, std::uint32_t xid);

// Of what a vcow is mounted over, which tells no filesystem: what the ledger has of the xid does, or what lies above
// it.
LimitKey key_of_covered(const std::string& path, std::uint32_t xid, const Ledger& ledger);

// Where to ask for the limits of a guest.
struct LimitPlace {
  LimitKey key;
  std::string directory;  // on the filesystem that its tree lies on
  std::string tree{};     // its root, as it can be seen
};
// Of what a vcow is mounted over, for which what lies above it stands. Throws std::system_error.
LimitPlace place_of(const std::string& root, std::uint32_t xid);

using WantedLimits = std::vector<std::pair<LimitPlace, Limit>>;

// dlimits/ of a guest that has an xid. Throws Misconfigured, and std::system_error for a directory that is not there.
WantedLimits limits_of(const HostGuest& guest);

// All in one transaction; a limit keeps how it is counted, and is counted anew where that is another. Returns whether
// anything was changed.
bool set_limits(const Ledger& ledger, const WantedLimits& limits);

// Nothing where there is none, or it cannot be read, which is complained of. Before any thread is started.
std::optional<Ledger> find_ledger(const std::string& state_dir, lmdb::Access access);
// Puts a ledger aside that is damaged, if only the record of one limit is. Throws Failed{refused} where it is good.
void put_damaged_aside(const std::string& state_dir);
// The ledger to be written to. Throws Failed{fatal} for one that is damaged, saying what to do.
Ledger open_ledger(const std::string& state_dir);
// To be looked at, which changes nothing: the state may be read-only. Nothing where there is none; throws likewise.
std::unique_ptr<const Ledger> open_to_read(const std::string& state_dir);

// Runs what reads the configuration and the ledger. Throws Failed{usage} where the configuration is wrong, or what was
// named is not there.
Exit with_limits(const std::function<Exit()>& command);

}  // namespace vunify
