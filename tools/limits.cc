// SPDX-License-Identifier: Apache-2.0
#include "tools/limits.h"

#include <fcntl.h>

#include "guest/state_dir.h"
#include "host/dlimits.h"
#include "tools/cli.h"
#include "tools/text.h"

namespace vunify {
namespace {

constexpr std::uint64_t kib = 1024;

Limit limit_from(const DiskLimit& wanted) {
  Limit limit;
  if (wanted.space_kib) limit.total.space = *wanted.space_kib * kib;
  if (wanted.inodes) limit.total.inodes = *wanted.inodes;
  limit.reserved = static_cast<std::uint8_t>(wanted.reserved);
  return limit;
}

}  // namespace

LimitKey limit_key(const std::string& directory, std::uint32_t xid) {
  auto fs = fs_id(open_host(directory, O_RDONLY | O_DIRECTORY).get());
  fs.subvolume = 0;
  return {fs, xid};
}

WantedLimits limits_of(const HostGuest& guest) {
  WantedLimits limits;
  if (!guest.xid) return limits;
  for (const auto& wanted : read_dlimits(guest.config))
    limits.emplace_back(limit_key(wanted.directory, *guest.xid), limit_from(wanted));
  return limits;
}

bool set_limits(const Ledger& ledger, const WantedLimits& limits) {
  if (limits.empty()) return false;
  auto change = ledger.change();
  bool is_changed = false;
  for (auto [key, limit] : limits) {
    const auto is = change.limit(key);
    if (is) limit.count = is->count, limit.counts_asked = is->counts_asked;
    if (is == limit) continue;
    change.put(key, limit);
    is_changed = true;
  }
  if (is_changed) change.commit();
  return is_changed;
}

Ledger open_ledger(const std::string& state_dir) {
  try {
    const StateDir state(state_dir);
    return {state.path(), lmdb::Access::write};
  } catch (const Damaged& damaged) {
    throw Failed(Exit::fatal, printable(damaged.what()) + "; vdlimit --begin-anew sets what is configured, and counts");
  }
}

}  // namespace vunify
