// SPDX-License-Identifier: Apache-2.0
// vcow adopt, vcow release: a stopped guest moved to where no native path leads, and back. No run of vunify is at work
// meanwhile.
#include "guest/adopt.h"
#include "sys/process.h"
#include "tools/text.h"
#include "tools/vcow.h"
#include "tools/vcow_state.h"

namespace vunify {
namespace {

struct Options {
  std::vector<std::string> dirs;
  std::string state_dir = "/var/lib/vunify";
};

Options parse(int argc, char** argv, const std::string& verb, const std::string& description) {
  Options options;
  CommandLine line(verb + " [options] DIR...", description);
  line.option("--state", "DIR", path_into(options.state_dir), "where vunify's journals are (default: /var/lib/vunify)");
  line.operands("DIR", options.dirs, "roots of stopped guests");
  line.parse(argc, argv);
  if (options.dirs.empty()) throw Failed(Exit::usage, "no directory given (see vcow " + verb + " --help)");
  if (!is_root()) throw Failed(Exit::refused, "only root may move a guest");
  return options;
}

using Move = std::optional<Refusal> (*)(const std::string& dir);

// One that is refused leaves the others to be moved.
bool is_moved(const std::string& dir, Move move) {
  try {
    const auto refusal = move(dir);
    if (refusal) complain(printable(refusal->path) + ": " + printable(refusal->reason));
    return !refusal;
  } catch (const std::system_error& error) {
    const std::string reason = error.what();
    complain(printable(reason.find(dir) != std::string::npos ? reason : dir + ": " + reason));
    return false;
  }
}

Exit move_all(const Options& options, Move move) {
  const auto state = lock_quiet_state(options.state_dir);
  std::size_t moved = 0;
  for (const auto& dir : options.dirs) moved += is_moved(dir, move);
  if (moved == options.dirs.size()) return Exit::done;
  return moved == 0 ? Exit::refused : Exit::partial;
}

}  // namespace

Exit vcow_adopt(int argc, char** argv) {
  return move_all(parse(argc, argv, "adopt",
                        "Moves the root of a stopped guest into DIR/../.vcow, and leaves an empty immutable directory: "
                        "mounted by vcow it runs, without it does not start."),
                  adopt);
}

Exit vcow_release(int argc, char** argv) {
  return move_all(parse(argc, argv, "release",
                        "Moves the root of an adopted guest back to DIR. It is unmounted, and shares nothing: vunify "
                        "-R DIR gives it files of its own."),
                  release);
}

}  // namespace vunify
