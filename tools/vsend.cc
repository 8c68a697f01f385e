// SPDX-License-Identifier: Apache-2.0
// vsend: a guest on its way to another host, where vreceive makes it.
#include <fcntl.h>
#include <fmt/format.h>
#include <tbb/global_control.h>
#include <unistd.h>

#include <thread>

#include "clone/still_source.h"
#include "host/who_runs.h"
#include "move/send.h"
#include "sys/coprocess.h"
#include "sys/process.h"
#include "sys/terminal.h"
#include "tools/cli.h"
#include "tools/one_guest.h"
#include "tools/session.h"
#include "tools/text.h"

namespace vunify {
namespace {

struct SendOptions {
  std::vector<std::string> guests;  // one
  std::string to, have;
  std::string config = "/etc/vservers";
  unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
  bool ask = false, quiet = false;
};

SendOptions parse(int argc, char** argv) {
  SendOptions options;
  CommandLine line(
      "[options] GUEST --to COMMAND",
      "Sends a stopped guest to another host, whose vreceive makes it: vsend GUEST --to 'ssh HOST vreceive NAME' asks "
      "which contents are there, and sends the others. A pipe has no way back: vsend GUEST | ssh HOST vreceive NAME "
      "sends all, compressed, but for what --have lists. A word with a slash is a directory, else a guest's name.");
  line.option("--to", "COMMAND", into(options.to), "run it (by sh), and talk with the vreceive at its other end");
  line.flag("--ask", options.ask, "in a pipe: what vreceive writes comes back on standard input");
  line.option("--have", "FILE", into(options.have),
              "in a pipe: what the other host has, as its vreceive --have NAME wrote it");
  line.option("--config", "DIR", directory_into(options.config),
              "where guests are configured (default: /etc/vservers)");
  line.option("--jobs", "N", count_into(options.jobs), "threads that read (default: one a processor)");
  line.flag("-q", options.quiet, "say nothing unless something failed");
  line.operands("GUEST", options.guests, "the guest to send");
  line.exits({Exit::done, Exit::partial, Exit::usage, Exit::refused, Exit::fatal});
  line.parse(argc, argv);
  if (options.guests.size() != 1) throw Failed(Exit::usage, "one guest is to be named; see vsend --help");
  if ((options.ask ? 1 : 0) + (options.to.empty() ? 0 : 1) + (options.have.empty() ? 0 : 1) > 1)
    throw Failed(Exit::usage, "--to, --ask, --have: one of them; the first two ask the other host");
  if (options.to.empty() && terminal_columns(STDOUT_FILENO))
    throw Failed(Exit::usage, "standard output is a terminal: give --to, or a pipe to vreceive; see vsend --help");
  return options;
}

std::optional<HaveList> read_have(const std::string& path) {
  if (path.empty()) return std::nullopt;
  try {
    return HaveList::read(open_host(path, O_RDONLY).get());
  } catch (const std::exception& error) {
    throw Failed(Exit::usage, "--have: " + printable(path) + ": " + one_line(error.what()));
  }
}

struct Moved {
  Sent sent;
  Exit exit = Exit::done;
};

// What the other side complained of it has told by itself.
Moved send_to(const std::string& command, const SendRequest& request) {
  Coprocess other(command);
  StreamOut out(other.to());
  StreamIn answers(other.from());
  try {
    Moved moved{send_guest(request, out, &answers)};
    if (const int status = other.finish(); status != 0) {
      complain(fmt::format("the guest has arrived, but the command ended with status {}", status));
      moved.exit = Exit::partial;
    }
    return moved;
  } catch (const BadStream& error) {
    throw Failed(Exit::fatal,
                 fmt::format("not received: {} (the command ended with status {})", error.what(), other.finish()));
  } catch (const std::system_error& error) {
    if (!is_error(error, EPIPE)) throw;
    throw Failed(Exit::fatal, fmt::format("not received: the command ended with status {}", other.finish()));
  }
}

Moved send_through_pipe(bool is_answered, const SendRequest& request) {
  StreamOut out(STDOUT_FILENO);
  StreamIn answers(STDIN_FILENO);
  try {
    return {send_guest(request, out, is_answered ? &answers : nullptr)};
  } catch (const BadStream& error) {
    throw Failed(Exit::fatal, std::string("not received: ") + error.what());
  } catch (const std::system_error& error) {
    if (!is_error(error, EPIPE)) throw;
    throw Failed(Exit::fatal, "not received: nobody reads the pipe");
  }
}

Moved send(const SendOptions& options, const SendRequest& request) {
  try {
    return options.to.empty() ? send_through_pipe(options.ask, request) : send_to(options.to, request);
  } catch (const Changed& error) {
    throw Failed(Exit::refused, printable(error.what()));
  }
}

// Where a pipe carries the guest, vreceive tells.
void tell(const SendOptions& options, const Guest& guest, const Sent& sent) {
  for (const auto& left : sent.left) complain("left: " + printable(left));
  if (options.quiet || options.to.empty()) return;
  print(
      fmt::format("sent {}: {} names, {} files ({}); {} of them sent ({}), the others were there; {} bytes through the "
                  "pipe\n",
                  printable(guest.path()), format_count(sent.names), format_count(sent.files), format_bytes(sent.bytes),
                  format_count(sent.sent_files), format_bytes(sent.sent_bytes), sent.through_the_pipe));
}

Exit vsend(int argc, char** argv) {
  const auto options = parse(argc, argv);
  if (!is_root()) throw Failed(Exit::refused, "only root may read all of a guest");
  const auto& word = options.guests[0];
  HostGuest known;
  if (!is_directory_word(word)) known = find_host_guest(word, options.config);
  const auto guest = open_guest(known.root.empty() ? word : known.root);
  const StillSource still(guest, who_runs({guest.root.host_path()}).front(), true);
  if (const auto reason = still.why_not(); !reason.empty())
    throw Failed(Exit::refused, printable(guest.path()) + ": " + reason + ": stop it first");
  const auto have = read_have(options.have);
  const tbb::global_control threads(tbb::global_control::max_allowed_parallelism, options.jobs);
  const auto [sent, exit] =
      send(options, {.guest = &guest, .context = known.xid, .have = have ? &*have : nullptr, .why_not = [&still] {
                       return still.why_not();
                     }});
  tell(options, guest, sent);
  return sent.left.empty() ? exit : Exit::partial;
}

}  // namespace
}  // namespace vunify

int main(int argc, char** argv) { return vunify::run_tool(argc, argv, vunify::vsend); }
