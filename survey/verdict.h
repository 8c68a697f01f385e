// SPDX-License-Identifier: Apache-2.0
// May this file share an inode, and if not, the one reason. The word is the same in --why, in the report and in docs.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace vunify {

enum class Verdict : std::uint8_t {
  shared,              // it is, or it may become, one inode with its twins
  no_twin,             // no other guest has a file of its size and metadata
  twin_busy,           // its twins are in use, or changed, or could not be read
  content_differs,     // others have its size and metadata, none its bytes
  second_copy,         // equal files of its own guest outnumber those of every other
  metadata_differs,    // equal bytes, but owner, mode, flags, project or attributes disagree
  shifted_owner,       // equal bytes, but owners differ by a constant: a guest in a user namespace
  hard_linked,         // the guest linked it itself: its names stay together
  shared_unprotected,  // one inode for several guests with nothing to keep them apart
  empty,
  too_small,  // below --min-size
  excluded,   // by a rule of the exclude lists
  own_flags,  // carries +i, +a or +C of its owner
  open_for_writing,
  locked,
  changed,  // while we looked at it
  vanished,
  other_mount,    // links do not cross mounts, subvolumes or project ids
  link_limit,     // the filesystem gives an inode no more names
  no_protection,  // nothing here would keep the guests apart
  not_shareable,  // the filesystem cannot share data so small or so stored (reflink)
  not_reached,    // --max-time or an interrupt came first
  unreadable,
};

inline constexpr std::array<std::string_view, 23> verdict_names = {
    "shared",           "no-twin",       "twin-busy",   "content-differs",    "second-copy",
    "metadata-differs", "shifted-owner", "hard-linked", "shared-unprotected", "empty",
    "too-small",        "excluded",      "own-flags",   "open-for-writing",   "locked",
    "changed",          "vanished",      "other-mount", "link-limit",         "no-protection",
    "not-shareable",    "not-reached",   "unreadable"};
inline constexpr std::size_t verdict_count = verdict_names.size();

constexpr std::string_view name_of(Verdict verdict) { return verdict_names[static_cast<std::size_t>(verdict)]; }

// A sentence for people: what it means and, where there is a cure, the cure.
std::string_view explain(Verdict verdict);

}  // namespace vunify
