// SPDX-License-Identifier: Apache-2.0
#include "survey/survey.h"

#include <cassert>

namespace vunify {

std::span<const NameRef> Survey::names_of(std::uint32_t inode) const {
  assert(inode < candidates.inodes.size());
  return candidates.names_of(candidates.inodes[inode]);
}

std::vector<GuestName> Survey::guest_names(std::uint32_t inode) const {
  std::vector<GuestName> names;
  for (const auto name : names_of(inode)) names.push_back(guest_name(name));
  return names;
}

std::uint32_t Survey::guest_number(std::uint32_t inode) const {
  const auto* keeper = candidates.unwalked_at(inode);
  return keeper != nullptr ? keeper->guest : names_of(inode).front().guest;
}

const File& Survey::file_of(std::uint32_t inode) const {
  const auto* keeper = candidates.unwalked_at(inode);
  return keeper != nullptr ? keeper->file : file(names_of(inode).front());
}

}  // namespace vunify
