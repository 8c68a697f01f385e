// SPDX-License-Identifier: Apache-2.0
#include "tools/native_limit.h"

#include <fcntl.h>

#include <algorithm>

#include "guest/tag.h"
#include "sys/fd.h"
#include "sys/mount.h"
#include "tools/limit_words.h"

namespace vunify {
namespace {

Fd open_place(const LimitPlace& place) { return open_host(place.directory, O_RDONLY | O_DIRECTORY); }

std::uint64_t or_none(std::uint64_t total, std::uint64_t unit) {
  return total == no_limit ? 0 : std::max<std::uint64_t>(total / unit, 1);
}

// ext4 may count without holding anybody to a limit; XFS, too (pqnoenforce).
bool is_enforced(const Mount& mount) {
  return mount.super_options.empty() || mount.super_options.find("prjquota") != std::string::npos;
}

std::string why_no_quota(const LimitPlace& place) {
  const Fd directory = open_place(place);
  const auto mount = mount_of(directory.get());
  if (mount.type != "ext4" && mount.type != "xfs")
    return mount.type + " has no project quota; vcow holds its guests without --native";
  try {
    project_quota(directory.get(), place.key.xid);
    if (is_enforced(mount)) return {};
  } catch (const std::system_error& error) {
    if (is_error(error, ENOSYS)) return "this kernel has no quotas for " + mount.type;
    if (!is_error(error, ESRCH)) throw;
  }
  const auto feature = "tune2fs -O project,quota -Q prjquota " + mount.source + ", and ";
  return mount.point + " holds no project to a limit: unmount it, " + (mount.type == "ext4" ? feature : "") +
         "mount it with -o prjquota";
}

}  // namespace

std::optional<ProjectQuota> native_quota(const LimitPlace& place) {
  const Fd directory = open_place(place);
  try {
    const auto quota = project_quota(directory.get(), place.key.xid);
    if (is_enforced(mount_of(directory.get()))) return quota;
    return std::nullopt;
  } catch (const std::system_error& error) {
    for (const int none : {ENOSYS, ESRCH, EOPNOTSUPP, ENOTTY})
      if (is_error(error, none)) return std::nullopt;
    throw;
  }
}

bool is_held_natively(const LimitPlace& place) {
  const auto quota = native_quota(place);
  return quota && quota->limit != ProjectLimit{};
}

std::string why_not_natively(const LimitPlace& place, const std::optional<Limit>& known) {
  if (auto why = why_no_quota(place); !why.empty()) return why;
  if (known && known->count == Count::logical)
    return "its limit counts what is shared, too, and the kernel's does not: --count=exclusive";
  const auto xid = std::to_string(place.key.xid);
  const auto quota = native_quota(place);
  const auto tag = tag_of(open_host(place.tree, O_RDONLY | O_DIRECTORY).get());
  if (tag != place.key.xid && quota && quota->inodes_used != 0)
    return "project " + xid + " is in use, and not by this guest: give it another xid";
  if (tag != place.key.xid) return "its files do not carry its xid: chxid -c " + xid + " -R " + place.tree;
  if (quota && quota->limit != ProjectLimit{} && !known)
    return "project " + xid + " has a limit that vdlimit did not set: remove it (setquota -P), or give it another xid";
  return {};
}

LimitsBefore::LimitsBefore(const Ledger& ledger, const std::vector<LimitPlace>& places) : ledger_(ledger) {
  const auto now = ledger.read();
  for (const auto& place : places)
    all_.push_back({place, now.limit(place.key), now.accounts(place.key), native_quota(place)});
}

void LimitsBefore::put_back() const {
  auto change = ledger_.change();
  for (const auto& one : all_) {
    if (!one.limit) change.remove(one.place.key);
    if (one.limit) change.put(one.place.key, *one.limit);
    for (const auto& [key, account] : one.accounts) change.put(key, account);
  }
  change.commit();
  for (const auto& one : all_)
    if (one.native) set_project_limit(open_place(one.place).get(), one.place.key.xid, one.native->limit);
}

ProjectLimit to_native(const Limit& limit) { return {or_none(limit.total.space, kib), or_none(limit.total.inodes, 1)}; }

void set_natively(const LimitPlace& place, const Limit& limit) {
  set_project_limit(open_place(place).get(), place.key.xid, to_native(limit));
}

void follow_natively(const LimitPlace& place, const Limit& limit) {
  if (is_held_natively(place)) set_natively(place, limit);
}

void follow_natively(const WantedLimits& limits) {
  for (const auto& [place, limit] : limits) follow_natively(place, limit);
}

void remove_natively(const LimitPlace& place) {
  if (is_held_natively(place)) set_project_limit(open_place(place).get(), place.key.xid, {});
}

}  // namespace vunify
