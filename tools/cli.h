// SPDX-License-Identifier: Apache-2.0
// What every program here shares at its two ends: exit codes, argv in, one line of complaint out.
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
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace vunify {

enum class Exit {
  done = 0,           // all that was asked; a file that vanished or changed meanwhile, or --max-time, is no failure
  partial = 1,        // some guest or file failed, the others are done
  usage = 2,          // the command line or the configuration is wrong; nothing was changed
  refused = 3,        // not root, no protection, no space, a mount not told: nothing was changed
  locked = 4,         // another run holds the lock
  fatal = 5,          // state unreadable, disk full, standard output not writable
  interrupted = 130,  // by SIGINT; what was begun is finished
  terminated = 143,   // by SIGTERM or SIGHUP; likewise
};

// "done", "partial", ...
std::string_view word_of(Exit exit);

// Ends a tool with one line on stderr, none where the message is empty, and an exit code. Only tools throw it. The
// message is ready for a terminal: names in it went through printable().
struct Failed : std::runtime_error {
  Failed(Exit code, const std::string& message) : std::runtime_error(message), exit(code) {}
  Exit exit;
};

// Runs the tool inside its one catch: prints "tool: path: reason", checks that standard output took everything, returns
// the exit code. A std::system_error that comes this far is fatal.
int run_tool(int argc, char** argv, Exit (*tool)(int, char**));

// "tool: message" and a newline on stderr, whatever bytes message holds.
void complain(std::string_view message);

// Text onto standard output; throws Failed{fatal, "standard output: reason"} where it does not take it.
void print(std::string_view text);

// Takes one value of an option. Throws std::invalid_argument("not a size") for what it does not like.
using Take = std::function<void(const std::string& value)>;
Take into(std::string& value);
Take into(std::vector<std::string>& values);  // may be given many times
Take path_into(std::string& path);            // absolute, also where a relative one is given
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
  // Values are taken in the order of the command line, across options: --exclude and --exclude-from keep theirs.
  void option(const std::string& names, const std::string& placeholder, Take take, const std::string& help);
  void operands(const std::string& placeholder, std::vector<std::string>& values, const std::string& help);
  // What follows a "--" that comes after two operands or more; an earlier one says that all that follows are operands.
  void tail(const std::string& placeholder, std::vector<std::string>& values, const std::string& help);
  // What it may end with, for --help; the man page has to tell the same (packaging/man_page.sh).
  void exits(std::vector<Exit> codes);

  // Throws Failed{usage}, one line: "--min-size: 12Q: not a size". A std::system_error of a Take is one, too. After
  // --help and --version run_tool() ends well.
  void parse(int argc, char** argv);

 private:
  struct Table;
  std::unique_ptr<Table> table_;
};

// For a tool that reads argv by itself: print the text, then end well.
[[noreturn]] void answer(std::string_view text);
std::string version_line();
std::string exit_line(const std::vector<Exit>& codes);
std::string tool_name();

}  // namespace vunify
