// SPDX-License-Identifier: Apache-2.0
// vcow: a guest's root on a mount of its own, on which a shared file becomes private at the first write. The program is
// a list of verbs.
#include "tools/vcow.h"

#include <array>

#include "tools/verbs.h"

namespace vunify {
namespace {

constexpr std::array verbs = {
    NamedVerb{"mount", "GUEST [MOUNTPOINT] | --all", "show a guest its root, over itself where no mount point is given",
              vcow_mount},
    NamedVerb{"umount", "GUEST|MOUNTPOINT | --all", "end it, and what it shows natively; umount(8) calls it",
              vcow_umount},
    NamedVerb{"adopt", "GUEST...", "move stopped guests to where only vcow leads", vcow_adopt},
    NamedVerb{"release", "GUEST...", "move them back, once nothing in them is shared", vcow_release},
    NamedVerb{"upgrade", "GUEST...|--all", "have this program serve guests that are mounted", vcow_upgrade},
    NamedVerb{"list", "", "tell what is mounted, since when, and what it has cost", vcow_list},
    NamedVerb{"status", "[GUEST ...]", "ask those that serve: what they hold, and who broke links", vcow_status},
};

Exit vcow(int argc, char** argv) {
  return carry_out(argc, argv, verbs,
                   "Shows each guest its root, and breaks a shared link at the first write; see vcow(8).",
                   {Exit::done, Exit::partial, Exit::usage, Exit::refused, Exit::locked, Exit::fatal});
}

}  // namespace
}  // namespace vunify

int main(int argc, char** argv) { return vunify::run_tool(argc, argv, vunify::vcow); }
