// SPDX-License-Identifier: Apache-2.0
#include "fleet/database.h"

#include <chrono>
#include <random>
#include <thread>

namespace vunify {
namespace {

constexpr std::chrono::milliseconds first_wait(40);

// Hosts that were in each other's way do not meet again.
void wait_before(int attempt) {
  std::random_device random;
  const double share = std::uniform_real_distribution(0.5, 1.5)(random);
  std::this_thread::sleep_for(share * first_wait * (1 << attempt));
}

}  // namespace

Database::Database(std::string connection) : string_(std::move(connection)), connection_(string_) {}

void Database::retry(const std::function<void()>& work) {
  for (int attempt = 0;; ++attempt) try {
      if (!connection_) connection_.emplace(string_);
      return work();
    } catch (const SqlError& error) {
      if (error.state.empty() || error.state.starts_with("57P")) connection_.reset();
      if (!error.may_pass() || attempt + 1 == most_attempts) throw;
      wait_before(attempt);
    }
}

Rows Database::ask(const std::string& sql, const Values& values) {
  std::optional<Rows> rows;
  retry([&] { rows = connection_->ask(sql, values); });
  return std::move(*rows);
}

void Database::carry_out(const std::vector<Statement>& statements) {
  retry([&] { connection_->carry_out(statements); });
}

}  // namespace vunify
