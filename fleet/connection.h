// SPDX-License-Identifier: Apache-2.0
// PostgreSQL's wire protocol by libpq, of which nothing is known outside of connection.cc. What the connection string
// does not say, libpq takes from its environment, service and password files; of these and no other place it may have a
// password. A server across a network has to prove its name (sslmode=verify-full) unless one of them says otherwise.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

struct pg_conn;
struct pg_result;

namespace vunify {

// What stands for $1, $2, ... in a statement.
struct Value {
  std::optional<std::string> bytes;  // nothing: NULL
  bool is_blob = false;              // bytea; else text, UTF-8 without NUL

  Value(std::string text) : bytes(std::move(text)) {}
  Value(const char* text) : bytes(text) {}
  Value(std::integral auto number) : bytes(std::to_string(number)) {}
  Value(double number);
  Value(std::nullopt_t) {}
  static Value blob(std::string bytes);
};
using Values = std::vector<Value>;

struct Statement {
  std::string sql;
  Values values{};
  std::string copied{};          // of a COPY ... FROM STDIN: its rows
  bool changes_one_row = false;  // or else the transaction is taken back
};

// What a statement returned. Whoever reads a number or bytes has asked for such a column.
class Rows {
 public:
  explicit Rows(pg_result* result) : result_(result) {}

  std::size_t size() const;
  bool is_null(std::size_t row, int column) const;
  std::string text(std::size_t row, int column) const;  // of NULL: empty
  std::int64_t number(std::size_t row, int column) const;
  double real(std::size_t row, int column) const;
  std::string blob(std::size_t row, int column) const;

 private:
  friend class Connection;
  struct Clear {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

struct SqlError : std::runtime_error {
  // message: one line. state: SQLSTATE, empty where the server is not reached, or not any more.
  SqlError(const std::string& message, std::string code) : std::runtime_error(message), state(std::move(code)) {}
  // The same again may go well: another transaction was in the way, or the server ends or begins.
  bool may_pass() const;
  std::string state;
};

struct RowNotThere : std::runtime_error {
  RowNotThere() : std::runtime_error("another push has this host's name") {}
};

class Connection {
 public:
  // Throws SqlError; std::invalid_argument where the string is none, or has a password in it.
  explicit Connection(const std::string& string);

  Rows ask(const std::string& sql, const Values& values);
  // In one transaction, and without a COPY in one turn of the network; then one more to commit. Throws SqlError, or
  // RowNotThere: then nothing of it is there, but where the connection is lost at the commit nobody knows.
  void carry_out(const std::vector<Statement>& statements);

 private:
  void send_all(const std::vector<Statement>& statements);
  void one_by_one(const std::vector<Statement>& statements);
  void send(const Statement& statement);
  void copy(const std::string& rows);
  std::vector<Rows> take_results(std::size_t count);
  [[noreturn]] void fail(const pg_result* result) const;

  struct Finish {
    void operator()(pg_conn* connection) const;
  };
  std::unique_ptr<pg_conn, Finish> connection_;
};

}  // namespace vunify
