// SPDX-License-Identifier: Apache-2.0
// lsxid: whose a file is, a line each, as util-vserver prints them (lsxid(8)).
#include <fmt/format.h>
#include <unistd.h>

#include "sys/terminal.h"
#include "tools/cli.h"
#include "tools/found_tag.h"
#include "tools/numbers.h"
#include "tools/operand.h"
#include "tools/text.h"

namespace vunify {
namespace {

struct TagOptions {
  bool recurse = false, hidden = false, itself = false, one_filesystem = false, numeric = false, source = false;
  std::string config = "/etc/vservers", state_dir = "/var/lib/vunify";
  std::vector<std::string> paths;
};

TagOptions parse(int argc, char** argv) {
  TagOptions options;
  CommandLine line("[-Radnx] [options] [FILE...]", "Shows whose files are, by name or number of the guest.");
  line.flag("-R", options.recurse, "recurse into directories");
  line.flag("-a", options.hidden, "do not leave out names that begin with a dot");
  line.flag("-d", options.itself, "show directories, not what is in them");
  line.flag("-n", options.numeric, "numbers, not names");
  line.flag("-x", options.one_filesystem, "stay on the filesystem of each FILE");
  line.flag("--source", options.source, "a column more: whether the tag says so, the place, or that it is shared");
  line.option("--config", "DIR", directory_into(options.config),
              "where guests are configured (default: /etc/vservers)");
  line.option("--state", "DIR", path_into(options.state_dir), "where guests' numbers are (default: /var/lib/vunify)");
  line.operands("FILE", options.paths, "the current directory where none is given");
  line.exits({Exit::done, Exit::partial, Exit::usage, Exit::refused, Exit::fatal});
  line.parse(argc, argv);
  if (options.paths.empty()) options.paths.push_back(".");
  return options;
}

struct Whose {
  std::optional<std::uint32_t> xid;
  std::string_view source;
};

// What is outside all guests is the host's.
Whose whose(const Found& found, const HostGuest* guest) {
  if (is_shared(found)) return {0, "shared"};
  if (const auto tag = tag_of(found)) return {tag, "tag"};
  return {guest != nullptr ? guest->xid : 0, "place"};
}

class Lister {
 public:
  Lister(const TagOptions& options, const HostGuests& host) : options_(options), host_(host) {}

  Exit run() {
    for (const auto& path : options_.paths) {
      try {
        list(open_operand(path, host_));
      } catch (const std::system_error& error) {
        fail(path, error.code().message());
      }
    }
    return exit_;
  }

 private:
  void list(const Operand& operand) {
    const auto depth = options_.itself ? Depth::itself : options_.recurse ? Depth::everything : Depth::contents;
    TreeWalk walk{depth, options_.hidden, options_.one_filesystem, {}, {}};
    walk.visit = [&](const Found& found) { tell(found, guest_at(operand.path_of(found), host_)); };
    walk.failed = [&](const std::string& path, const std::system_error& error) { fail(path, error.code().message()); };
    visit_held(operand.named, operand.fd.get(), walk);
  }

  void tell(const Found& found, const HostGuest* guest) {
    const auto [xid, source] = whose(found, guest);
    if (!xid) return fail(found.path, "its guest has no number yet");
    tell(options_.numeric ? std::to_string(*xid) : name_of(*xid, host_), source, found.path);
  }

  // A pipe gets names as they are, a terminal never.
  void tell(const std::string& who, std::string_view source, const std::string& path) const {
    const auto column = options_.source ? fmt::format("{:<6}  ", source) : "";
    print(fmt::format("{:>20}  {}{}\n", who, column, terminal_columns(STDOUT_FILENO) ? printable(path) : path));
  }

  void fail(const std::string& path, const std::string& reason) {
    tell("!!ERR!!", "", path);
    complain(printable(path) + ": " + reason);
    exit_ = Exit::partial;
  }

  const TagOptions& options_;
  const HostGuests& host_;
  Exit exit_ = Exit::done;
};

Exit lsxid(int argc, char** argv) {
  const auto options = parse(argc, argv);
  const auto host = find_numbered_guests(options.config, options.state_dir);
  return Lister(options, host).run();
}

}  // namespace
}  // namespace vunify

int main(int argc, char** argv) { return vunify::run_tool(argc, argv, vunify::lsxid); }
