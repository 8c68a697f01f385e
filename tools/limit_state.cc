// SPDX-License-Identifier: Apache-2.0
#include "tools/limit_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "sys/lock_file.h"
#include "sys/mount.h"
#include "tools/json_bytes.h"
#include "tools/json_numbers.h"
#include "tools/native_limit.h"
#include "tools/text.h"

namespace vunify {
namespace {

std::string bytes_or_none(std::uint64_t bytes) { return bytes == no_limit ? "-" : format_bytes(bytes); }
std::string count_or_none(std::uint64_t count) { return count == no_limit ? "-" : format_count(count); }

const char* enforced_by(const LimitState& state) {
  if (state.by_kernel) return "kernel";
  return state.by_vcow ? "vcow" : "nobody";
}

// Who lies nowhere, or elsewhere, cannot be asked about.
bool is_held_by_kernel(const LimitKey& key, const HostGuest& guest) {
  try {
    const auto place = place_of(guest.root, key.xid);
    return to_bytes(place.key) == to_bytes(key) && is_held_natively(place);
  } catch (const std::system_error&) {
    return false;
  }
}

// Only what answers from a disk is asked: a server, or a daemon, may never answer.
bool is_on_disk(const Mount& mount) { return mount.source.starts_with("/dev/") && !mount.type.starts_with("fuse"); }

std::map<std::string, Mount> topmost(const std::vector<Mount>& mounts) {
  std::map<std::string, Mount> top;
  for (const auto& mount : mounts) top[mount.point] = mount;
  return top;
}

std::optional<FsId> find_fs(const std::string& point) {
  try {
    return limit_key(point, 0).fs;
  } catch (const std::system_error&) {  // a file is mounted there, or it is hidden
    return std::nullopt;
  }
}

std::string filesystem_of(const LimitState& state) {
  return state.mount_point.empty() ? to_string(state.key.fs) : printable(state.mount_point);
}

std::string name_of(const LimitState& state) { return state.guest.empty() ? "-" : printable(state.guest); }

Json json_of(const LimitState& state) {
  Json object;
  put_bytes(object, "guest", state.guest);
  object["xid"] = state.key.xid;
  object["filesystem"] = to_string(state.key.fs);
  put_bytes(object, "mount_point", state.mount_point);
  object["space_used"] = state.used.space;
  object["space_total"] = limit_or_null(state.limit.total.space);
  object["inodes_used"] = state.used.inodes;
  object["inodes_total"] = limit_or_null(state.limit.total.inodes);
  object["reserved_percent"] = state.limit.reserved;
  object["count"] = state.limit.count == Count::exclusive ? "exclusive" : "logical";
  object["space_granted"] = state.granted.space;
  object["space_unsettled"] = state.unsettled;
  object["counted"] = state.is_counted;
  object["drift"] = state.drift;
  object["enforced_by"] = enforced_by(state);
  return object;
}

}  // namespace

void add(Amount& sum, const Amount& more) {
  sum.space += more.space;
  sum.inodes += more.inodes;
}

LimitState state_of(const Ledger& ledger, const LimitKey& key, const Limit& limit) {
  LimitState state{.key = key, .limit = limit};
  const auto accounts = ledger.read().accounts(key);
  state.is_counted = !accounts.empty();
  for (const auto& [at, account] : accounts) {
    const bool lives = LockFile::is_taken(lock_path(ledger.state_dir(), at));
    state.by_vcow |= lives;
    add(state.used, account.used);
    add(lives ? state.granted : state.used, account.granted);
    if (!lives) state.unsettled += account.granted.space + account.slack.space;
    state.is_counted &= account.counts == limit.counts_asked && (lives || account.is_settled());
    state.drift += account.drift;
  }
  return state;
}

std::vector<LimitState> all_states(const Ledger& ledger, const std::vector<HostGuest>& guests) {
  std::vector<LimitState> states;
  for (const auto& [key, limit] : ledger.read().limits()) {
    states.push_back(state_of(ledger, key, limit));
    const auto guest = std::ranges::find(guests, key.xid, &HostGuest::xid);
    if (guest == guests.end()) continue;
    states.back().guest = guest->name;
    states.back().by_kernel = is_held_by_kernel(key, *guest);
  }
  return states;
}

void put_mount_points(std::vector<LimitState>& states) {
  for (const auto& [point, mount] : topmost(read_mounts())) {
    const auto fs = is_on_disk(mount) ? find_fs(point) : std::nullopt;
    for (auto& state : states) {
      const bool is_better = state.mount_point.empty() || point.size() < state.mount_point.size();
      if (fs == state.key.fs && is_better) state.mount_point = point;
    }
  }
}

std::string to_text(const std::vector<LimitState>& states) {
  auto text = fmt::format("{:16} {:>6} {:>10} {:>10} {:>10} {:>10} {:>8}  {:11}  {}\n", "GUEST", "XID", "USED", "LIMIT",
                          "INODES", "LIMIT", "RESERVED", "ENFORCED BY", "FILESYSTEM");
  for (const auto& state : states) {
    text += fmt::format("{:16} {:>6} {:>10} {:>10} {:>10} {:>10} {:>7}%  {:11}  {}\n", name_of(state), state.key.xid,
                        format_bytes(state.used.space), bytes_or_none(state.limit.total.space),
                        format_count(state.used.inodes), count_or_none(state.limit.total.inodes), state.limit.reserved,
                        enforced_by(state), filesystem_of(state));
    if (state.unsettled != 0)
      text += fmt::format("{:16} a daemon was killed: {} of what is used are a guess; --recount makes it exact\n", "",
                          format_bytes(state.unsettled));
    else if (!state.is_counted)
      text += fmt::format("{:16} not counted yet: vcow mount or --recount does\n", "");
  }
  return text;
}

std::string to_json(const std::vector<LimitState>& states) {
  Json object;
  object["schema"] = "vunify.limits/1";
  object["limits"] = Json::array();
  for (const auto& state : states) object["limits"].push_back(json_of(state));
  return object.dump() + "\n";
}

}  // namespace vunify
