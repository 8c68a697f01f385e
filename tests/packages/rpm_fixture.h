// SPDX-License-Identifier: Apache-2.0
// Databases as rpm makes them, without rpm: headers of a few files, in a table of SQLite's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "packages/rpm_header.h"

namespace vunify::test {

struct RpmFile {
  std::string directory;  // with its slash
  std::string name;
  std::uint32_t flags = 0;
  std::uint32_t verify_flags = ~0u;
};

// Of the package demo-1.1-1.
std::string header_of(const std::vector<RpmFile>& files);

// A copy of a header in which one number of a tag's entry is another.
constexpr std::size_t offset_at = 8, count_at = 12;
std::string with_value(std::string header, RpmTag tag, std::size_t at, std::uint32_t value);
// In which the first file's directory is another.
std::string with_dir_index(std::string header, std::uint32_t index);

// Makes directory/rpmdb.sqlite by these statements; by those that rpm makes it with.
void make_database(const std::string& directory, const std::string& sql);
void make_rpmdb(const std::string& directory, const std::vector<std::string>& headers);
// Adds a package, as a killed rpm leaves it: committed to rpmdb.sqlite-wal only.
void leave_log(const std::string& directory, const std::string& header);

}  // namespace vunify::test
