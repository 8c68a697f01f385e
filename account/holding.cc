// SPDX-License-Identifier: Apache-2.0
#include "account/holding.h"

#include <algorithm>

namespace vunify {
namespace {

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

// Those who have no limit any more have none.
void see_limits(const LedgerTransaction& reading, const LimitKey& key, const Limit& limit,
                std::map<Whose, Purse>& purses) {
  for (auto& [whose, purse] : purses) purse.is_limited = false;
  purses[Whose{}].is_limited = true;
  purses[Whose{}].total = limit.total;
  for (const auto& [whose, total] : reading.user_limits(key)) {
    purses[whose].is_limited = true;
    purses[whose].total = total;
  }
}

Amount wanted_of(const Most& wanted, Whose whose) {
  if (whose.is_guest()) return wanted.all;
  const auto found = std::ranges::find(wanted.by, whose, &std::pair<Whose, Amount>::first);
  return found == wanted.by.end() ? Amount{} : found->second;
}

std::int64_t seconds_now() { return clock_now().sec; }

}  // namespace

Holding::Holding(const Ledger& ledger, const AccountKey& key)
    : ledger_(ledger), key_(key), lock_(LockFile::take(lock_path(ledger.state_dir(), key))) {
  if (!lock_) throw std::system_error(EBUSY, std::generic_category(), "another daemon spends from this account");
  const auto reading = ledger_.read();
  is_lost_ = !reading.account(key_).value_or(Account{}).is_settled();
  see(reading);
  recalls_ = limit_.recalls;
}

Holding::~Holding() {
  const std::lock_guard lock(mutex_);
  if (is_limited_ && !is_lost_) try_to_write({}, at_rest());
}

Count Holding::count() const {
  const std::lock_guard lock(mutex_);
  return limit_.count;
}

bool Holding::is_to_be_counted() const {
  const std::lock_guard lock(mutex_);
  return is_limited_ && (is_lost_ || counts_ != limit_.counts_asked);
}

void Holding::see(const LedgerTransaction& reading) {
  const auto limit = reading.limit(key_.of);
  if (!limit || !is_limited_) purses_ = {{Whose{}, Purse{}}};
  limit_ = limit.value_or(Limit{});
  counts_ = reading.account(key_).value_or(Account{}).counts;
  is_limited_ = limit.has_value();
  if (!limit) return;
  see_limits(reading, key_.of, *limit, purses_);
  for (auto& [whose, purse] : purses_)
    if (purse.is_limited) purse.unclaimed = minus(purse.total, claimed_by(reading.accounts(key_.of, whose)));
}

// From what is held.
Answer Holding::answer(const Most& wanted, bool by_root) const {
  const auto free = guest().unclaimed.space + guest().unspent().space;
  if (!guest().covers(wanted.all) || !leaves_root_its_share(free, limit_, wanted.all, by_root))
    return Answer::over_limit;
  const auto is_covered = [&](const auto& one) {
    const auto purse = purses_.find(one.first);
    return purse == purses_.end() || purse->second.covers(one.second);
  };
  return std::ranges::all_of(wanted.by, is_covered) ? Answer::given : Answer::over_quota;
}

// What is refused costs nobody a write.
Answer Holding::ask_ledger(const Most& wanted, bool by_root, Others others) const {
  const auto reading = ledger_.read();
  const auto limit = reading.limit(key_.of);
  if (!limit) return Answer::given;
  auto purses = purses_;
  see_limits(reading, key_.of, *limit, purses);
  const auto could = [&](Whose whose, const Amount& most) {
    const auto& purse = purses[whose];
    if (!purse.is_limited) return true;
    const auto granted = reading.account(key_of(whose)).value_or(Account{}).granted;
    return could_cover(purse, claimed(reading, whose, others), granted, most);
  };
  auto with_reserve = wanted.all;
  if (!by_root && with_reserve.space != 0) with_reserve.space += at_least_none(kept_for_root(*limit));
  if (!could({}, with_reserve)) return Answer::over_limit;
  const bool users_may = std::ranges::all_of(wanted.by, [&](const auto& one) { return could(one.first, one.second); });
  return users_may ? Answer::given : Answer::over_quota;
}

// What a killed daemon was granted nobody gives back.
Amount Holding::claimed(const LedgerTransaction& reading, Whose whose, Others others) const {
  auto accounts = reading.accounts(key_.of, whose);
  for (auto& [key, account] : accounts) {
    const bool is_own = key.subvolume == key_.subvolume && key.ino == key_.ino;
    if (others == Others::give_back && !is_own && LockFile::is_taken(lock_path(ledger_.state_dir(), key)))
      account.granted = {};
  }
  return claimed_by(accounts);
}

void Holding::spend(const Most& taken) {
  guest().spend(minus(taken.all, {}));
  for (const auto& [whose, most] : taken.by) purses_[whose].spend(minus(most, {}));
  is_used_ = true;
}

bool Holding::try_take(const Most& wanted, bool by_root) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock || !guest().is_open() || answer(wanted, by_root) != Answer::given) return false;
  spend(wanted);
  return true;
}

