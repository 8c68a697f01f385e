// SPDX-License-Identifier: Apache-2.0
#include "change/renew_mark.h"

#include <algorithm>
#include <thread>

#include "change/lifted.h"
#include "change/open_all.h"
#include "change/protect_again.h"
#include "sys/directory.h"
#include "sys/mark.h"

namespace vunify {
namespace {

constexpr std::size_t renewed_at_once = 256;

}  // namespace

bool MarkRenewal::open(OnLease on_lease) {
  reason_ = "changed";
  for (const auto& [root, path, live] : request_.names) {
    try {
      auto fd = root->open_inode(path, request_.inode.ino, on_lease);
      if (!fd) continue;
      held_.fd = std::move(*fd);
      take_lease();
      return true;
    } catch (const std::system_error& error) {
      if (on_lease == OnLease::fail && is_error(error, EWOULDBLOCK)) return false;
      fail(error);
    }
  }
  return true;
}

// Still as the walk found it: what has lost its mark or its flag meanwhile is another run's.
void MarkRenewal::take_lease() {
  const int fd = held_.fd.get();
  auto lease = Lease::take(fd);
  held_.seen = stat_fd(fd);
  held_.metadata = read_metadata(fd);
  if (!lease || !lease->pin()) {
    reason_ = "open for writing";
  } else if (protection_of(fd) != Protection::none && held_.seen.nlink > 1 &&
             mark_on(fd, request_.inode) == Mark::stale) {
    held_.lease = std::move(lease);
    reason_.clear();
  }
}

std::optional<JournaledSet> MarkRenewal::journaled(const std::string& staging, const std::string& fs) const {
  if (!is_begun()) return std::nullopt;
  return lifted_set(held_, request_.names.front(), request_.protection, staging, fs);
}

void MarkRenewal::lift() {
  if (!is_begun()) return;
  try {
    unprotect(held_.fd.get());
  } catch (const std::system_error& error) {
    fail(error);
  }
}

void MarkRenewal::renew() {
  if (!is_begun()) return;
  try {
    if (reason_.empty()) set_mark(held_.fd.get(), request_.inode);
  } catch (const std::system_error& error) {
    fail(error);
  }
  protect_shared_again(held_.fd.get(), request_.protection, held_.metadata, held_.seen.stamp.mtime);
}

// One who was about to write kept iunlink off (ETXTBSY), whether he came to the lease or went away: it is set again.
void MarkRenewal::turn_away() {
  const int fd = held_.fd.get();
  try {
    if (!held_.lease->is_unwritten() && !held_.lease->turn_away())
      reason_ = "a writer could not be turned away";
    else if (!is_protected(fd, request_.protection))
      protect_at_any_rate(fd, request_.protection);
  } catch (const std::system_error& error) {
    fail(error);
  }
}

RenewReason MarkRenewal::finish() {
  if (is_begun()) turn_away();
  held_ = {};
  return std::move(reason_);
}

void MarkRenewer::run_batch(std::span<const RenewRequest> requests, std::vector<RenewReason>& reasons) {
  std::vector<MarkRenewal> renewals(requests.begin(), requests.end());
  open_all(renewals);
  std::vector<JournaledSet> sets;
  const auto fs = to_string(fs_id(on_fs_));
  for (const auto& one : renewals)
    if (auto set = one.journaled(staging_, fs)) sets.push_back(std::move(*set));
  journal_.begin(sets);
  for (auto& one : renewals) {
    one.lift();
    one.renew();
  }
  std::this_thread::sleep_for(Lease::linger);
  for (auto& one : renewals) reasons.push_back(one.finish());
  sync_filesystem(on_fs_, staging_);  // a power cut may not leave one unprotected and no journal
  journal_.end();
}

std::vector<RenewReason> MarkRenewer::run(std::span<const RenewRequest> requests, const std::function<bool()>& stop) {
  std::vector<RenewReason> reasons;
  for (std::size_t from = 0; from < requests.size() && !stop(); from += renewed_at_once)
    run_batch(requests.subspan(from, std::min(renewed_at_once, requests.size() - from)), reasons);
  return reasons;
}

}  // namespace vunify
