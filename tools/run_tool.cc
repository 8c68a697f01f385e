// SPDX-License-Identifier: Apache-2.0
#include "tools/run_tool.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <new>
#include <system_error>

#include "tools/text.h"

namespace vunify {
namespace {

constexpr std::array<std::pair<Exit, std::string_view>, 8> exit_words = {{
    {Exit::done, "done"},
    {Exit::partial, "partial"},
    {Exit::usage, "usage"},
    {Exit::refused, "refused"},
    {Exit::locked, "locked"},
    {Exit::fatal, "fatal"},
    {Exit::interrupted, "interrupted"},
    {Exit::terminated, "terminated"},
}};

struct Answered {};

Exit fail(std::string_view message, Exit exit) {
  if (!message.empty()) complain(message);
  return exit;
}

Exit run(int argc, char** argv, Exit (*tool)(int, char**)) {
  try {
    return tool(argc, argv);
  } catch (const Answered&) {
    return Exit::done;
  } catch (const Failed& failed) {
    return fail(failed.what(), failed.exit);
  } catch (const std::bad_alloc&) {
    return fail("out of memory", Exit::fatal);
  } catch (const std::exception& error) {
    return fail(printable(error.what()), Exit::fatal);
  }
}

std::string stdout_reason() { return "standard output: " + std::generic_category().message(errno != 0 ? errno : EIO); }

// A full disk shows only when the buffer is written out.
Exit flushed(Exit exit) {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit;
  return fail(stdout_reason(), Exit::fatal);
}

}  // namespace

std::string_view word_of(Exit exit) {
  return std::ranges::find(exit_words, exit, &std::pair<Exit, std::string_view>::first)->second;
}

int run_tool(int argc, char** argv, Exit (*tool)(int, char**)) {
  // A reader that went away is an error of standard output like any other, not a reason to die between two names.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // likewise a file that grows to its limit (ulimit -f)
  const Exit exit = run(argc, argv, tool);
  // What went wrong before is what counts.
  const bool worth_checking = exit == Exit::done || exit == Exit::partial;
  return static_cast<int>(worth_checking ? flushed(exit) : exit);
}

void complain(std::string_view message) {
  const auto line = one_line(tool_name() + ": " + std::string(message)) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void print(std::string_view text) {
  errno = 0;
  const bool is_written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (!is_written || std::fflush(stdout) != 0) throw Failed(Exit::fatal, stdout_reason());
}

void answer(std::string_view text) {
  print(text);
  throw Answered{};
}

std::string tool_name() { return ::program_invocation_short_name; }

std::string version_line() { return tool_name() + " " VUNIFY_VERSION "\n"; }

std::string exit_line(const std::vector<Exit>& codes) {
  std::vector<std::string> words;
  words.reserve(codes.size());
  for (const auto code : codes) words.push_back(fmt::format("{} {}", static_cast<int>(code), word_of(code)));
  return fmt::format("\nExit status: {}\n", fmt::join(words, ", "));
}

}  // namespace vunify
