// SPDX-License-Identifier: Apache-2.0
#include "unify/put_back.h"

namespace vunify {
namespace {

constexpr int most_tries = 64;  // each lost to a rename of the guest in the microseconds between two calls

bool exchange_if_there(const StagedName& staged, const Name& name) {
  try {
    exchange(staged, name);
    return true;
  } catch (const std::system_error& error) {
    if (is_error(error, ENOENT)) return false;
    throw;
  }
}

}  // namespace

bool put_back(const StagedName& staged, const Name& name, std::uint64_t came_out, std::uint64_t ours) {
  for (int tries = 0; tries < most_tries; ++tries) {
    const bool there = exchange_if_there(staged, name);
    const auto held = stat_staged(staged);
    // Ours is out: done. Or the guest removed or replaced its name while what came out was here: so that is gone for
    // it.
    if (held.ino == ours || (held.ino == came_out && !held.is_directory())) {
      remove_staged(staged);
      return true;
    }
    if (!there) return false;
    // We hold a stranger, which the guest put at its name meanwhile: round again, it goes back there.
  }
  return false;
}

}  // namespace vunify
