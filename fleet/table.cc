// SPDX-License-Identifier: Apache-2.0
#include "fleet/table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace vunify {
namespace {

constexpr std::size_t most_rows = 500;           // the protocol ends at 65,535 values
constexpr std::size_t most_bytes = 1024 * 1024;  // CockroachDB takes 16 MiB a message

std::string conflict_of(const Table& table) {
  std::vector<std::string> keys, others;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const auto& column = table.columns[i];
    if (i < table.keys)
      keys.push_back(column);
    else
      others.push_back(fmt::format("{0} = excluded.{0}", column));
  }
  return fmt::format("ON CONFLICT ({}) DO UPDATE SET {}", fmt::join(keys, ", "), fmt::join(others, ", "));
}

std::size_t bytes_of(const Values& row) {
  std::size_t bytes = 0;
  for (const auto& value : row) bytes += value.bytes ? value.bytes->size() : 0;
  return bytes;
}

Statement insert_of(const Table& table, const Values& values) {
  std::vector<std::string> rows;
  const auto width = table.columns.size();
  for (std::size_t at = 1; at <= values.size(); at += width) rows.push_back("(" + places(at, width) + ")");
  return {fmt::format("INSERT INTO {} ({}) VALUES {} {}", table.name, fmt::join(table.columns, ", "),
                      fmt::join(rows, ", "), conflict_of(table)),
          values};
}

// COPY's text format.
std::string escaped(const std::string& text) {
  std::string escaped;
  for (const char byte : text) {
    if (byte == '\\' || byte == '\n' || byte == '\r' || byte == '\t') escaped += '\\';
    escaped += byte == '\n' ? 'n' : byte == '\r' ? 'r' : byte == '\t' ? 't' : byte;
  }
  return escaped;
}

std::string copied(const Value& value) {
  if (!value.bytes) return "\\N";
  if (!value.is_blob) return escaped(*value.bytes);
  std::string hex = "\\\\x";
  for (const char byte : *value.bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return hex;
}

}  // namespace

std::string places(std::size_t first, std::size_t count) {
  std::vector<std::string> places;
  for (std::size_t i = 0; i < count; ++i) places.push_back("$" + std::to_string(first + i));
  return fmt::format("{}", fmt::join(places, ", "));
}

std::vector<Statement> upserts(const Table& table, const TableRows& rows) {
  std::vector<Statement> statements;
  Values values;
  std::size_t bytes = 0;
  const auto end = [&] {
    if (!values.empty()) statements.push_back(insert_of(table, values));
    values.clear();
    bytes = 0;
  };
  for (const auto& row : rows) {
    values.insert(values.end(), row.begin(), row.end());
    bytes += bytes_of(row);
    if (values.size() >= most_rows * row.size() || bytes >= most_bytes) end();
  }
  end();
  return statements;
}

std::vector<Statement> copies(const Table& table, const TableRows& rows) {
  std::string text;
  for (const auto& row : rows) {
    std::vector<std::string> words;
    for (const auto& value : row) words.push_back(copied(value));
    text += fmt::format("{}\n", fmt::join(words, "\t"));
  }
  if (rows.empty()) return {};
  return {{fmt::format("COPY {} ({}) FROM STDIN", table.name, fmt::join(table.columns, ", ")), {}, text}};
}

}  // namespace vunify