Answer Holding::take(const Most& wanted, bool by_root) {
  auto rung = ledger_.bell().rung();
  auto answer = take_here(wanted, by_root);
  if (answer == Answer::given || !recall(wanted, by_root)) return answer;
  const auto end = std::chrono::steady_clock::now() + recall_takes;
  while (answer != Answer::given && ledger_.bell().wait(rung, end - std::chrono::steady_clock::now())) {
    rung = ledger_.bell().rung();
    answer = take_here(wanted, by_root);
  }
  return answer;
}

// Asks the others, where that could help. What we hold ourselves is given back first: they may be asking us.
bool Holding::recall(const Most& wanted, bool by_root) {
  const std::lock_guard lock(mutex_);
  if (ask_ledger(wanted, by_root, Others::give_back) != Answer::given) return false;
  write({}, Pace::waiting, nullptr);
  auto change = ledger_.change();
  auto limit = change.limit(key_.of);
  if (!limit) return true;
  recalls_ = ++limit->recalls;
  change.put(key_.of, *limit);
  change.commit();
  ledger_.bell().ring();
  return true;
}

void Holding::answer_recall() {
  const std::lock_guard lock(mutex_);
  if (!is_limited_) return;
  const auto limit = ledger_.read().limit(key_.of);
  if (!limit || std::exchange(recalls_, limit->recalls) == limit->recalls || is_lost_ || !has_to_give()) return;
  try_to_write({}, at_rest());
  ledger_.bell().ring();
}

bool Holding::has_to_give() const {
  return std::ranges::any_of(purses_, [&](const auto& one) {
    const auto& purse = one.second;
    return purse.spent != Growth{} || purse.granted != Amount{} || (purse.is_open() && under_way_ == 0);
  });
}

Answer Holding::take_here(const Most& wanted, bool by_root) {
  const std::lock_guard lock(mutex_);
  if (wanted.is_nothing()) {
    if (!guest().is_open()) try_to_write({}, Pace::active);
  } else if (!guest().is_open() || answer(wanted, by_root) != Answer::given) {
    if (const auto could = ask_ledger(wanted, by_root, Others::keep); could != Answer::given) return could;
    write(wanted, Pace::active, nullptr);
    if (!is_limited_) return Answer::given;
    if (const auto is = answer(wanted, by_root); is != Answer::given) return is;
  }
  spend(wanted);
  return Answer::given;
}

void Holding::settle(const Most& taken, const CameTo& came_to) {
  const std::lock_guard lock(mutex_);
  guest().spend({came_to.all.space - number(taken.all.space), came_to.all.inodes - number(taken.all.inodes)});
  for (const auto& [whose, most] : taken.by) purses_[whose].spend(minus({}, most));
  for (const auto& [whose, growth] : came_to.by) purses_[whose].spend(growth);
  is_used_ = true;
  if (!is_limited_) return;
  if (std::ranges::any_of(purses_, [](const auto& one) { return one.second.is_to_be_told(); }))
    try_to_write({}, Pace::active);
}

