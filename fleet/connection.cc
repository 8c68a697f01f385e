// SPDX-License-Identifier: Apache-2.0
#include "fleet/connection.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

namespace vunify {
namespace {

constexpr Oid any_type = 0, bytea_type = 17;
constexpr auto patience_seconds = "15";

// Also where the server says it in several lines, with a hint.
std::string first_line(const char* message) {
  const std::string_view text = message == nullptr ? "" : message;
  const auto line = text.substr(0, text.find('\n'));
  return std::string(line.starts_with("ERROR:  ") ? line.substr(8) : line);
}

void expect_no_password(const std::string& string) {
  char* why = nullptr;
  PQconninfoOption* options = ::PQconninfoParse(string.c_str(), &why);
  if (options == nullptr) {
    const std::string reason = first_line(why);
    ::PQfreemem(why);
    throw std::invalid_argument(reason);
  }
  bool has_password = false;
  for (auto* each = options; each->keyword != nullptr; ++each)
    has_password = has_password || (each->dispchar[0] == '*' && each->val != nullptr);
  ::PQconninfoFree(options);
  if (has_password) throw std::invalid_argument("a password stands in a file of its own (passfile=...), not here");
}

// As libpq wants them: arrays side by side, which live as long as the values do.
struct Parameters {
  explicit Parameters(const Values& values) {
    for (const auto& value : values) {
      types.push_back(value.is_blob ? bytea_type : any_type);
      bytes.push_back(value.bytes ? value.bytes->c_str() : nullptr);
      lengths.push_back(value.bytes ? static_cast<int>(value.bytes->size()) : 0);
      formats.push_back(value.is_blob ? 1 : 0);
    }
  }
  int count() const { return static_cast<int>(types.size()); }

