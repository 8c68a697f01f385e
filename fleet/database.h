// SPDX-License-Identifier: Apache-2.0
// The fleet's database. What fails only for now is done again as a whole, on a new connection where the old one is
// lost: so whatever is carried out here may happen twice, and has to leave the same.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fleet/connection.h"

namespace vunify {

class Database {
 public:
  static constexpr int most_attempts = 8;  // in about ten seconds

  // connection: libpq's string, or nothing but its environment. Connects at once, and once: what is wrong there is so
  // the next time, too. Throws as Connection does.
  explicit Database(std::string connection);

  Rows ask(const std::string& sql, const Values& values = {});
  // In one transaction. Where it throws, nothing is changed.
  void carry_out(const std::vector<Statement>& statements);

 private:
  void retry(const std::function<void()>& work);

  std::string string_;
  std::optional<Connection> connection_;  // absent: lost
};

}  // namespace vunify
