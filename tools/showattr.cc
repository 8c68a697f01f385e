// SPDX-License-Identifier: Apache-2.0
// showattr: nine letters a file, as util-vserver prints them (showattr(8)).
#include <fmt/format.h>
#include <unistd.h>

#include "sys/terminal.h"
#include "tools/attr_letters.h"
#include "tools/cli.h"
#include "tools/text.h"
#include "tools/tree.h"

namespace vunify {
namespace {

struct Options {
  bool recurse = false, hidden = false, itself = false, one_filesystem = false;
  std::vector<std::string> paths;
};

Options parse(int argc, char** argv) {
  Options options;
  CommandLine line("[-Radx] [FILE...]", "Shows the attributes a w h m b u i c x of files; see showattr(8).");
  line.flag("-R", options.recurse, "recurse into directories");
  line.flag("-a", options.hidden, "do not leave out names that begin with a dot");
  line.flag("-d", options.itself, "show directories, not what is in them");
  line.flag("-x", options.one_filesystem, "stay on the filesystem of each FILE");
  line.operands("FILE", options.paths, "the current directory where none is given");
  line.exits({Exit::done, Exit::partial, Exit::usage, Exit::fatal});
  line.parse(argc, argv);
  if (options.paths.empty()) options.paths.push_back(".");
  return options;
}

// A pipe gets names as they are, a terminal never.
std::string shown(const std::string& path) { return terminal_columns(STDOUT_FILENO) ? printable(path) : path; }

Depth depth_of(const Options& options) {
  if (options.itself) return Depth::itself;
  return options.recurse ? Depth::everything : Depth::contents;
}

Exit showattr(int argc, char** argv) {
  const Options options = parse(argc, argv);
  Exit exit = Exit::done;
  TreeWalk walk{depth_of(options), options.hidden, options.one_filesystem, {}, {}};
  walk.visit = [](const Found& found) {
    print(fmt::format("{} {}\n", attr_letters(read_attrs(found)), shown(found.path)));
  };
  walk.failed = [&](const std::string& path, const std::system_error& error) {
    print(fmt::format("{:<9} {}\n", "ERR", shown(path)));
    complain(printable(path) + ": " + error.code().message());
    exit = Exit::partial;
  };
  for (const auto& path : options.paths) visit_tree(path, walk);
  return exit;
}

}  // namespace
}  // namespace vunify

int main(int argc, char** argv) { return vunify::run_tool(argc, argv, vunify::showattr); }
