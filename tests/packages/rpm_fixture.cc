// SPDX-License-Identifier: Apache-2.0
#include "tests/packages/rpm_fixture.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <filesystem>
#include <stdexcept>

#include "packages/big_endian.h"

namespace vunify::test {
namespace {

std::string bytes_of(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

// Grows by a tag at a time.
struct Header {
  std::string entries, data;
  std::uint32_t count = 0;

  void add(RpmTag tag, std::uint32_t type, std::size_t values, const std::string& bytes) {
    if (type == 4) data.resize((data.size() + 3) / 4 * 4);
    for (const auto word : {static_cast<std::uint32_t>(tag), type, static_cast<std::uint32_t>(data.size()),
                            static_cast<std::uint32_t>(values)})
      entries += bytes_of(word);
    data += bytes;
    ++count;
  }
  void add_numbers(RpmTag tag, const std::vector<std::uint32_t>& values) {
    std::string bytes;
    for (const auto value : values) bytes += bytes_of(value);
    add(tag, 4, values.size(), bytes);
  }
  void add_strings(RpmTag tag, const std::vector<std::string>& values, std::uint32_t type = 8) {
    std::string bytes;
    for (const auto& value : values) bytes += value + '\0';
    add(tag, type, values.size(), bytes);
  }
};

std::size_t entry_of(const std::string& header, RpmTag tag) {
  std::size_t at = 8;
  while (big_endian(header, at) != static_cast<std::uint32_t>(tag)) at += 16;
  return at;
}

// SQL in a connection that ends without writing its log back.
void execute(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  if (sqlite3_open(path.c_str(), &database) != SQLITE_OK) throw std::runtime_error(path);
  sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  const int status = sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr);
  sqlite3_close(database);
  if (status != SQLITE_OK) throw std::runtime_error(sql);
}

std::string insertion(const std::string& header) {
  std::string digits;
  for (const unsigned char byte : header) digits += fmt::format("{:02x}", byte);
  return "INSERT INTO Packages(blob) VALUES (x'" + digits + "');";
}

}  // namespace

std::string header_of(const std::vector<RpmFile>& files) {
  std::vector<std::string> names, directories;
  std::vector<std::uint32_t> indexes, flags, verify_flags;
  for (const auto& file : files) {
    indexes.push_back(static_cast<std::uint32_t>(directories.size()));
    directories.push_back(file.directory);
    names.push_back(file.name);
    flags.push_back(file.flags);
    verify_flags.push_back(file.verify_flags);
  }
  Header header;
  header.add_strings(RpmTag::name, {"demo"}, 6);
  header.add_strings(RpmTag::version, {"1.1"}, 6);
  header.add_strings(RpmTag::release, {"1"}, 6);
  if (!files.empty()) {
    header.add_numbers(RpmTag::file_flags, flags);
    header.add_numbers(RpmTag::file_verify_flags, verify_flags);
    header.add_numbers(RpmTag::dir_indexes, indexes);
    header.add_strings(RpmTag::basenames, names);
    header.add_strings(RpmTag::dirnames, directories);
  }
  return bytes_of(header.count) + bytes_of(static_cast<std::uint32_t>(header.data.size())) + header.entries +
         header.data;
}

std::string with_value(std::string header, RpmTag tag, std::size_t at, std::uint32_t value) {
  return header.replace(entry_of(header, tag) + at, 4, bytes_of(value));
}

std::string with_dir_index(std::string header, std::uint32_t index) {
  const auto data = 8 + 16 * big_endian(header, 0);
  return header.replace(data + big_endian(header, entry_of(header, RpmTag::dir_indexes) + offset_at), 4,
                        bytes_of(index));
}

void make_database(const std::string& directory, const std::string& sql) {
  std::filesystem::create_directories(directory);
  execute(directory + "/rpmdb.sqlite", sql);
}

void make_rpmdb(const std::string& directory, const std::vector<std::string>& headers) {
  std::string sql = "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL);";
  for (const auto& header : headers) sql += insertion(header);
  make_database(directory, sql);
}

void leave_log(const std::string& directory, const std::string& header) {
  execute(directory + "/rpmdb.sqlite", "PRAGMA journal_mode = WAL;" + insertion(header));
  std::filesystem::remove(directory + "/rpmdb.sqlite-shm");
}

}  // namespace vunify::test
