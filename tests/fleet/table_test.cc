// SPDX-License-Identifier: Apache-2.0
#include "fleet/table.h"

#include <gmock/gmock.h>

namespace vunify::test {
namespace {

const Table table{"pets", {"owner", "name", "age"}, 2};

TEST(Upserts, AreOneStatementOfManyRows) {
  const auto statements = upserts(table, {{"me", "cat", 3}, {"me", "dog", std::nullopt}});
  ASSERT_EQ(statements.size(), 1u);
  EXPECT_EQ(statements[0].sql,
            "INSERT INTO pets (owner, name, age) VALUES ($1, $2, $3), ($4, $5, $6) ON CONFLICT (owner, name) DO UPDATE "
            "SET age = excluded.age");
  EXPECT_EQ(statements[0].values[2].bytes, "3");
  EXPECT_EQ(statements[0].values[5].bytes, std::nullopt);
}

TEST(Upserts, EndAtFiveHundredRowsOrAMegabyte) {
  EXPECT_TRUE(upserts(table, {}).empty());
  const TableRows small(1'001, {"me", "cat", 3}), large(4, {"me", Value::blob(std::string(600'000, 'x')), 3});
  EXPECT_EQ(upserts(table, small).size(), 3u);
  EXPECT_EQ(upserts(table, small)[2].values.size(), 3u);
  EXPECT_EQ(upserts(table, large).size(), 2u);
}

TEST(Copies, EscapeWhatEndsAFieldOrALine) {
  const auto statements =
      copies(table, {{"a\tb\\", "c\nd\r", std::nullopt}, {"", Value::blob(std::string("\0x", 2)), 1}});
  ASSERT_EQ(statements.size(), 1u);
  EXPECT_EQ(statements[0].sql, "COPY pets (owner, name, age) FROM STDIN");
  EXPECT_EQ(statements[0].copied, "a\\tb\\\\\tc\\nd\\r\t\\N\n\t\\\\x0078\t1\n");
}

}  // namespace
}  // namespace vunify::test
