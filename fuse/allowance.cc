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

CameTo gone_with(const Takes& takes) {
  CameTo gone;
  gone.add(takes.owners, {-static_cast<std::int64_t>(takes.bytes), -1});
  return gone;
}

}  // namespace

void Allowance::open(const std::string& state_dir, const AccountKey& key, Seen seen) {
  ledger_.emplace(state_dir, lmdb::Access::write);
  holding_.emplace(*ledger_, key);
  seen_ = std::move(seen);
}

void Allowance::begin(const std::string& state_dir, const AccountKey& key, Seen seen) {
  open(state_dir, key, std::move(seen));
  if (holding_->is_to_be_counted()) holding_->counted(seen_.count(holding_->count()));
}

void Allowance::go_on(const std::string& state_dir, const AccountKey& key, Seen seen) {
  open(state_dir, key, std::move(seen));
  goes_on_ = is_limited();
  if (goes_on_) follow_all();
}

void Allowance::keep_up() {
  if (!holding_) return;
  std::promise<void> is_ready;
  const auto ready = is_ready.get_future();
  ticking_ = std::thread([this, is_ready = std::move(is_ready)]() mutable {
    goes_on_ ? count_before_changes(std::move(is_ready)) : is_ready.set_value();
    tick();
  });
  ready.wait();
}

// Until it can be counted nobody takes anything: what is left of the limit is not known.
void Allowance::count_before_changes(std::promise<void> nobody_is_let_in) {
  const std::lock_guard gate(gate_);
  nobody_is_let_in.set_value();
  while (!is_over_) {
    try {
      return count();
    } catch (const std::exception& error) {
      tell_once(error.what());
      ledger_->bell().wait(ledger_->bell().rung(), between_looks);
    }
  }
}

void Allowance::tick() {
  auto next = std::chrono::steady_clock::now() + between_looks;
  for (auto rung = ledger_->bell().rung(); !is_over_; rung = ledger_->bell().rung()) {
    if (ledger_->bell().wait(rung, next - std::chrono::steady_clock::now())) {
      answer_recall();
      continue;
    }
    look_again();
    next = std::chrono::steady_clock::now() + between_looks;
  }
}

Allowance::~Allowance() {
  is_over_ = true;
  if (ticking_.joinable()) {
    ledger_->bell().ring();
    ticking_.join();
  }
  // What had no name ends with us.
  for (const auto& [id, one] : followed_)
    if (one.is_nameless) settle_gone(one.takes);
}

// Nobody has it any more.
void Allowance::settle_gone(const Takes& takes) {
  holding_->settle({}, gone_with(takes));
  holding_->end_change();
}

// A ledger that cannot be read says nothing new.
void Allowance::look_again() {
  try {
    const bool had_none = !is_limited();
    holding_->refresh();
    if (had_none && is_limited()) follow_all();
    if (holding_->is_to_be_counted()) count_all();
    settle_unasked();
  } catch (const std::exception& error) {
    tell_once(error.what());
  }
}

void Allowance::answer_recall() {
  try {
    holding_->answer_recall();
  } catch (const std::exception& error) {
    tell_once(error.what());
  }
}

// Until it answers again.
void Allowance::tell_once(const char* why) {
  if (!is_ledger_silent_.exchange(true)) tell(std::string("the ledger: ") + why + "; no more is granted than is held");
}

// The guest waits meanwhile: some microseconds a file.
void Allowance::count_all() {
  const std::lock_guard gate(gate_);
  count();
}

// With the gate closed.
void Allowance::count() {
  const std::unique_lock nobody_changes(changing_);
  auto used = seen_.count(holding_->count());
  const std::lock_guard lock(mutex_);
  for (const auto& [id, one] : followed_)
    if (one.is_nameless) used.add(one.takes.owners, {one.takes.bytes, 1});
  holding_->counted(used);
}

// What was opened without a limit, or by a process before us, the kernel may write to by itself, until it is closed;
// and what has no name any more is counted by nobody else.
void Allowance::follow_all() {
  for (const auto id : seen_.opened()) {
    const auto takes = seen_.look(id);
    const std::lock_guard lock(mutex_);
    if (takes) followed_.try_emplace(id, Followed{*takes, false, true});
  }
  for (const auto id : seen_.outliving()) {
    const auto takes = seen_.look(id);
    if (takes) outlive(id, *takes);
    if (takes && !seen_.look(id)) gone(id);  // meanwhile
  }
}

void Allowance::settle_unasked() {
  std::vector<NodeId> unasked;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, one] : followed_)
      if (one.is_unasked) unasked.push_back(id);
  }
  for (const auto id : unasked) {
    const auto now = seen_.look(id);
    if (!now) continue;
    Taking taking(*this);
    taking.take({});
    taking.moved(moved(id, *now, *now), *now);
  }
}

