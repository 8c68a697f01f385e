// SPDX-License-Identifier: Apache-2.0
#include "change/put_back.h"

#include <fcntl.h>

#include <cassert>

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

// Held open, an inode's number is nobody else's, whatever the guest removes meanwhile.
Fd pin(int dir, const std::string& leaf) {
  try {
    return open_host(proc_path(dir) + "/" + leaf, O_PATH | O_NOFOLLOW);
  } catch (const std::system_error& error) {
    if (is_error(error, ENOENT)) return {};
    throw;
  }
}

bool remove_file(const StagedName& staged) {
  if (stat_staged(staged).is_directory()) return false;
  remove_staged(staged);
  return true;
}

}  // namespace

// In every round staging holds what belongs at the name, and the name leads to a placeholder. Where something else than
// the placeholder comes out, the guest has replaced it: so that belongs at the name, and what we just put there is the
// placeholder, which the guest would have replaced.
bool put_back(const StagedName& staged, const Name& name, std::uint64_t came_out, std::uint64_t ours) {
  assert(came_out != ours);
  // Replaced already: exchanged, its guest would see the old file for a moment.
  const auto there = stat_name(name.dir.get(), name.leaf.c_str());
  if (there && there->ino != ours) return remove_file(staged);
  auto placeholder = ours;
  auto held = came_out;
  Fd placeholder_pin = pin(name.dir.get(), name.leaf);
  for (int tries = 0; tries < most_tries; ++tries) {
    Fd held_pin = pin(staged.dir, staged.leaf);
    // The name is gone: what the guest removed is what it would have removed. Only what was at its name for a moment it
    // may have moved elsewhere, and that is no reason to lose what is newer.
    if (!exchange_if_there(staged, name)) return placeholder == ours && remove_file(staged);
    const auto out = stat_staged(staged).ino;
    if (out == placeholder) return remove_file(staged);
    placeholder = held;
    held = out;
    placeholder_pin = std::move(held_pin);
  }
  return false;
}

}  // namespace vunify
