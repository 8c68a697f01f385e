// SPDX-License-Identifier: Apache-2.0
// Who may use how much, and who has: one LMDB file in the state directory, root's alone, that many programs write to at
// a time.
//
//   header     "version"
//   limits     filesystem, xid -> Limit
//   accounts   filesystem, xid, root -> Account
//   user-limits     filesystem, xid, user or group -> Amount
//   user-accounts   filesystem, xid, user or group, root -> Account
//
// Records have a version and a checksum (db/checked.h). A file that is none of ours, or that cannot be read, is refused
// as Damaged; vdlimit --all --begin-anew begins it anew, with what is configured and what is counted. A transaction is
// durable when it ends, and lasts microseconds: nothing in it but what stands here, for all other daemons wait. They
// wait for a lock of a file beside it, not for LMDB's mutex: of a robust mutex a wake-up is lost where the one who was
// woken is killed before he runs, and the others sleep for good.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "account/account.h"
#include "db/lmdb.h"
#include "sys/bell.h"
#include "sys/lock_file.h"

namespace vunify {

struct Damaged : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Ledger;

// Ends without effect unless it is committed. All throw std::system_error, and Damaged for a record that is not as it
// was written.
class LedgerTransaction {
 public:
  LedgerTransaction(const Ledger& ledger, lmdb::Access access);

  std::optional<Limit> limit(const LimitKey& key) const;
  // Whose record is damaged is as if it had never been counted.
  std::optional<Account> account(const AccountKey& key) const;
  // One of each root: of the guest, or of a user in it.
  std::vector<std::pair<AccountKey, Account>> accounts(const LimitKey& key, Whose whose = {}) const;
  std::vector<std::pair<AccountKey, Account>> user_accounts(const LimitKey& key) const;
  std::vector<std::pair<LimitKey, Limit>> limits() const;
  // A limit of a user holds where the guest has one, be it of nothing.
  std::vector<std::pair<Whose, Amount>> user_limits(const LimitKey& key) const;

  void put(const LimitKey& key, const Limit& limit);
  void put(const AccountKey& key, const Account& account);
  void put(const LimitKey& key, Whose whose, const Amount& total);
  void remove(const AccountKey& key);  // of a guest: and those of its users in this root
  void remove(const LimitKey& key);    // and all accounts of it, and limits of its users
  void remove(const LimitKey& key, Whose whose);
  void commit() { transaction_.commit(); }

 private:
  MDB_dbi table_of(const AccountKey& key) const;
  template <typename Take>
  void for_each(MDB_dbi table, const std::string& prefix, const Take& take) const;

  const lmdb::Environment& environment_;
  std::optional<Turn> turn_;  // a reader's is over once he has begun
  lmdb::Transaction transaction_;
};

class Ledger {
 public:
  static constexpr int version = 1;

  // Made where it is missing, but for a reader: then it throws ENOENT. A reader may also have it on a filesystem that
  // cannot be written to. One file is opened once in a process.
  Ledger(const std::string& state_dir, lmdb::Access access);

  LedgerTransaction read() const { return {*this, lmdb::Access::read}; }
  LedgerTransaction change() const { return {*this, lmdb::Access::write}; }
  const std::string& state_dir() const { return state_dir_; }
  const Fd& turns() const { return turns_; }
  // Rung for all daemons: to look at their limit's recalls, and by who has given back. Who only reads has none.
  const Bell& bell() const { return *bell_; }
  // Throws Damaged where the file was cut short under us: to read on in it would end us.
  const lmdb::Environment& whole() const;

 private:
  void check_version(lmdb::Access access) const;

  std::string state_dir_;
  Fd turns_;
  std::optional<Bell> bell_;
  std::unique_ptr<lmdb::Environment> environment_;
};

// Of all accounts of a limit.
Amount claimed_by(const std::vector<std::pair<AccountKey, Account>>& accounts);

// A ledger that is damaged gives its name away, to ledger.damaged, or ledger.damaged-2 where that is taken, and so on;
// whoever has it open goes on with that.
void put_ledger_aside(const std::string& state_dir);

// The lock that a daemon has as long as it spends from this account: who holds a grant without it was killed.
std::string lock_path(const std::string& state_dir, const AccountKey& key);

}  // namespace vunify