Answer Allowance::take(const Most& most) {
  if (holding_->try_take(most, false)) return Answer::given;
  const bool by_root = is_root_asking();
  const Workers::Away away;
  try {
    const auto before = removals();
    const auto answer = holding_->take(most, by_root);
    const bool was_granted = answer == Answer::given && !most.is_nothing();
    if (was_granted && is_ledger_silent_.exchange(false)) tell("the ledger answers again");
    return answer == Answer::given ? answer : take_once_removed(most, by_root, answer, before);
  } catch (const std::exception& error) {
    tell_once(error.what());
    return Answer::over_limit;
  }
}

bool Allowance::has_plenty(const Takes& takes) const { return holding_->left_for(takes.owners) / few > takes.bytes; }

// What was removed just now may be somebody's still: for a moment it is waited for. What went while the ledger was
// asked may have come too late for its answer.
Answer Allowance::take_once_removed(const Most& most, bool by_root, Answer refused, std::uint64_t removals) {
  {
    std::unique_lock lock(mutex_);
    const bool is_gone = removed_.wait_for(lock, removal_takes, [this] { return nameless_ == 0; });
    if (!is_gone || removals_ == removals) return refused;
  }
  return holding_->take(most, by_root);
}

std::uint64_t Allowance::removals() {
  const std::lock_guard lock(mutex_);
  return removals_;
}

std::optional<Left> Allowance::left() const { return is_limited() ? std::optional(holding_->left()) : std::nullopt; }

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

void Allowance::follow(NodeId id, const Takes& takes) {
  if (!is_limited()) return;
  const std::lock_guard lock(mutex_);
  followed_.try_emplace(id, Followed{takes});
}

bool Allowance::follows(NodeId id) const {
  const std::lock_guard lock(mutex_);
  return followed_.contains(id);
}

void Allowance::unfollow(NodeId id) {
  if (!holding_) return;
  const std::lock_guard lock(mutex_);
  const auto found = followed_.find(id);
  if (found != followed_.end() && !found->second.is_nameless) followed_.erase(found);
}

void Allowance::outlive(NodeId id, const Takes& takes) {
  const std::lock_guard lock(mutex_);
  auto& one = followed_.try_emplace(id, Followed{takes}).first->second;
  if (std::exchange(one.is_nameless, true)) return;
  ++nameless_;
  holding_->begin_change();
}

void Allowance::named(NodeId id) {
  if (!holding_) return;
  const std::lock_guard lock(mutex_);
  const auto found = followed_.find(id);
  if (found == followed_.end() || !std::exchange(found->second.is_nameless, false)) return;
  --nameless_;
  holding_->end_change();
}

void Allowance::gone(NodeId id) {
  if (!holding_) return;
  const std::lock_guard lock(mutex_);
  const auto found = followed_.find(id);
  if (found == followed_.end()) return;
  const auto one = found->second;
  followed_.erase(found);
  if (!one.is_nameless) return;
  settle_gone(one.takes);
  ++removals_;
  if (--nameless_ == 0) removed_.notify_all();
}

void Allowance::move(NodeId from, NodeId to) {
  if (!holding_) return;
  const std::lock_guard lock(mutex_);
  auto found = followed_.extract(from);
  if (!found) return;
  found.key() = to;
  followed_.insert(std::move(found));
}

Takes Allowance::moved(NodeId id, const Takes& before, const Takes& now) {
  const std::lock_guard lock(mutex_);
  const auto found = followed_.find(id);
  return found == followed_.end() ? before : std::exchange(found->second.takes, now);
}

Taking::Taking(Allowance& allowance) {
  if (!allowance.holding_) return;
  {
    const std::lock_guard gate(allowance.gate_);
    changing_ = std::shared_lock(allowance.changing_);
  }
  if (!allowance.is_limited()) return;  // yet: where a limit comes meanwhile, its count waits for this change
  allowance_ = &allowance;
  allowance_->holding_->begin_change();
}

Taking::~Taking() {
  if (!counts()) return;
  allowance_->holding_->settle(taken_, came_to_);
  allowance_->holding_->end_change();
}

void Taking::take(const Most& most) {
  if (!counts()) return;
  switch (allowance_->take(most)) {
    case Answer::given:
      return taken_.add(most);
    case Answer::over_limit:
      throw std::system_error(ENOSPC, std::generic_category(), "over the limit");
    case Answer::over_quota:
      throw OverQuota();
  }
}

void Taking::came_to(const Owners& owners, const Growth& growth) { came_to_.add(owners, growth); }

void Taking::moved(const Takes& was, const Takes& now) {
  came_to_.add(was.owners, {-static_cast<std::int64_t>(was.bytes), -1});
  came_to_.add(now.owners, {static_cast<std::int64_t>(now.bytes), 1});
}

}  // namespace vunify
