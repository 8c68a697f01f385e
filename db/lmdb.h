// SPDX-License-Identifier: Apache-2.0
// LMDB as values that close themselves. An error throws std::system_error; its own ones (MDB_CORRUPTED, ...) have a
// category of theirs. What a key or value points to is good until its transaction ends or writes.
#pragma once

#include <lmdb.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vunify::lmdb {

// still: a file that nobody writes to, as it is replaced and never changed: read without a lock, or a lock file.
enum class Access { read, write, still };

struct Entry {
  std::string_view key;
  std::string_view value;
};

// One file and its lock file beside it (PATH-lock). Opened once in a process.
class Environment {
 public:
  // Opens all tables; to write, makes what is missing, 0600. Readers of other processes may go on meanwhile.
  Environment(const std::string& path, Access access, const std::vector<std::string>& tables);

  MDB_env* get() const { return env_.get(); }
  MDB_dbi table(std::size_t index) const { return tables_[index]; }
  const std::vector<MDB_dbi>& tables() const { return tables_; }
  // The file, which grows and never shrinks by itself, is shorter than it was: to read on in it would end us.
  bool was_cut_short() const;
  // Of processes that were killed while they read: what they saw is kept, and the file grows, until they are forgotten.
  void forget_dead_readers() const;

 private:
  struct Close {
    void operator()(MDB_env* env) const { ::mdb_env_close(env); }
  };
  std::unique_ptr<MDB_env, Close> env_;
  std::vector<MDB_dbi> tables_;
  mutable std::atomic<std::uint64_t> bytes_ = 0;
};

// Ends without effect unless it is committed. A reading one sees the file as it was when it began, in any one thread at
// a time.
class Transaction {
 public:
  Transaction(const Environment& environment, Access access);

  std::optional<std::string_view> get(MDB_dbi table, std::string_view key) const;
  void put(MDB_dbi table, std::string_view key, std::string_view value);
  void remove(MDB_dbi table, std::string_view key);  // nothing where there is none
  std::size_t size(MDB_dbi table) const;
  void commit();  // durable when it returns

  MDB_txn* handle() const { return txn_.get(); }

 private:
  struct Abort {
    void operator()(MDB_txn* txn) const { ::mdb_txn_abort(txn); }
  };
  std::unique_ptr<MDB_txn, Abort> txn_;
};

// Goes through all tables. False where something cannot be in a file of this size; it may also crash: for a child
// process (sys/child.h). What LMDB keeps of free pages is not looked at: who writes needs a copy.
bool reads_well(const Environment& environment);

// Goes through one table in the order of its keys. Must not outlive its transaction, nor see it committed.
class Cursor {
 public:
  Cursor(const Transaction& transaction, MDB_dbi table);

  std::optional<Entry> first() { return move({}, MDB_FIRST); }
  std::optional<Entry> last() { return move({}, MDB_LAST); }
  std::optional<Entry> next() { return move({}, MDB_NEXT); }
  std::optional<Entry> previous() { return move({}, MDB_PREV); }
  std::optional<Entry> current() { return move({}, MDB_GET_CURRENT); }
  std::optional<Entry> find(std::string_view key) { return move(key, MDB_SET_KEY); }
  std::optional<Entry> at_or_after(std::string_view key) { return move(key, MDB_SET_RANGE); }

  void put(std::string_view key, std::string_view value);
  void append(std::string_view key, std::string_view value);  // key is greater than all others: fills pages whole
  void remove();                                              // what it stands on; then it stands on the next one

 private:
  struct Close {
    void operator()(MDB_cursor* cursor) const { ::mdb_cursor_close(cursor); }
  };
  std::optional<Entry> move(std::string_view key, MDB_cursor_op operation);
  std::unique_ptr<MDB_cursor, Close> cursor_;
};

}  // namespace vunify::lmdb
