// SPDX-License-Identifier: Apache-2.0
#include "fuse/allowance.h"

#include <algorithm>
#include <chrono>

#include "fuse/log.h"
#include "fuse/wire.h"
#include "fuse/workers.h"

namespace vunify {
namespace {

constexpr auto between_looks = std::chrono::seconds(1);

constexpr std::uint64_t few = 4;

// The kernel forgets what was removed a moment after rm(1) has returned.
constexpr auto removal_takes = std::chrono::milliseconds(200);

}  // namespace

void Allowance::begin(const std::string& state_dir, const AccountKey& key, std::function<Amount(Count)> count) {
  ledger_.emplace(state_dir, lmdb::Access::write);
  holding_.emplace(*ledger_, key);
  count_ = std::move(count);
  if (holding_->is_to_be_counted()) holding_->counted(count_(holding_->count()));
}

void Allowance::keep_up() {
  if (!holding_) return;
  ticking_ = std::thread([this] {
    std::unique_lock lock(mutex_);
    while (!over_.wait_for(lock, between_looks, [this] { return is_over_; })) {
      lock.unlock();
      look_again();
      lock.lock();
    }
  });
}

Allowance::~Allowance() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
    over_.notify_all();
  }
  if (ticking_.joinable()) ticking_.join();
  // What had no name ends with us.
  for (const auto& [id, one] : followed_)
    if (one.is_nameless) holding_->settle({}, {-static_cast<std::int64_t>(one.bytes), -1});
}

// A ledger that cannot be read says nothing new.
void Allowance::look_again() {
  try {
    holding_->refresh();
    if (holding_->is_to_be_counted()) count_all();
  } catch (const std::exception& error) {
    tell(std::string("the ledger: ") + error.what());
  }
}

// The guest waits meanwhile: some microseconds a file.
void Allowance::count_all() {
  const std::lock_guard gate(gate_);
  const std::unique_lock nobody_changes(changing_);
  auto used = count_(holding_->count());
  const std::lock_guard lock(mutex_);
  for (const auto& [id, one] : followed_) {
    if (!one.is_nameless) continue;
    used.space += one.bytes;
    ++used.inodes;
  }
  holding_->counted(used);
}

bool Allowance::take(const Amount& most) {
  if (holding_->try_take(most, false)) return true;
  const bool by_root = is_root_asking();
  const Workers::Away away;
  try {
    return holding_->take(most, by_root) || take_once_removed(most, by_root);
  } catch (const std::exception& error) {
    tell(std::string("nothing is granted: the ledger: ") + error.what());
    return false;
  }
}

bool Allowance::has_plenty(std::uint64_t bytes) const { return holding_->left().for_users / few > bytes; }

// What was removed just now may be somebody's still: for a moment it is waited for.
bool Allowance::take_once_removed(const Amount& most, bool by_root) {
  {
    std::unique_lock lock(mutex_);
    if (nameless_ == 0 || !removed_.wait_for(lock, removal_takes, [this] { return nameless_ == 0; })) return false;
  }
  return holding_->take(most, by_root);
}

struct statvfs Allowance::show(const struct statvfs& filesystem) const {
  auto shows = filesystem;
  if (!is_limited()) return shows;
  const auto left = holding_->left();
  const auto in_blocks = [&](std::uint64_t bytes) { return bytes / filesystem.f_frsize; };
  if (left.total.space != no_limit) {
    shows.f_blocks = std::min<std::uint64_t>(shows.f_blocks, in_blocks(left.total.space));
    shows.f_bfree = std::min<std::uint64_t>(shows.f_bfree, in_blocks(left.free.space));
    shows.f_bavail = std::min<std::uint64_t>(shows.f_bavail, in_blocks(left.for_users));
  }
  if (left.total.inodes != no_limit) {
    const bool has_inodes = shows.f_files != 0;  // btrfs makes them as it goes, and tells none
    shows.f_files = has_inodes ? std::min<std::uint64_t>(shows.f_files, left.total.inodes) : left.total.inodes;
    shows.f_ffree = has_inodes ? std::min<std::uint64_t>(shows.f_ffree, left.free.inodes) : left.free.inodes;
    shows.f_favail = shows.f_ffree;
  }
  return shows;
}

void Allowance::follow(NodeId id, std::uint64_t bytes) {
  if (!is_limited()) return;
  const std::lock_guard lock(mutex_);
  followed_.try_emplace(id, Followed{bytes, false});
}

void Allowance::unfollow(NodeId id) {
  if (!holding_) return;
  const std::lock_guard lock(mutex_);
  const auto found = followed_.find(id);
  if (found != followed_.end() && !found->second.is_nameless) followed_.erase(found);
}

void Allowance::outlive(NodeId id, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  auto& one = followed_.try_emplace(id, Followed{bytes, false}).first->second;
  if (!std::exchange(one.is_nameless, true)) ++nameless_;
}

void Allowance::named(NodeId id) {
  if (!holding_) return;
  const std::lock_guard lock(mutex_);
  const auto found = followed_.find(id);
  if (found != followed_.end() && std::exchange(found->second.is_nameless, false)) --nameless_;
}

void Allowance::gone(NodeId id) {
  if (!holding_) return;
  const std::lock_guard lock(mutex_);
  const auto found = followed_.find(id);
  if (found == followed_.end()) return;
  const auto one = found->second;
  followed_.erase(found);
  if (!one.is_nameless) return;
  holding_->settle({}, {-static_cast<std::int64_t>(one.bytes), -1});
  if (--nameless_ == 0) removed_.notify_all();
}

std::int64_t Allowance::moved(NodeId id, std::uint64_t before, std::uint64_t now) {
  const std::lock_guard lock(mutex_);
  const auto found = followed_.find(id);
  if (found != followed_.end()) before = std::exchange(found->second.bytes, now);
  return static_cast<std::int64_t>(now) - static_cast<std::int64_t>(before);
}

Taking::Taking(Allowance& allowance, const Amount& most) : most_(most) {
  if (!allowance.holding_) return;
  {
    const std::lock_guard gate(allowance.gate_);
    changing_ = std::shared_lock(allowance.changing_);
  }
  if (!allowance.is_limited()) return;  // yet: where a limit comes meanwhile, its count waits for this change
  if (!allowance.take(most)) throw std::system_error(ENOSPC, std::generic_category(), "over the limit");
  allowance_ = &allowance;
}

Taking::~Taking() {
  if (allowance_ != nullptr) allowance_->holding_->settle(most_, came_to_);
}

void Taking::came_to(const Growth& growth) {
  came_to_.space += growth.space;
  came_to_.inodes += growth.inodes;
}

}  // namespace vunify
