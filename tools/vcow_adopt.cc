// SPDX-License-Identifier: Apache-2.0
// vcow adopt, vcow release: a stopped guest moved to where no native path leads, and back. No run of vunify is at work
// meanwhile.
#include <algorithm>

#include "guest/adopt.h"
#include "guest/adopted.h"
#include "sys/process.h"
#include "tools/choose.h"
#include "tools/lock_state.h"
#include "tools/one_guest.h"
#include "tools/text.h"
#include "tools/vcow.h"

namespace vunify {
namespace {

struct AdoptOptions {
  std::vector<std::string> guests;  // names, or directories
  std::string state_dir = "/var/lib/vunify";
  std::string config = "/etc/vservers";
};

AdoptOptions parse_adopt(int argc, char** argv, const std::string& verb, const std::string& description) {
  AdoptOptions options;
  CommandLine line(verb + " [options] GUEST...", description);
  line.option("--state", "DIR", path_into(options.state_dir), "where vunify's journals are (default: /var/lib/vunify)");
  line.option("--config", "DIR", directory_into(options.config),
              "where this host's guests are configured (default: /etc/vservers)");
  line.operands("GUEST", options.guests, "stopped guests by name, or their roots");
  line.parse(argc, argv);
  if (options.guests.empty()) throw Failed(Exit::usage, "no guest given (see vcow " + verb + " --help)");
  if (!is_root()) throw Failed(Exit::refused, "only root may move a guest");
  return options;
}

using Roots = std::vector<std::string>;
// known: of all guests that this host's configuration has.
using Move = std::optional<Refusal> (*)(const std::string& dir, const Roots& known);

// A guest that is stopped is known by its configuration alone.
std::optional<Refusal> expect_no_configured_guest(const std::string& dir, Roots known) {
  const auto path = find_guest(dir, read_mounts()).path;
  std::erase(known, path);
  if (auto refusal = expect_outside(path, known)) return refusal;
  const auto beneath = std::ranges::find_if(known, [&](const auto& root) { return root.starts_with(path + "/"); });
  if (beneath == known.end()) return std::nullopt;
  return Refusal{.path = path, .reason = "has " + *beneath + " in it, a guest"};
}

std::optional<Refusal> move_away(const std::string& dir, const Roots& known) {
  auto refusal = expect_no_configured_guest(dir, known);
  return refusal ? refusal : adopt(dir);
}

// Wherever it lies: it may have been adopted before the configuration knew of another.
std::optional<Refusal> move_back(const std::string& dir, const Roots&) { return release(dir); }

// One that is refused leaves the others to be moved.
bool is_moved(const std::string& dir, const Roots& known, Move move) {
  try {
    const auto refusal = move(dir, known);
    if (refusal) complain(printable(refusal->path) + ": " + printable(refusal->reason));
    return !refusal;
  } catch (const std::system_error& error) {
    const std::string reason = error.what();
    complain(printable(reason.find(dir) != std::string::npos ? reason : dir + ": " + reason));
    return false;
  }
}

Exit move_all(const AdoptOptions& options, Move move) {
  const auto host = find_host_guests(options.config);
  Roots dirs, known;
  for (const auto& word : options.guests) dirs.push_back(root_named(word, host));
  for (const auto& guest : host.guests)
    if (!guest.root.empty()) known.push_back(guest.root);
  const auto state = lock_quiet_state(options.state_dir);
  std::size_t moved = 0;
  for (const auto& dir : dirs) moved += is_moved(dir, known, move);
  if (moved == dirs.size()) return Exit::done;
  return moved == 0 ? Exit::refused : Exit::partial;
}

}  // namespace

Exit vcow_adopt(int argc, char** argv) {
  return move_all(
      parse_adopt(argc, argv, "adopt",
                  "Moves the root of a stopped guest into GUEST/../.vcow, and leaves an empty immutable directory: "
                  "mounted by vcow it runs, without it does not start."),
      move_away);
}

Exit vcow_release(int argc, char** argv) {
  return move_all(
      parse_adopt(argc, argv, "release",
                  "Moves the root of an adopted guest back to GUEST. It is unmounted, and shares nothing: vunify "
                  "-R GUEST gives it files of its own."),
      move_back);
}

}  // namespace vunify
