// SPDX-License-Identifier: Apache-2.0
// A fleet's database that is really there: one server for all tests of this program, a schema of its own for each.
#pragma once

#include <array>
#include <sstream>
#include <string>
#include <vector>

#include "fleet/push.h"
#include "fleet/schema.h"
#include "tests/scratch.h"

namespace vunify::test {

class FleetServer {
 public:
  static const FleetServer& of_all() {
    static const FleetServer server;
    return server;
  }
  FleetServer() { must(run({script, "start", directory()})); }
  ~FleetServer() { run({script, "stop", directory()}); }
  FleetServer(const FleetServer&) = delete;

  std::string connection() const { return "host=" + directory() + " user=fleet dbname=postgres"; }
  void restart() const { must(run({script, "restart", directory()})); }

 private:
  std::string directory() const { return scratch_ / "postgres"; }

  static constexpr auto script = VUNIFY_SOURCE_DIR "/tests/fleet/postgres.sh";
  struct Open : Scratch {
    Open() { must(run({"chmod", "711", root()})); }
  } scratch_;
};

class FleetTest : public testing::Test {
 protected:
  FleetTest() {
    std::istringstream ddl{std::string(fleet_ddl())};
    for (std::string statement; std::getline(ddl, statement, ';') && statement.size() > 1;) admin_.ask(statement, {});
  }

  // Of this test's own tables.
  std::string connection() const { return FleetServer::of_all().connection() + " options=-csearch_path=" + schema_; }
  std::string sql(const std::string& text) const {
    const auto finished = run({"psql", "-XqAtv", "ON_ERROR_STOP=1", connection()}, text);
    EXPECT_EQ(finished.status, 0) << finished.err;
    return finished.out;
  }

  // All that the fleet knows.
  std::string tables() {
    std::string text;
    for (const auto* table : all_tables) {
      const auto rows = admin_.ask(std::string("SELECT t::text FROM ") + table + " t ORDER BY 1", {});
      for (std::size_t i = 0; i < rows.size(); ++i) text += rows.text(i, 0) + "\n";
    }
    return text;
  }
  void empty_tables() {
    for (const auto* table : all_tables) admin_.ask(std::string("DELETE FROM ") + table, {});
  }

  // Before a statement that changes a table of ours this is done, once it is armed: before the n-th from then on.
  void act_before_a_statement(const std::string& plpgsql) const {
    std::string text =
        "CREATE SEQUENCE statements; CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF "
        "nextval('statements') = 1000 THEN " +
        plpgsql + " END IF; RETURN NULL; END $$;";
    for (const auto* table : all_tables)
      text +=
          std::string("CREATE TRIGGER act BEFORE INSERT OR UPDATE OR DELETE ON ") + table + " EXECUTE FUNCTION act();";
    sql(text);
  }
  void arm(int number) { admin_.ask("SELECT setval('statements', " + std::to_string(1'000 - number) + ")", {}); }
  bool has_acted() { return admin_.ask("SELECT last_value FROM statements", {}).number(0, 0) >= 1'000; }

 private:
  static std::string make_schema() {
    static int number = 0;
    const auto name = "test" + std::to_string(++number);
    Connection(FleetServer::of_all().connection()).ask("CREATE SCHEMA " + name, {});
    return name;
  }

  static constexpr std::array all_tables = {"fleet_host",   "fleet_filesystem", "fleet_usage",
                                            "fleet_sketch", "fleet_top",        "fleet_push"};
  const std::string schema_ = make_schema();
  Connection admin_{connection()};
};

}  // namespace vunify::test
