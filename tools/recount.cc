// SPDX-License-Identifier: Apache-2.0
#include "tools/recount.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "account/count_tree.h"
#include "account/holding.h"
#include "fuse/break_staging.h"
#include "guest/adopted.h"
#include "sys/directory.h"
#include "tools/text.h"

namespace vunify {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto patience = std::chrono::minutes(2);  // of a daemon that counts
constexpr auto between_looks = std::chrono::milliseconds(20);

bool lives(const Ledger& ledger, const AccountKey& key) {
  return LockFile::is_taken(lock_path(ledger.state_dir(), key));
}

std::uint64_t ask(const Ledger& ledger, const LimitKey& key) {
  auto change = ledger.change();
  auto limit = change.limit(key);
  if (!limit) return 0;
  ++limit->counts_asked;
  change.put(key, *limit);
  change.commit();
  return limit->counts_asked;
}

bool wait_for(const Ledger& ledger, const AccountKey& key, std::uint64_t asked) {
  for (const auto end = Clock::now() + patience; Clock::now() < end; std::this_thread::sleep_for(between_looks)) {
    const auto account = ledger.read().account(key);
    if (account && account->counts >= asked) return true;
    if (!lives(ledger, key)) return false;
  }
  return false;
}

// Where its tree lies, which nobody shows.
void count_here(const Ledger& ledger, const HostGuest& guest, const LimitKey& key) {
  const auto place = find_guest(guest.root, read_mounts());
  const RootDir root(place.root);
  const auto account = account_of(root.fd(), *guest.xid);
  if (to_bytes(account.of) != to_bytes(key)) return;
  if (place.is_mounted || !lock_root(root.fd(), lock_shared))
    throw std::system_error(EBUSY, std::generic_category(), guest.root);
  Holding holding(ledger, account);
  holding.counted(count_tree(root, holding.count(), break_staging_leaf));
}

// No guest has it any more, or not there.
void forget(const Ledger& ledger, const AccountKey& key) {
  auto change = ledger.change();
  change.remove(key);
  change.commit();
}

class Recount {
 public:
  Recount(const Ledger& ledger, const std::vector<HostGuest>& guests) : ledger_(ledger), guests_(guests) {}

  std::vector<std::string> failed;

  void run(const LimitKey& key) {
    const auto asked = ask(ledger_, key);
    if (asked == 0) return;
    for (const auto& [account, is] : ledger_.read().accounts(key))
      if (lives(ledger_, account) && !wait_for(ledger_, account, asked))
        failed.push_back(fmt::format("xid {}: its vcow does not answer", key.xid));
    const bool is_known = std::ranges::count(guests_, key.xid, &HostGuest::xid) != 0;
    for (const auto& guest : guests_)
      if (guest.xid == key.xid) count(guest, key);
    for (const auto& [account, is] : ledger_.read().accounts(key)) {
      if (is.counts >= asked) continue;
      if (is_known && !lives(ledger_, account))
        forget(ledger_, account);
      else
        failed.push_back(fmt::format("xid {}: whose tree it is, no configuration tells", key.xid));
    }
  }

 private:
  void count(const HostGuest& guest, const LimitKey& key) {
    try {
      count_here(ledger_, guest, key);
    } catch (const std::system_error& error) {
      if (!is_error(error, EBUSY)) failed.push_back(printable(guest.name) + ": " + printable(error.what()));
    }
  }

  const Ledger& ledger_;
  const std::vector<HostGuest>& guests_;
};

}  // namespace

std::vector<std::string> recount(const Ledger& ledger, const std::vector<LimitKey>& keys,
                                 const std::vector<HostGuest>& guests) {
  Recount all(ledger, guests);
  for (const auto& key : keys) all.run(key);
  return all.failed;
}

}  // namespace vunify
