// SPDX-License-Identifier: Apache-2.0
#include "tools/limits.h"

#include <fcntl.h>

#include <filesystem>

#include "guest/adopted.h"
#include "guest/state_dir.h"
#include "host/config_file.h"
#include "host/dlimits.h"
#include "tools/choose.h"
#include "tools/cli.h"
#include "tools/limit_words.h"
#include "tools/text.h"

namespace vunify {
namespace {

Limit limit_from(const DiskLimit& wanted) {
  Limit limit;
  if (wanted.space_kib) limit.total.space = *wanted.space_kib * kib;
  if (wanted.inodes) limit.total.inodes = *wanted.inodes;
  limit.reserved = static_cast<std::uint8_t>(wanted.reserved);
  return limit;
}

// Of a path without symlinks; by its text, for what is mounted there may be dead.
std::string directory_above(const std::string& path) {
  const std::string parent(split_path(path).parent);
  return parent.empty() ? "/" : parent;
}

[[noreturn]] void advise(const Damaged& damaged) {
  throw Failed(Exit::fatal,
               printable(damaged.what()) + "; vdlimit --all --begin-anew sets what is configured, and counts");
}

}  // namespace

LimitKey limit_key(const std::string& directory, std::uint32_t xid) {
  const Fd fd = open_host(directory, O_RDONLY | O_DIRECTORY);
  if (space_of(fd.get()).total == 0)
    throw Failed(Exit::usage, printable(directory) + ": this filesystem has no space that could be limited");
  auto fs = fs_id(fd.get());
  fs.subvolume = 0;
  return {fs, xid};
}

LimitKey key_of_covered(const std::string& path, std::uint32_t xid, const Ledger& ledger) {
  for (const auto& [key, limit] : ledger.read().limits())
    if (key.xid == xid) return key;
  return limit_key(directory_above(path), xid);
}

LimitPlace place_of(const std::string& root, std::uint32_t xid) {
  const auto place = find_guest(root, read_mounts());
  const bool is_covered = place.is_mounted && !place.is_adopted();
  const auto directory = is_covered ? directory_above(place.path) : place.root;
  return {limit_key(directory, xid), directory, place.root};
}

WantedLimits limits_of(const HostGuest& guest) {
  WantedLimits limits;
  if (!guest.xid) return limits;
  for (const auto& wanted : read_dlimits(guest.config))
    limits.emplace_back(LimitPlace{limit_key(wanted.directory, *guest.xid), wanted.directory}, limit_from(wanted));
  return limits;
}

bool set_limits(const Ledger& ledger, const WantedLimits& limits) {
  if (limits.empty()) return false;
  auto change = ledger.change();
  bool is_changed = false;
  for (auto [place, limit] : limits) {
    const auto& key = place.key;
    const auto is = change.limit(key);
    if (is) limit.count = is->count, limit.counts_asked = is->counts_asked, limit.recalls = is->recalls;
    if (is == limit) continue;
    change.put(key, limit);
    is_changed = true;
  }
  if (is_changed) change.commit();
  return is_changed;
}

std::optional<Ledger> find_ledger(const std::string& state_dir, lmdb::Access access) {
  try {
    if (!std::filesystem::exists(state_dir + "/ledger")) return std::nullopt;
    return std::optional<Ledger>(std::in_place, state_dir, access);
  } catch (const std::system_error& error) {
    complain(printable(error.what()));
  } catch (const Damaged& damaged) {
    complain(printable(damaged.what()));
  }
  return std::nullopt;
}

void put_damaged_aside(const std::string& state_dir) {
  const auto path = state_dir + "/ledger";
  if (!std::filesystem::exists(path)) return;
  try {
    const Ledger ledger(state_dir, lmdb::Access::read);
    for (const auto& [key, limit] : ledger.read().limits()) ledger.read().user_limits(key);
  } catch (const Damaged&) {
    return put_ledger_aside(state_dir);
  }
  throw Failed(Exit::refused, printable(path) + ": is not damaged, and begun anew it would forget all limits");
}

Ledger open_ledger(const std::string& state_dir) {
  try {
    const StateDir state(state_dir);
    return {state.path(), lmdb::Access::write};
  } catch (const Damaged& damaged) {
    advise(damaged);
  }
}

std::unique_ptr<const Ledger> open_to_read(const std::string& state_dir) {
  try {
    if (!std::filesystem::exists(state_dir + "/ledger")) return nullptr;
    return std::make_unique<const Ledger>(state_dir, lmdb::Access::read);
  } catch (const Damaged& damaged) {
    advise(damaged);
  }
}

Exit with_limits(const std::function<Exit()>& command) {
  try {
    return command();
  } catch (const Misconfigured& wrong) {
    throw Failed(Exit::usage, printable(place_of(wrong.mistake)) + ": " + one_line(wrong.mistake.reason));
  } catch (const std::system_error& error) {
    if (!is_error(error, ENOENT) && !is_error(error, ENOTDIR)) throw;
    throw Failed(Exit::usage, printable(error.what()));
  }
}

}  // namespace vunify
