// SPDX-License-Identifier: Apache-2.0
#include "change/remove_names.h"

#include <fcntl.h>

#include <algorithm>
#include <thread>

#include "change/last_name.h"
#include "change/lifted.h"
#include "change/open_all.h"
#include "change/protect_again.h"
#include "sys/directory.h"
#include "sys/inode_attr.h"
#include "sys/mark.h"

namespace vunify {
namespace {

constexpr std::size_t batch_inodes = 256;
constexpr std::uint32_t lifted_flags = FS_IMMUTABLE_FL | FS_APPEND_FL | FS_IUNLINK_FL;

}  // namespace

bool NameRemoval::open(OnLease on_lease) {
  const auto& [root, path, live] = request_.names.front();
  try {
    const Fd found = root->open(path, O_PATH | O_NOFOLLOW);
    if (stat_fd(found.get()).ino != request_.inode.ino) throw std::system_error(ESTALE, std::generic_category());
    held_.fd = reopen_regular(found.get(), path, on_lease);
    held_.seen = stat_fd(held_.fd.get());
    protection_ = protection_of(held_.fd.get());
    result_ = {};
  } catch (const std::system_error& error) {
    if (on_lease == OnLease::fail && is_error(error, EWOULDBLOCK)) return false;
    result_.reason = error.code().message();
    held_.fd = {};
  }
  return true;
}

std::optional<JournaledSet> NameRemoval::journaled(const std::string& staging, const std::string& fs) const {
  if (!held_.fd || !is_shared() || !must_lift(protection_)) return std::nullopt;
  return lifted_set(held_, request_.names.front(), protection_, staging, fs);
}

void NameRemoval::remove() {
  if (!held_.fd || !lift()) return;
  take_names();
  protect();
}

bool NameRemoval::lift() {
  const int fd = held_.fd.get();
  try {
    if (!is_shared()) change_inode_flags(fd, 0, inode_flags(fd) & lifted_flags);
    return !is_shared() || !must_lift(protection_) || lift_guarded();
  } catch (const std::system_error& error) {
    result_.reason = error.code().message();
    return false;
  }
}

// Others go on with it: nobody may change it in this moment.
bool NameRemoval::lift_guarded() {
  held_.lease = Lease::take(held_.fd.get());
  if (!held_.lease || !held_.lease->pin()) {
    result_.reason = "open for writing";
    held_.lease.reset();
    return false;
  }
  held_.metadata = read_metadata(held_.fd.get());
  unprotect(held_.fd.get());
  return true;
}

void NameRemoval::take_names() {
  for (const auto& [root, path, live] : request_.names) {
    try {
      const auto name = open_name(*root, path);
      const auto there = stat_name(name.dir.get(), name.leaf.c_str());
      if (!there || there->ino != request_.inode.ino) continue;
      remove_name(name.dir.get(), name.leaf);
      ++result_.removed;
    } catch (const std::system_error& error) {
      result_.reason = error.code().message();
    }
  }
}

void NameRemoval::protect() {
  if (held_.lease) protect_again(held_.fd.get(), protection_, held_.metadata, held_.seen.stamp.mtime);
}

RemoveResult NameRemoval::finish() {
  if (!held_.fd) return std::move(result_);
  if (held_.lease && !held_.lease->is_unwritten() && !held_.lease->turn_away())
    result_.reason = "a writer could not be turned away";
  held_.lease.reset();
  release_last_name(held_.fd.get(), request_.inode, request_.names);
  return std::move(result_);
}

void NameRemover::run_batch(std::span<const RemoveRequest> requests, std::vector<RemoveResult>& results) {
  std::vector<NameRemoval> removals(requests.begin(), requests.end());
  open_all(removals);
  std::vector<JournaledSet> sets;
  const auto fs = to_string(fs_id(on_fs_));
  for (const auto& one : removals)
    if (auto set = one.journaled(staging_, fs)) sets.push_back(std::move(*set));
  if (!sets.empty()) journal_.begin(sets);
  for (auto& one : removals) one.remove();
  if (!sets.empty()) std::this_thread::sleep_for(Lease::linger);
  for (auto& one : removals) results.push_back(one.finish());
  if (sets.empty()) return;
  sync_filesystem(on_fs_, staging_);  // a power cut may not leave one unprotected and no journal
  journal_.end();
}

std::vector<RemoveResult> NameRemover::run(const std::vector<RemoveRequest>& requests,
                                           const std::function<bool()>& stop) {
  std::vector<RemoveResult> results;
  for (std::size_t from = 0; from < requests.size() && !stop(); from += batch_inodes)
    run_batch(std::span(requests).subspan(from, std::min(batch_inodes, requests.size() - from)), results);
  results.resize(requests.size());
  return results;
}

}  // namespace vunify
