// SPDX-License-Identifier: Apache-2.0
// How every program here begins and ends: its one catch, exit codes, and one line of complaint.
#pragma once

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

// For a tool that reads argv by itself: print the text, then end well.
[[noreturn]] void answer(std::string_view text);
std::string version_line();
std::string exit_line(const std::vector<Exit>& codes);
std::string tool_name();

}  // namespace vunify