void Holding::counted(const Uses& used) {
  const std::lock_guard lock(mutex_);
  write({}, Pace::active, &used);
  is_lost_ = false;
}

void Holding::refresh() {
  const std::lock_guard lock(mutex_);
  const bool is_idle = !std::exchange(is_used_, false);
  if (is_limited_ && is_idle && has_to_give() && !is_lost_) try_to_write({}, at_rest());
  see(ledger_.read());
}

Left Holding::left() const {
  const std::lock_guard lock(mutex_);
  const auto unspent = guest().unspent();
  const auto space = guest().unclaimed.space + unspent.space, inodes = guest().unclaimed.inodes + unspent.inodes;
  return {limit_.total, {at_least_none(space), at_least_none(inodes)}, at_least_none(space - kept_for_root(limit_))};
}

std::uint64_t Holding::left_for(const Owners& owners) const {
  auto least = left().for_users;
  const std::lock_guard lock(mutex_);
  for (const auto whose : {Whose{}, user(owners.uid), group(owners.gid)}) {
    const auto found = purses_.find(whose);
    if (found == purses_.end() || !found->second.is_limited) continue;
    least = std::min(least, at_least_none(found->second.unspent().space));
  }
  return least;
}

// Tells the ledger what was spent, or what was counted, and is granted anew. Where it throws, all is as it was.
void Holding::write(const Most& wanted, Pace pace, const Uses* counted) {
  auto change = ledger_.change();
  const auto limit = change.limit(key_.of);
  if (!limit) return see(change);
  auto purses = purses_;
  if (counted != nullptr) put_counted(change, *counted, purses);
  see_limits(change, key_.of, *limit, purses);
  for (auto& [whose, purse] : purses)
    if (whose.is_guest() || purse.holds() || wanted_of(wanted, whose) != Amount{})
      tell(change, whose, purse, wanted_of(wanted, whose), pace);
  const auto counts = change.account(key_).value_or(Account{}).counts;
  change.commit();
  std::erase_if(purses, [](const auto& one) { return !one.second.is_limited; });
  purses_ = std::move(purses);
  limit_ = *limit;
  counts_ = counts;
  is_limited_ = true;
}

void Holding::tell(LedgerTransaction& change, Whose whose, Purse& purse, const Amount& wanted, Pace pace) const {
  const auto key = key_of(whose);
  auto account = change.account(key).value_or(Account{});
  add(account, purse.spent);
  account.granted = account.slack = {};
  change.put(key, account);
  if (purse.is_limited) {
    const auto accounts = change.accounts(key_.of, whose);
    const auto left = minus(purse.total, claimed_by(accounts));
    grant(account, left, daemons_of(accounts, key), wanted, pace);
    purse.unclaimed = {left.space - number(account.granted.space), left.inodes - number(account.granted.inodes)};
    change.put(key, account);
  } else if (account.used == Amount{}) {
    change.remove(key);
  }
  purse.spent = {};
  purse.granted = account.granted;
  purse.slack = account.slack;
}

// What was spent until now is in it.
void Holding::put_counted(LedgerTransaction& change, const Uses& counted, Purses& purses) {
  auto account = change.account(key_).value_or(Account{});
  const auto limit = change.limit(key_.of).value_or(Limit{});
  account.drift = number(counted.all.space) - number(account.used.space) - purses[Whose{}].spent.space;
  account.used = counted.all;
  account.counts = limit.counts_asked;
  account.counted = seconds_now();
  change.remove(told_account(key_.of));
  change.remove(key_);
  change.put(key_, account);
  for (const auto& [whose, used] : counted.by) change.put(key_of(whose), Account{.used = used});
  purses = {{Whose{}, Purse{}}};
}

// What cannot be told now is told later: it stays in what was spent.
void Holding::try_to_write(const Most& wanted, Pace pace) {
  try {
    write(wanted, pace, nullptr);
  } catch (const std::exception&) {
    is_used_ = true;
  }
}

}  // namespace vunify
