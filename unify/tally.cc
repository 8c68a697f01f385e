// SPDX-License-Identifier: Apache-2.0
#include "unify/tally.h"

#include <cassert>

namespace vunify {

void Tally::add(const Tally& other) {
  assert(other.linked_files.size() == linked_files.size());
  for (std::size_t i = 0; i < linked_files.size(); ++i) {
    linked_files[i] += other.linked_files[i];
    freed_bytes[i] += other.freed_bytes[i];
  }
  freed_when_closed += other.freed_when_closed;
  read_files += other.read_files;
  read_bytes += other.read_bytes;
  linking_nanoseconds += other.linking_nanoseconds;
  disk_full |= other.disk_full;
  has_broken_off |= other.has_broken_off;
  failed.insert(failed.end(), other.failed.begin(), other.failed.end());
}

void Tally::count_link(std::span<const NameRef> names, std::uint64_t bytes) {
  for (const auto name : names) ++linked_files[name.guest];
  freed_bytes[names.front().guest] += bytes;
}

Failure failure_at(const Survey& survey, NameRef name, const std::string& reason) {
  return {survey.guest(name).name, survey.path(name), reason};
}

}  // namespace vunify
