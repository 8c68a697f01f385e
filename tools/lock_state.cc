// SPDX-License-Identifier: Apache-2.0
#include "tools/lock_state.h"

#include "change/recover.h"
#include "tools/cli.h"
#include "tools/text.h"

namespace vunify {

StateDir lock_state(const std::string& path) {
  StateDir state(path);
  if (!state.lock()) throw Failed(Exit::locked, printable(path) + ": process " + state.holder() + " holds the lock");
  return state;
}

StateDir lock_quiet_state(const std::string& path) {
  auto state = lock_state(path);
  for (const auto& kept : recover(state.path()).kept) complain(printable(kept.path) + ": " + kept.reason);
  return state;
}

}  // namespace vunify
