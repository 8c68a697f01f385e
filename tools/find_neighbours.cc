// SPDX-License-Identifier: Apache-2.0
#include "tools/find_neighbours.h"

#include <cmath>

#include "account/sketch.h"
#include "hashindex/digest.h"
#include "tools/walk_contents.h"

namespace vunify {
namespace {

constexpr std::size_t neighbours_told = 5;

GuestNeighbours neighbours_of(std::size_t guest, const Neighbours& neighbours, const std::vector<std::string>& names) {
  GuestNeighbours told{names[guest], {}};
  for (const auto& [other, bytes] : neighbours.of(guest, neighbours_told))
    told.others.emplace_back(names[other], static_cast<std::uint64_t>(std::llround(bytes)));
  return told;
}

}  // namespace

FoundNeighbours find_neighbours(const PlanOptions& options, const Stop& stop) {
  FoundNeighbours found;
  std::vector<Sketch> sketches;
  std::vector<std::string> names;
  const DigestKey key;
  const auto number_of = [&](std::string_view content) { return key.of(content).low; };
  found.is_whole = walk_contents(options.config, number_of, stop, [&](const std::string& guest, auto contents) {
    names.push_back(guest);
    sketches.emplace_back(std::move(contents));
  });
  const Neighbours neighbours(std::move(sketches));
  for (std::size_t i = 0; i < names.size(); ++i) found.guests.push_back(neighbours_of(i, neighbours, names));
  return found;
}

}  // namespace vunify
