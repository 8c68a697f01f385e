// SPDX-License-Identifier: Apache-2.0
#include "tools/learn_conffiles.h"

#include "packages/packages.h"
#include "tools/choose.h"

namespace vunify {

void learn_conffiles(std::vector<GuestRoot>& roots, Outcome& outcome) {
  const auto mounts = read_mounts();
  for (auto& root : roots) {
    if (!root.rules.packages) continue;
    try {
      auto conffiles = read_conffiles(open_tree(root, mounts));
      root.rules.conffiles = std::move(conffiles.paths);
      root.rules.conffiles_unknown = std::move(conffiles.unknown);
    } catch (const std::system_error&) {
      continue;  // it will be refused, and told why
    }
    if (root.rules.conffiles_unknown.empty()) continue;
    outcome.notes.push_back({name_of(root), "", root.rules.conffiles_unknown + ": all of /etc is left alone"});
  }
}

}  // namespace vunify
