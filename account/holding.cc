// SPDX-License-Identifier: Apache-2.0
#include "account/holding.h"

#include <algorithm>

#include "account/chunk.h"

namespace vunify {
namespace {

constexpr std::int64_t unlimited = std::int64_t{1} << 62;

std::int64_t number(std::uint64_t amount) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(amount, unlimited));
}
std::uint64_t at_least_none(std::int64_t number) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(number, 0));
}

Growth minus(const Amount& one, const Amount& other) {
  return {number(one.space) - number(other.space), number(one.inodes) - number(other.inodes)};
}

// Who wants nothing is refused nothing, also where more is used than there was.
bool covers(const Growth& left, const Amount& most) {
  return (most.space == 0 || number(most.space) <= left.space) &&
         (most.inodes == 0 || number(most.inodes) <= left.inodes);
}

std::int64_t daemons_of(const std::vector<std::pair<AccountKey, Account>>& accounts, const AccountKey& own) {
  std::int64_t count = 1;
  for (const auto& [key, account] : accounts)
    if (!account.is_settled() && to_bytes(key) != to_bytes(own)) ++count;
  return count;
}

// What is kept for the guest's root of the space of a limit.
std::int64_t kept_for_root(const Limit& limit) {
  if (limit.total.space == no_limit) return 0;
  return number(limit.total.space / whole_percent * limit.reserved);
}

// free: of the limit, with what we hold.
bool leaves_root_its_share(std::int64_t free, const Limit& limit, const Amount& most, bool by_root) {
  return by_root || most.space == 0 || free - number(most.space) >= kept_for_root(limit);
}

// Of what is left: half a chunk beyond what is wanted, and as much slack.
void grant(Account& account, const Growth& left, std::int64_t daemons, const Amount& wanted, bool rests) {
  const auto some = [&](std::int64_t half, std::uint64_t want, std::int64_t there) {
    return at_least_none(std::min((rests ? 0 : half) + number(want), there));
  };
  const auto space = space_chunk(left.space, daemons) / 2, inodes = inode_chunk(left.inodes, daemons) / 2;
  account.granted = {some(space, wanted.space, left.space), some(inodes, wanted.inodes, left.inodes)};
  account.slack = rests ? Amount{} : Amount{at_least_none(space), at_least_none(inodes)};
}

std::int64_t seconds_now() { return clock_now().sec; }

}  // namespace

Holding::Holding(const Ledger& ledger, const AccountKey& key)
    : ledger_(ledger), key_(key), lock_(LockFile::take(lock_path(ledger.state_dir(), key))) {
  if (!lock_) throw std::system_error(EBUSY, std::generic_category(), "another daemon spends from this account");
  const auto reading = ledger_.read();
  const auto account = reading.account(key_).value_or(Account{});
  is_lost_ = !account.is_settled();
  see(reading.limit(key_.of), account, claimed_by(reading.accounts(key_.of)));
}

Holding::~Holding() {
  const std::lock_guard lock(mutex_);
  if (is_limited_ && !is_lost_) try_to_write({}, true);
}

Count Holding::count() const {
  const std::lock_guard lock(mutex_);
  return limit_.count;
}

bool Holding::is_to_be_counted() const {
  const std::lock_guard lock(mutex_);
  return is_limited_ && (is_lost_ || counts_ != limit_.counts_asked);
}

void Holding::see(const std::optional<Limit>& limit, const Account& account, const Amount& claimed_by_all) {
  if (!limit || !is_limited_) held_ = {};
  limit_ = limit.value_or(Limit{});
  counts_ = account.counts;
  unclaimed_ = minus(limit_.total, claimed_by_all);
  is_limited_ = limit.has_value();
}

Growth Holding::unspent() const {
  return {number(held_.granted.space) - held_.spent.space, number(held_.granted.inodes) - held_.spent.inodes};
}

bool Holding::fits(const Amount& most, bool by_root) const {
  auto here = unspent();
  if (unclaimed_.space < 0) here.space += unclaimed_.space;  // more was used than there was
  if (!covers(here, most)) return false;
  return leaves_root_its_share(std::max<std::int64_t>(unclaimed_.space, 0) + here.space, limit_, most, by_root);
}

