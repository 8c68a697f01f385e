// SPDX-License-Identifier: Apache-2.0
// Rows on their way into a table: as INSERTs of many rows, which every PostgreSQL and its kin take, or as one COPY.
#pragma once

#include <string>
#include <vector>

#include "fleet/connection.h"

namespace vunify {

struct Table {
  std::string name;
  std::vector<std::string> columns;
  std::size_t keys;  // so many of them, from the first, are the primary key
};

using TableRows = std::vector<Values>;  // each with a value a column

// A row that is there already is replaced. Nothing for no rows.
std::vector<Statement> upserts(const Table& table, const TableRows& rows);
// No row may be there.
std::vector<Statement> copies(const Table& table, const TableRows& rows);

// "$4, $5, $6"
std::string places(std::size_t first, std::size_t count);

}  // namespace vunify
