// SPDX-License-Identifier: Apache-2.0
#include "tools/recount.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "account/chunk.h"
#include "account/count_tree.h"
#include "account/holding.h"
#include "fuse/break_staging.h"
#include "guest/adopted.h"
#include "sys/directory.h"
#include "tools/native_limit.h"
#include "tools/text.h"

namespace vunify {
namespace {

using Clock = std::chrono::steady_clock;
// What the filesystem needs for itself once data is written out nobody has seen.
constexpr std::uint64_t most_drift_part = 1000;

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
  constexpr auto patience = std::chrono::minutes(2);  // of a daemon that counts
  constexpr auto between_looks = std::chrono::milliseconds(20);
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
  if (to_bytes(account.of) != to_bytes(key) || lives(ledger, account)) return;
  if (!lock_root(root.fd(), lock_shared)) throw std::system_error(EBUSY, std::generic_category(), guest.root);
  Holding holding(ledger, account);
  holding.counted(count_tree(root, holding.count(), break_staging_leaf));
}

// No guest has it any more, or not there.
void forget(const Ledger& ledger, const AccountKey& key) {
  auto change = ledger.change();
  change.remove(key);
  change.commit();
}

// By more than 0.1 %, and what one daemon may be granted at the least; or by what it is granted at the most.
bool is_off(const Account& account) {
  const auto drift = std::abs(account.drift);
  const auto part = static_cast<std::int64_t>(account.used.space / most_drift_part);
  return drift > std::clamp(part, least_chunk, greatest_chunk);
}

std::string to_text(const LimitKey& key, const Account& account) {
  return fmt::format("xid {}: its vcow had counted {} too {} of {}: something writes past it, or it is wrong", key.xid,
                     format_bytes(static_cast<std::uint64_t>(std::abs(account.drift))),
                     account.drift > 0 ? "little" : "much", format_bytes(account.used.space));
}

std::string why_not(const std::system_error& error) {
  if (is_error(error, ENOTCONN)) return "the vcow that is mounted on it was killed: vcow umount it, then count it";
  if (is_error(error, EBUSY)) return "its vcow has not begun to count it: that takes a second";
  return printable(error.what());
}

class Recount {
 public:
  Recount(const Ledger& ledger, const std::vector<HostGuest>& guests) : ledger_(ledger), guests_(guests) {}

  Recounted found;

  void run(const LimitKey& key) {
    const auto asked = ask(ledger_, key);
    if (asked == 0) return;
    for (const auto& [account, is] : ledger_.read().accounts(key))
      if (lives(ledger_, account)) wait(account, is, asked);
    bool is_known = false, are_all_counted = true;
    for (const auto& guest : guests_)
      if (guest.xid == key.xid) is_known = true, are_all_counted &= count(guest, key);
    for (const auto& guest : guests_)
      if (guest.xid == key.xid) compare(guest, key);
    for (const auto& [account, is] : ledger_.read().accounts(key)) {
      if (is.counts >= asked || lives(ledger_, account)) continue;
      if (!is_known)
        found.failed.push_back(fmt::format("xid {}: whose tree it is, no configuration tells", key.xid));
      else if (are_all_counted)
        forget(ledger_, account);
    }
  }

 private:
  // Kept by one that had counted all that was asked for before.
  void wait(const AccountKey& key, const Account& before, std::uint64_t asked) {
    if (!wait_for(ledger_, key, asked))
      return found.failed.push_back(fmt::format("xid {}: its vcow does not answer", key.of.xid));
    const auto is = ledger_.read().account(key).value_or(Account{});
    if (before.counts + 1 == asked && is_off(is)) found.off.push_back(to_text(key.of, is));
  }

  // False, and told, where it could not be: what was known of it stays.
  bool count(const HostGuest& guest, const LimitKey& key) {
    try {
      count_here(ledger_, guest, key);
      return true;
    } catch (const std::system_error& error) {
      found.failed.push_back(printable(guest.name) + ": " + why_not(error));
      return false;
    }
  }

  // Of a guest that the kernel holds, what it counts is to be what the tree was found to hold.
  void compare(const HostGuest& guest, const LimitKey& key) {
    const auto place = place_of(guest.root, key.xid);
    if (to_bytes(place.key) != to_bytes(key) || !is_held_natively(place)) return;
    sync_filesystem(open_host(place.directory, O_RDONLY | O_DIRECTORY).get(), place.directory);
    const auto kernels = native_quota(place)->bytes_used;
    std::uint64_t counted = 0, open = least_chunk;
    for (const auto& [at, account] : ledger_.read().accounts(key)) {
      counted += account.used.space;
      open += account.granted.space + account.slack.space;
    }
    if (kernels <= counted + open && counted <= kernels + open) return;
    found.failed.push_back(fmt::format("{}: the kernel counts {}, its tree holds {}: not all of it carries its xid",
                                       printable(guest.name), format_bytes(kernels), format_bytes(counted)));
  }

  const Ledger& ledger_;
  const std::vector<HostGuest>& guests_;
};

}  // namespace

void ask_for_counts(const Ledger& ledger, const std::set<std::uint32_t>& xids) {
  for (const auto& [key, limit] : ledger.read().limits())
    if (xids.contains(key.xid) && limit.count == Count::exclusive) ask(ledger, key);
}

Recounted recount(const Ledger& ledger, const std::vector<LimitKey>& keys, const std::vector<HostGuest>& guests) {
  Recount all(ledger, guests);
  for (const auto& key : keys) all.run(key);
  return all.found;
}

}  // namespace vunify