void Holding::spend(const Growth& growth) {
  held_.spent.space += growth.space;
  held_.spent.inodes += growth.inodes;
  is_used_ = true;
}

bool Holding::try_take(const Amount& most, bool by_root) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock || !fits(most, by_root)) return false;
  spend(minus(most, {}));
  return true;
}

bool Holding::take(const Amount& most, bool by_root) {
  const std::lock_guard lock(mutex_);
  if (!fits(most, by_root)) {
    if (!can_be_had(most, by_root)) return false;
    write(most, false, nullptr);
    if (!is_limited_) return true;
    if (!fits(most, by_root)) return false;
  }
  spend(minus(most, {}));
  return true;
}

// What is refused costs nobody a write.
bool Holding::can_be_had(const Amount& most, bool by_root) {
  const auto reading = ledger_.read();
  const auto limit = reading.limit(key_.of);
  if (!limit) return true;
  const auto own = reading.account(key_).value_or(Account{});
  auto left = minus(limit->total, claimed_by(reading.accounts(key_.of)));
  left.space += number(own.granted.space) - held_.spent.space;
  left.inodes += number(own.granted.inodes) - held_.spent.inodes;
  return covers(left, most) && leaves_root_its_share(left.space, *limit, most, by_root);
}

void Holding::settle(const Amount& taken, const Growth& came_to) {
  const std::lock_guard lock(mutex_);
  spend({came_to.space - number(taken.space), came_to.inodes - number(taken.inodes)});
  if (!is_limited_) return;
  const bool is_over = unspent().space < 0 || unspent().inodes < 0;
  const bool came_back =
      -held_.spent.space > number(held_.slack.space) || -held_.spent.inodes > number(held_.slack.inodes);
  if (is_over || came_back) try_to_write({}, false);
}

void Holding::counted(const Amount& used) {
  const std::lock_guard lock(mutex_);
  write({}, false, &used);
  is_lost_ = false;
}

void Holding::refresh() {
  const std::lock_guard lock(mutex_);
  const bool is_idle = !std::exchange(is_used_, false);
  const bool holds = held_.granted != Amount{} || held_.slack != Amount{} || held_.spent != Growth{};
  if (is_limited_ && is_idle && holds && !is_lost_) try_to_write({}, true);
  const auto reading = ledger_.read();
  see(reading.limit(key_.of), reading.account(key_).value_or(Account{}), claimed_by(reading.accounts(key_.of)));
}

Left Holding::left() const {
  const std::lock_guard lock(mutex_);
  const auto space = unclaimed_.space + unspent().space, inodes = unclaimed_.inodes + unspent().inodes;
  return {limit_.total, {at_least_none(space), at_least_none(inodes)}, at_least_none(space - kept_for_root(limit_))};
}

// Tells the ledger what was spent, or what was counted, and is granted anew. Where it throws, all is as it was.
void Holding::write(const Amount& wanted, bool rests, const Amount* counted) {
  auto change = ledger_.change();
  const auto limit = change.limit(key_.of);
  if (!limit) return see(limit, {}, {});
  auto account = change.account(key_).value_or(Account{});
  add(account, held_.spent);
  if (counted != nullptr) {
    account.drift = number(counted->space) - number(account.used.space);
    account.used = *counted;
    change.remove(told_account(key_.of));
    account.counts = limit->counts_asked;
    account.counted = seconds_now();
  }
  account.granted = {};
  change.put(key_, account);
  const auto accounts = change.accounts(key_.of);
  auto claimed = claimed_by(accounts);
  grant(account, minus(limit->total, claimed), daemons_of(accounts, key_), wanted, rests);
  change.put(key_, account);
  change.commit();
  claimed.space += account.granted.space;
  claimed.inodes += account.granted.inodes;
  see(limit, account, claimed);
  held_ = {{}, account.granted, account.slack};
}

// What cannot be told now is told later: it stays in what was spent.
void Holding::try_to_write(const Amount& wanted, bool rests) {
  try {
    write(wanted, rests, nullptr);
  } catch (const std::exception&) {
    is_used_ = true;
  }
}

}  // namespace vunify
