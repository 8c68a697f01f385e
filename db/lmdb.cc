// SPDX-License-Identifier: Apache-2.0
#include "db/lmdb.h"

#include <fcntl.h>

#include <cstdint>
#include <system_error>

#include "sys/fd.h"
#include "sys/inode.h"

namespace vunify::lmdb {
namespace {

// Address space, not disk: 100 million records take 9 GiB.
constexpr std::size_t map_bytes = std::size_t{64} << 30;
constexpr std::uint64_t lock_bytes = 64 << 10;  // a reader takes 64 of them, and every core is one
constexpr std::size_t least_entry = 16, longest_key = 511, largest_value = 64 << 10;

class Category : public std::error_category {
 public:
  const char* name() const noexcept override { return "lmdb"; }
  std::string message(int code) const override { return ::mdb_strerror(code); }
};

// Positive codes are errno's.
void check(int code, const char* call) {
  static const Category own;
  if (code == MDB_SUCCESS) return;
  throw std::system_error(code, code > 0 ? std::generic_category() : own, call);
}

// LMDB writes to its lock file through a map, and takes it as long as it finds it. On a filesystem that cannot be
// written to, a reader needs none.
void reserve_lock(const std::string& path, Access access) {
  try {
    reserve(open_host(path, O_RDWR | O_CREAT | O_NOFOLLOW).get(), lock_bytes, path);
  } catch (const std::system_error& error) {
    if (access == Access::write || !is_error(error, EROFS)) throw;
  }
}

MDB_val to_value(std::string_view bytes) { return {bytes.size(), const_cast<char*>(bytes.data())}; }

std::string_view to_bytes(const MDB_val& value) { return {static_cast<const char*>(value.mv_data), value.mv_size}; }

MDB_env* make_environment() {
  MDB_env* env = nullptr;
  check(::mdb_env_create(&env), "mdb_env_create");
  return env;
}

bool reads_well(const Transaction& reading, MDB_dbi table, std::size_t most) {
  Cursor cursor(reading, table);
  std::string last;
  std::size_t count = 0;
  for (auto entry = cursor.first(); entry; entry = cursor.next(), ++count) {
    if (count > most || (count > 0 && entry->key <= last)) return false;
    if (entry->key.size() > longest_key || entry->value.size() > largest_value) return false;
    last = entry->key;
    std::string(entry->value).append(1, ' ');  // every byte of it can be read
  }
  return count == reading.size(table);
}

}  // namespace

Environment::Environment(const std::string& path, Access access, const std::vector<std::string>& tables)
    : env_(make_environment()) {
  const bool writes = access == Access::write;
  check(::mdb_env_set_mapsize(get(), map_bytes), "mdb_env_set_mapsize");
  check(::mdb_env_set_maxdbs(get(), static_cast<MDB_dbi>(tables.size())), "mdb_env_set_maxdbs");
  const bool locks = access != Access::still;
  if (locks) reserve_lock(path + "-lock", access);
  const unsigned flags = MDB_NOSUBDIR | MDB_NOTLS | (writes ? 0U : unsigned{MDB_RDONLY}) | (locks ? 0U : MDB_NOLOCK);
  check(::mdb_env_open(get(), path.c_str(), flags, 0600), "mdb_env_open");
  Transaction opening(*this, access);
  for (const auto& name : tables) {
    MDB_dbi table = 0;
    check(::mdb_dbi_open(opening.handle(), name.c_str(), writes ? MDB_CREATE : 0, &table), "mdb_dbi_open");
    tables_.push_back(table);
  }
  opening.commit();
}

Transaction::Transaction(const Environment& environment, Access access) {
  MDB_txn* txn = nullptr;
  check(::mdb_txn_begin(environment.get(), nullptr, access == Access::write ? 0 : MDB_RDONLY, &txn), "mdb_txn_begin");
  txn_.reset(txn);
}

std::optional<std::string_view> Transaction::get(MDB_dbi table, std::string_view key) const {
  auto wanted = to_value(key);
  MDB_val value{};
  const int code = ::mdb_get(handle(), table, &wanted, &value);
  if (code == MDB_NOTFOUND) return std::nullopt;
  check(code, "mdb_get");
  return to_bytes(value);
}

void Transaction::put(MDB_dbi table, std::string_view key, std::string_view value) {
  auto k = to_value(key), v = to_value(value);
  check(::mdb_put(handle(), table, &k, &v, 0), "mdb_put");
}

void Transaction::remove(MDB_dbi table, std::string_view key) {
  auto k = to_value(key);
  const int code = ::mdb_del(handle(), table, &k, nullptr);
  if (code != MDB_NOTFOUND) check(code, "mdb_del");
}

std::size_t Transaction::size(MDB_dbi table) const {
  MDB_stat stat{};
  check(::mdb_stat(handle(), table, &stat), "mdb_stat");
  return stat.ms_entries;
}

void Transaction::commit() { check(::mdb_txn_commit(txn_.release()), "mdb_txn_commit"); }

Cursor::Cursor(const Transaction& transaction, MDB_dbi table) {
  MDB_cursor* cursor = nullptr;
  check(::mdb_cursor_open(transaction.handle(), table, &cursor), "mdb_cursor_open");
  cursor_.reset(cursor);
}

std::optional<Entry> Cursor::move(std::string_view key, MDB_cursor_op operation) {
  auto k = to_value(key);
  MDB_val value{};
  const int code = ::mdb_cursor_get(cursor_.get(), &k, &value, operation);
  if (code == MDB_NOTFOUND || (code == EINVAL && operation == MDB_GET_CURRENT)) return std::nullopt;
  check(code, "mdb_cursor_get");
  return Entry{to_bytes(k), to_bytes(value)};
}

void Cursor::put(std::string_view key, std::string_view value) {
  auto k = to_value(key), v = to_value(value);
  check(::mdb_cursor_put(cursor_.get(), &k, &v, 0), "mdb_cursor_put");
}

void Cursor::append(std::string_view key, std::string_view value) {
  auto k = to_value(key), v = to_value(value);
  check(::mdb_cursor_put(cursor_.get(), &k, &v, MDB_APPEND), "mdb_cursor_put");
}

void Cursor::remove() { check(::mdb_cursor_del(cursor_.get(), 0), "mdb_cursor_del"); }

bool Environment::was_cut_short() const {
  mdb_filehandle_t file = -1;
  check(::mdb_env_get_fd(get(), &file), "mdb_env_get_fd");
  const auto bytes = stat_fd(file).stamp.size;
  if (bytes < bytes_) return true;
  bytes_ = bytes;
  return false;
}

void Environment::forget_dead_readers() const {
  int forgotten = 0;
  check(::mdb_reader_check(get(), &forgotten), "mdb_reader_check");
}

bool reads_well(const Environment& environment) {
  const Transaction reading(environment, Access::read);
  MDB_envinfo now{};
  MDB_stat stat{};
  check(::mdb_env_info(environment.get(), &now), "mdb_env_info");
  check(::mdb_env_stat(environment.get(), &stat), "mdb_env_stat");
  const auto most = (now.me_last_pgno + 1) * stat.ms_psize / least_entry;
  for (const auto table : environment.tables())
    if (!reads_well(reading, table, most)) return false;
  return true;
}

}  // namespace vunify::lmdb
