// SPDX-License-Identifier: Apache-2.0
// vcow: a guest's root on a mount of its own, on which a shared file becomes private at the first write. The program is
// a list of verbs.
#include "tools/vcow.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "tools/text.h"

namespace vunify {
namespace {

struct Verb {
  std::string_view name, operands, help;
  Exit (*carry_out)(int argc, char** argv);
};

constexpr std::array verbs = {
    Verb{"mount", "DIR [MOUNTPOINT]", "show a guest its root, over itself where no mount point is given", vcow_mount},
    Verb{"umount", "MOUNTPOINT", "end it, and what it shows natively; umount(8) calls it", vcow_umount},
    Verb{"adopt", "DIR...", "move stopped guests to where only vcow leads", vcow_adopt},
    Verb{"release", "DIR...", "move them back, once nothing in them is shared", vcow_release},
    Verb{"list", "", "tell what is mounted, since when, and what it has cost", vcow_list},
};

std::string usage() {
  std::string text =
      "Usage: vcow VERB [options] ...\nShows each guest its root, and breaks a shared link at the first "
      "write; see vcow(8).\n\n";
  for (const auto& verb : verbs)
    text += fmt::format("  {:24}  {}\n", fmt::format("{} {}", verb.name, verb.operands), verb.help);
  text += "\n  --help, --version; vcow VERB --help says more\n";
  return text + exit_line({Exit::done, Exit::partial, Exit::usage, Exit::refused, Exit::locked, Exit::fatal});
}

Exit vcow(int argc, char** argv) {
  const std::string_view word = argc > 1 ? argv[1] : "";
  if (word == "--help") answer(usage());
  if (word == "--version") answer(version_line());
  for (const auto& verb : verbs)
    if (verb.name == word) return verb.carry_out(argc - 1, argv + 1);
  throw Failed(Exit::usage,
               (word.empty() ? "no verb given" : printable(word) + ": no such verb") + " (see vcow --help)");
}

}  // namespace
}  // namespace vunify

int main(int argc, char** argv) { return vunify::run_tool(argc, argv, vunify::vcow); }
