// SPDX-License-Identifier: Apache-2.0
#include "packages/sqlite_rows.h"

#include <sqlite3.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "sys/inode.h"
#include "sys/mapped_file.h"

namespace vunify {
namespace {

constexpr int most_blob_bytes = 64 << 20;  // the header of a package of 100,000 files has 15 MB

using Database = std::unique_ptr<sqlite3, int (*)(sqlite3*)>;
using Statement = std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)>;

void expect(bool well) {
  if (!well) throw std::runtime_error("forged or damaged");
}

// Nothing that stands in the schema is run: no view, no trigger, no function but the harmless ones.
void distrust(sqlite3* database) {
  const auto set = [&](int option, int value) {
    expect(sqlite3_db_config(database, option, value, nullptr) == SQLITE_OK);
  };
  set(SQLITE_DBCONFIG_DEFENSIVE, 1);
  set(SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0);
  set(SQLITE_DBCONFIG_ENABLE_VIEW, 0);
  set(SQLITE_DBCONFIG_ENABLE_TRIGGER, 0);
  sqlite3_limit(database, SQLITE_LIMIT_LENGTH, most_blob_bytes);
  sqlite3_limit(database, SQLITE_LIMIT_ATTACHED, 0);
  expect(sqlite3_exec(database, "PRAGMA cell_size_check = ON", nullptr, nullptr, nullptr) == SQLITE_OK);
}

Database open_image(const MappedFile& image, std::size_t bytes) {
  sqlite3* opened = nullptr;
  const int status = sqlite3_open_v2(":memory:", &opened, SQLITE_OPEN_READWRITE, nullptr);
  Database database(opened, sqlite3_close);
  expect(status == SQLITE_OK);
  const auto size = static_cast<sqlite3_int64>(bytes);
  auto* memory = static_cast<unsigned char*>(image.memory());
  expect(sqlite3_deserialize(opened, "main", memory, size, size, SQLITE_DESERIALIZE_READONLY) == SQLITE_OK);
  distrust(opened);
  return database;
}

Statement prepare(sqlite3* database, const std::string& query) {
  sqlite3_stmt* prepared = nullptr;
  expect(sqlite3_prepare_v2(database, query.c_str(), -1, &prepared, nullptr) == SQLITE_OK);
  return {prepared, sqlite3_finalize};
}

// A real table has a page of its own; a view, or a table that is computed, has none.
void expect_real_table(sqlite3* database, const std::string& table) {
  const auto found = prepare(database, "SELECT type = 'table' AND rootpage > 0 FROM sqlite_schema WHERE name = '" +
                                           table + "' COLLATE NOCASE");
  expect(sqlite3_step(found.get()) == SQLITE_ROW && sqlite3_column_int(found.get(), 0) == 1);
  expect(sqlite3_step(found.get()) == SQLITE_DONE);
}

}  // namespace

void read_blobs(int fd, const char* table, const char* column, const std::function<void(std::string_view)>& visit) {
  const auto bytes = stat_fd(fd).stamp.size;
  const MappedFile image(fd, bytes);
  const auto database = open_image(image, bytes);
  expect_real_table(database.get(), table);
  const auto rows = prepare(database.get(), std::string("SELECT ") + column + " FROM " + table);
  int status = SQLITE_ROW;
  while ((status = sqlite3_step(rows.get())) == SQLITE_ROW) {
    const auto* blob = static_cast<const char*>(sqlite3_column_blob(rows.get(), 0));
    visit({blob, static_cast<std::size_t>(sqlite3_column_bytes(rows.get(), 0))});
  }
  expect(status == SQLITE_DONE);
}

}  // namespace vunify
