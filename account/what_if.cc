// SPDX-License-Identifier: Apache-2.0
#include "account/what_if.h"

#include <algorithm>
#include <limits>

namespace vunify {
namespace {

constexpr auto any_number = std::numeric_limits<std::uint64_t>::max();

std::uint64_t without(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; }

std::uint64_t fit(std::uint64_t available, std::uint64_t each) { return each == 0 ? any_number : available / each; }

// An inode takes 512 bytes on XFS, about as many in btrfs' trees, which are kept twice. Whatever there is beyond that,
// a journal or what XFS sets aside, lay there before any guest.
constexpr double most_metadata_an_inode = 1024;

// Trees and inodes are what no holder's inodes and extents tell of.
double metadata_an_inode(const Sample& sample) {
  std::uint64_t fair = 0, inodes = 0;
  for (const auto& holder : sample.holders) {
    fair += holder.usage.fair;
    inodes += holder.usage.inodes;
  }
  if (inodes == 0) return 0;
  const auto metadata = static_cast<double>(without(sample.used, fair + sample.deleted_open));
  return std::min(most_metadata_an_inode, metadata / static_cast<double>(inodes));
}

}  // namespace

MoreGuests more_like(const Sample& sample, const HolderSample& like, double growth, unsigned days) {
  const auto& usage = like.usage;
  const double beside = metadata_an_inode(sample) * static_cast<double>(usage.inodes) + std::max(0.0, growth) * days;
  const auto peak = usage.logical + static_cast<std::uint64_t>(beside);
  const auto settled = usage.exclusive + static_cast<std::uint64_t>(beside);
  return {{peak, static_cast<std::int64_t>(settled)}, fit(sample.available, peak), fit(sample.available, settled)};
}

Upgrade upgrade(std::uint64_t available, std::uint64_t guests, std::uint64_t before, std::uint64_t after) {
  Upgrade answer;
  answer.need = {guests * after, static_cast<std::int64_t>(after) - static_cast<std::int64_t>(before)};
  const bool at_once = answer.need.peak <= available;
  // Later rounds have one copy beside them, which those before them share.
  answer.guests_a_round = at_once ? guests : std::min(guests, fit(without(available, after), after));
  return answer;
}

Need upgrade_of_all(const Sample& sample) {
  Need need;
  for (const auto& holder : sample.holders)
    if (holder.name != host_name) need.peak += holder.usage.shared();
  return need;
}

Deunified deunified(const Sample& sample, const HolderSample& holder) {
  return {holder.usage.deunify_need, holder.usage.deunify_need <= sample.available};
}

MovedAway moved_away(const HolderSample& holder) {
  return {holder.usage.exclusive, {holder.usage.logical, static_cast<std::int64_t>(holder.usage.logical)}};
}

}  // namespace vunify