  std::vector<Oid> types;
  std::vector<const char*> bytes;
  std::vector<int> lengths, formats;
};

bool has_failed(const PGresult* result) {
  const auto status = ::PQresultStatus(result);
  return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE || status == PGRES_PIPELINE_ABORTED;
}

void expect_change(const Statement& statement, PGresult* result) {
  if (statement.changes_one_row && std::string_view(::PQcmdTuples(result)) != "1") throw RowNotThere();
}

}  // namespace

Value::Value(double number) : bytes(fmt::format("{}", number)) {}

Value Value::blob(std::string bytes) {
  Value value(std::move(bytes));
  value.is_blob = true;
  return value;
}

bool SqlError::may_pass() const {
  constexpr std::array states = {"40001", "40003", "40P01", "57P01", "57P02", "57P03"};
  return state.empty() || state.starts_with("08") || std::ranges::find(states, state) != states.end();
}

void Rows::Clear::operator()(pg_result* result) const { ::PQclear(result); }
std::size_t Rows::size() const { return static_cast<std::size_t>(::PQntuples(result_.get())); }

bool Rows::is_null(std::size_t row, int column) const {
  return ::PQgetisnull(result_.get(), static_cast<int>(row), column) == 1;
}

std::string Rows::text(std::size_t row, int column) const {
  return ::PQgetvalue(result_.get(), static_cast<int>(row), column);
}

std::int64_t Rows::number(std::size_t row, int column) const {
  return std::strtoll(::PQgetvalue(result_.get(), static_cast<int>(row), column), nullptr, 10);
}

double Rows::real(std::size_t row, int column) const {
  return std::strtod(::PQgetvalue(result_.get(), static_cast<int>(row), column), nullptr);
}

std::string Rows::blob(std::size_t row, int column) const {
  std::size_t size = 0;
  const auto* text = reinterpret_cast<const unsigned char*>(::PQgetvalue(result_.get(), static_cast<int>(row), column));
  const std::unique_ptr<unsigned char, void (*)(void*)> bytes(::PQunescapeBytea(text, &size), ::PQfreemem);
  if (!bytes) throw std::bad_alloc();
  return {reinterpret_cast<const char*>(bytes.get()), size};
}

void Connection::Finish::operator()(pg_conn* connection) const { ::PQfinish(connection); }

Connection::Connection(const std::string& string) {
  expect_no_password(string);
  // Weaker than string, service file and environment; of a unix socket libpq asks no certificate.
  ::setenv("PGSSLMODE", "verify-full", 0);
  ::setenv("PGCONNECT_TIMEOUT", patience_seconds, 0);
  // A network that goes dead is noticed in a minute or two. What the string, here "dbname", says comes later and
  // counts.
  constexpr const char *end = nullptr, *patience_ms = "60000", *idle_seconds = "60";
  const std::array keywords = {"tcp_user_timeout", "keepalives_idle",           "dbname",
                               "client_encoding",  "fallback_application_name", end};
  const std::array values = {patience_ms, idle_seconds, string.c_str(), "UTF8", "vfleet", end};
  connection_.reset(::PQconnectdbParams(keywords.data(), values.data(), 1));
  if (::PQstatus(connection_.get()) != CONNECTION_OK) fail(nullptr);
  ::PQsetNoticeProcessor(
      connection_.get(), [](void*, const char*) {}, nullptr);
}

// What is wrong with the connection says libpq once it knows of no result.
void Connection::fail(const pg_result* result) const {
  const char* state = ::PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const bool is_lost = ::PQstatus(connection_.get()) != CONNECTION_OK;
  const auto message =
      first_line(result == nullptr ? ::PQerrorMessage(connection_.get()) : ::PQresultErrorMessage(result));
  throw SqlError(message, is_lost || state == nullptr ? "" : state);
}

Rows Connection::ask(const std::string& sql, const Values& values) {
  const Parameters with(values);
  Rows rows(::PQexecParams(connection_.get(), sql.c_str(), with.count(), with.types.data(), with.bytes.data(),
                           with.lengths.data(), with.formats.data(), 0));
  if (!rows.result_ || has_failed(rows.result_.get())) fail(rows.result_.get());
  return rows;
}

void Connection::carry_out(const std::vector<Statement>& statements) {
  const bool copies = std::ranges::any_of(statements, [](const Statement& each) { return !each.copied.empty(); });
  try {
    copies ? one_by_one(statements) : send_all(statements);
    ask("COMMIT", {});
  } catch (...) {
    // Where that fails, the connection is lost, and the server takes it back by itself.
    const Rows taken_back(::PQexec(connection_.get(), "ROLLBACK"));
    throw;
  }
}

void Connection::one_by_one(const std::vector<Statement>& statements) {
  ask("BEGIN", {});
  for (const auto& statement : statements) {
    const auto rows = ask(statement.sql, statement.values);
    if (!statement.copied.empty()) copy(statement.copied);
    expect_change(statement, rows.result_.get());
  }
}

void Connection::copy(const std::string& rows) {
  auto* connection = connection_.get();
  if (::PQputCopyData(connection, rows.data(), static_cast<int>(rows.size())) != 1) fail(nullptr);
  if (::PQputCopyEnd(connection, nullptr) != 1) fail(nullptr);
  std::optional<Rows> first;
  while (auto* result = ::PQgetResult(connection)) {
    Rows rest(result);
    if (!first) first = std::move(rest);
  }
  if (!first || has_failed(first->result_.get())) fail(first ? first->result_.get() : nullptr);
}

void Connection::send(const Statement& statement) {
  const Parameters with(statement.values);
  const int is_sent = ::PQsendQueryParams(connection_.get(), statement.sql.c_str(), with.count(), with.types.data(),
                                          with.bytes.data(), with.lengths.data(), with.formats.data(), 0);
  if (is_sent != 1) fail(nullptr);
}

// libpq reads what comes while it cannot send, so neither side waits for the other for ever.
void Connection::send_all(const std::vector<Statement>& statements) {
  auto* connection = connection_.get();
  ::PQenterPipelineMode(connection);
  send({.sql = "BEGIN"});
  for (const auto& statement : statements) send(statement);
  if (::PQpipelineSync(connection) != 1) fail(nullptr);
  const auto results = take_results(statements.size() + 1);
  ::PQexitPipelineMode(connection);
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (has_failed(results[i].result_.get())) fail(results[i].result_.get());
    if (i > 0) expect_change(statements[i - 1], results[i].result_.get());
  }
}

// Of so many statements, and what ends them all.
std::vector<Rows> Connection::take_results(std::size_t count) {
  std::vector<Rows> results;
  for (std::size_t i = 0; i < count; ++i) {
    results.emplace_back(::PQgetResult(connection_.get()));
    if (!results.back().result_) fail(nullptr);
    const Rows none(::PQgetResult(connection_.get()));
  }
  const Rows end(::PQgetResult(connection_.get()));
  return results;
}

}  // namespace vunify
