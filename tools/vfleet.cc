// SPDX-License-Identifier: Apache-2.0
// vfleet: what the guests of many hosts use together, in a database that they all push to.
#include "tools/vfleet.h"

#include <array>

#include "fleet/schema.h"
#include "tools/verbs.h"

namespace vunify {
namespace {

constexpr std::array verbs = {
    NamedVerb{"push", "", "tell the fleet what this host's guests use and hold", vfleet_push},
    NamedVerb{"report", "", "tell what all hosts use, where a guest fits best, what a move saves", vfleet_report},
    NamedVerb{"schema", "", "print the tables that an admin makes once", vfleet_schema},
};

Exit vfleet(int argc, char** argv) {
  return carry_out(argc, argv, verbs,
                   "Keeps what the guests of many hosts use and hold in one database; see vfleet(8).",
                   {Exit::done, Exit::partial, Exit::usage, Exit::refused, Exit::fatal});
}

}  // namespace

Exit vfleet_schema(int argc, char** argv) {
  CommandLine line("schema", "Prints the tables of a fleet as SQL, for an admin to run once: vfleet schema | psql.");
  line.exits({Exit::done, Exit::usage, Exit::fatal});
  line.parse(argc, argv);
  print(fleet_ddl());
  return Exit::done;
}

}  // namespace vunify

int main(int argc, char** argv) { return vunify::run_tool(argc, argv, vunify::vfleet); }
