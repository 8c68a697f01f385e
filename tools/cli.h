// SPDX-License-Identifier: Apache-2.0
// The command line of a program: what it takes, and what of that --help tells.
//
//     Exit vunify(int argc, char** argv) {
//       CommandLine line("[options] DIR DIR...", "Makes equal files of different guests one inode.");
//       line.flag("-n,--dry-run", dry_run, "print the plan, change nothing");
//       line.option("--min-size", "SIZE", size_into(min_size), "leave smaller files alone");
//       line.operands("DIR", roots, "guest roots");
//       line.exits({Exit::done, Exit::partial, Exit::usage});
//       line.parse(argc, argv);
//       ...
//     }
//     int main(int argc, char** argv) { return run_tool(argc, argv, vunify); }
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/run_tool.h"

namespace vunify {

// Takes one value of an option. Throws std::invalid_argument("not a size") for what it does not like.
using Take = std::function<void(const std::string& value)>;
Take into(std::string& value);
Take into(std::vector<std::string>& values);  // may be given many times
Take path_into(std::string& path);            // absolute, also where a relative one is given
Take directory_into(std::string& path);       // likewise, of one that is there
Take size_into(std::uint64_t& bytes);
Take duration_into(std::optional<std::chrono::seconds>& time);
Take count_into(unsigned& count);  // 1 and more
Take choice_into(std::string& value, std::vector<std::string> choices);

// The table of a tool's arguments. --help and --version are in every one. What parse() fills lives with the caller.
class CommandLine {
 public:
  // synopsis: the usage line without the tool's name. description: a sentence or two.
  CommandLine(std::string synopsis, std::string description);
  ~CommandLine();

  // names: "-n,--dry-run".
  void flag(const std::string& names, bool& given, const std::string& help);
  void flag(const std::string& names, unsigned& times, const std::string& help);
  // "--csv" sets word to `plain`, "--csv=WORD" to one of the choices.
  void flag(const std::string& name, std::string& word, const std::string& plain, std::vector<std::string> choices,
            const std::string& help);
  // Values are taken in the order of the command line, across options: --exclude and --exclude-from keep theirs.
  void option(const std::string& names, const std::string& placeholder, Take take, const std::string& help);
  void operands(const std::string& placeholder, std::vector<std::string>& values, const std::string& help);
  // What follows a "--" that comes after so many operands or more; an earlier one says that all that follows are
  // operands.
  void tail(const std::string& placeholder, std::size_t operands, std::vector<std::string>& values,
            const std::string& help);
  // What it may end with, for --help; the man page has to tell the same (packaging/man_page.sh).
  void exits(std::vector<Exit> codes);

  // Throws Failed{usage}, one line: "--min-size: 12Q: not a size". A std::system_error of a Take is one, too. After
  // --help and --version run_tool() ends well.
  void parse(int argc, char** argv);

 private:
  struct Table;
  std::unique_ptr<Table> table_;
};

}  // namespace vunify
