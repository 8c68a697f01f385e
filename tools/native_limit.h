// SPDX-License-Identifier: Apache-2.0
// The kernel's own limit beside the ledger's: of the project that is a guest's xid, on ext4 and XFS with project quota.
// It holds what the guest makes on vcow (fuse/birthplace), by whatever way it is written. The ledger says what a limit
// is to be; one that the kernel holds already follows it.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "account/ledger.h"
#include "sys/quota.h"
#include "tools/limits.h"

namespace vunify {

// None where the filesystem counts for no project, or holds none to its limit. Throws std::system_error where it cannot
// be asked.
std::optional<ProjectQuota> native_quota(const LimitPlace& place);
bool is_held_natively(const LimitPlace& place);

// Why the kernel cannot hold a guest there, and what would help; empty where it can. known: its limit in the ledger;
// where it has none, one that the kernel holds is somebody else's.
std::string why_not_natively(const LimitPlace& place, const std::optional<Limit>& known);

// Throws std::system_error, and then nothing is changed.
void set_natively(const LimitPlace& place, const Limit& limit);
// Where the kernel holds one already.
void follow_natively(const LimitPlace& place, const Limit& limit);
void follow_natively(const WantedLimits& limits);
void remove_natively(const LimitPlace& place);

// What limits were, for one whose kernel does not take the new one.
class LimitsBefore {
 public:
  LimitsBefore(const Ledger& ledger, const std::vector<LimitPlace>& places);
  // In the kernel as far as it lets itself be asked.
  void put_back() const;

 private:
  struct One {
    LimitPlace place;
    std::optional<Limit> limit;
    std::vector<std::pair<AccountKey, Account>> accounts;
    std::optional<ProjectQuota> native;
  };
  const Ledger& ledger_;
  std::vector<One> all_;
};

// As the kernel has it: there 0 is none, so that of nothing at all 1 KiB, or one inode, is the least.
ProjectLimit to_native(const Limit& limit);

}  // namespace vunify
