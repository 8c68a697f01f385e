// SPDX-License-Identifier: Apache-2.0
// vreceive: a guest that comes from another host's vsend.
#include <fmt/format.h>
#include <tbb/global_control.h>
#include <unistd.h>

#include <set>
#include <thread>

#include "hashindex/index.h"
#include "host/add_vserver.h"
#include "move/arrival.h"
#include "move/have_list.h"
#include "move/receive.h"
#include "sys/process.h"
#include "sys/terminal.h"
#include "tools/cli.h"
#include "tools/one_guest.h"
#include "tools/session.h"
#include "tools/text.h"

namespace vunify {
namespace {

struct ReceiveOptions {
  std::vector<std::string> names;  // one
  std::string config = "/etc/vservers";
  std::string state_dir = "/var/lib/vunify";
  unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
  bool have = false, give_up = false, quiet = false;
};

ReceiveOptions parse(int argc, char** argv) {
  ReceiveOptions options;
  CommandLine line("[options] NAME",
                   "Makes a guest of what vsend of another host sends on standard input. Contents that guests here "
                   "have are copied from them. Broken off, what has come is kept, and the next vreceive of this NAME "
                   "goes on, or gives it up. A word with a slash is a directory; else it is a guest's name, for which "
                   "a configuration "
                   "of util-vserver is written.");
  line.flag("--have", options.have, "write what is here on standard output, for vsend --have; receive nothing");
  line.flag("--give-up", options.give_up, "remove what an earlier vreceive of this NAME left that was broken off");
  line.option("--config", "DIR", path_into(options.config), "where guests are configured (default: /etc/vservers)");
  line.option("--state", "DIR", into(options.state_dir),
              "where the index is, which knows guests (default: /var/lib/vunify)");
  line.option("--jobs", "N", count_into(options.jobs), "threads that read and copy (default: one a processor)");
  line.flag("-q", options.quiet, "say nothing unless something failed");
  line.operands("NAME", options.names, "the guest that is to be");
  line.exits({Exit::done, Exit::partial, Exit::usage, Exit::refused, Exit::locked, Exit::fatal});
  line.parse(argc, argv);
  if (options.names.size() != 1) throw Failed(Exit::usage, "one name is to be given; see vreceive --help");
  return options;
}

std::string find_place(const ReceiveOptions& options) {
  const auto& word = options.names[0];
  if (is_directory_word(word)) return resolve_new(word);
  try {
    return place_vserver(options.config, word);
  } catch (const std::invalid_argument& error) {
    throw Failed(Exit::refused, printable(word) + ": " + error.what());
  }
}

// Of guests whose contents may be copied: those that are configured, and those of earlier runs.
std::set<std::string> known_roots(const ReceiveOptions& options) {
  const auto configured = guest_roots_of(options.config);
  std::set<std::string> roots(configured.begin(), configured.end());
  const auto opened = Index::open(options.state_dir, lmdb::Access::read);
  if (opened.index != nullptr)
    for (const auto& guest : opened.index->store().guests()) roots.insert(guest.root);
  return roots;
}

std::vector<RootDir> open_those_here(const std::set<std::string>& roots) {
  std::vector<RootDir> opened;
  for (const auto& root : roots) try {
      opened.emplace_back(root);
    } catch (const std::system_error&) {  // off
    }
  return opened;
}

Exit list_what_is_here(const std::string& path, std::vector<RootDir> guests) {
  if (terminal_columns(STDOUT_FILENO)) throw Failed(Exit::usage, "--have: standard output is a terminal");
  for (auto& earlier : earlier_arrivals(path)) guests.push_back(std::move(earlier));
  list_contents(find_alike(guests, nullptr)).write(STDOUT_FILENO);
  return Exit::done;
}

// What of it stays where a guest has not come as a whole.
std::string kept(const std::string& path) {
  if (earlier_arrivals(path).empty()) return "";
  return "; what has come is kept: the next vreceive goes on from it, or --give-up removes it";
}

[[noreturn]] void refuse(const std::string& path, const std::system_error& error) {
  const bool is_refused = is_error(error, EPERM) || is_error(error, EEXIST) || is_error(error, EXDEV);
  throw Failed(is_refused ? Exit::refused : Exit::fatal, printable(path) + ": " + one_line(error.what()) + kept(path));
}

Exit give_up(const ReceiveOptions& options, const std::string& path) {
  try {
    const bool was_there = give_up_arrival(path);
    if (!options.quiet) print(printable(path) + (was_there ? ": given up\n" : ": nothing was left of it\n"));
    return Exit::done;
  } catch (const PlaceInUse& error) {
    throw Failed(Exit::locked, printable(error.what()));
  }
}

Received receive(const std::string& path, const std::vector<RootDir>& guests) {
  StreamIn in(STDIN_FILENO);
  StreamOut answers(STDOUT_FILENO);
  try {
    return receive_guest(path, guests, in, answers);
  } catch (const BadStream& error) {
    throw Failed(Exit::fatal, printable(path) + ": not received: " + printable(error.what()) + kept(path));
  } catch (const PlaceInUse& error) {
    throw Failed(Exit::locked, printable(error.what()));
  } catch (const std::system_error& error) {
    refuse(path, error);
  }
}

// The tree is in its place by now.
Exit configure(const ReceiveOptions& options, const std::string& path, Received& received) {
  const auto& name = options.names[0];
  if (is_directory_word(name)) return Exit::done;
  try {
    auto context = received.context;
    if (context && !is_context_free(*context, options.config, options.state_dir)) context.reset();
    if (context != received.context)
      received.told.push_back(fmt::format("{}: context {} is not free here: it has none", name, *received.context));
    add_vserver(options.config, name, path, context);
    return Exit::done;
  } catch (const std::exception& error) {
    complain(one_line(error.what()) + ": " + printable(path) + " is there, but has no configuration");
    return Exit::partial;
  }
}

// Of other guests, here.
void tell_what_is_left(const std::string& path) {
  const std::string directory(split_path(path).parent);
  for (const auto& name : arrivals_left_in(directory))
    complain(printable(join_path(directory, name)) + ": " + arrival_left);
}

// Where answers go to standard output, vsend tells.
void tell(const ReceiveOptions& options, const std::string& path, const Received& received) {
  for (const auto& told : received.told) complain(printable(told));
  tell_what_is_left(path);
  if (options.quiet || received.is_two_way) return;
  print(fmt::format("received {}: {} names, {} files ({}); {} of them were here ({})\n", printable(path),
                    format_count(received.names), format_count(received.files), format_bytes(received.bytes),
                    format_count(received.here_files), format_bytes(received.here_bytes)));
}

Exit vreceive(int argc, char** argv) {
  const auto options = parse(argc, argv);
  if (!is_root()) throw Failed(Exit::refused, "only root may make a guest");
  const auto path = find_place(options);
  if (options.give_up) return give_up(options, path);
  const auto roots = known_roots(options);
  obey(expect_outside(path, {roots.begin(), roots.end()}));
  const auto guests = open_those_here(roots);
  const tbb::global_control threads(tbb::global_control::max_allowed_parallelism, options.jobs);
  if (options.have) return list_what_is_here(path, open_those_here(roots));
  auto received = receive(path, guests);
  const auto exit = configure(options, path, received);
  tell(options, path, received);
  return received.told.empty() ? exit : Exit::partial;
}

}  // namespace
}  // namespace vunify

int main(int argc, char** argv) { return vunify::run_tool(argc, argv, vunify::vreceive); }
