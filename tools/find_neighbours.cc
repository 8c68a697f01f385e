// SPDX-License-Identifier: Apache-2.0
#include "tools/find_neighbours.h"

#include <cmath>

#include "account/sketch.h"
#include "db/bytes.h"
#include "hashindex/digest.h"
#include "survey/scan.h"
#include "tools/choose.h"
#include "tools/cli.h"
#include "tools/text.h"

namespace vunify {
namespace {

constexpr std::size_t neighbours_told = 5;

// What a package brought is the same under the same path, with the same size and time, in whichever guest: so no file
// need be opened, and guests that were never unified are compared as well as those that were.
std::uint64_t hash_of(const std::string& path, const File& file, const DigestKey& key) {
  std::string name;
  put(name, file.stamp.size);
  put(name, static_cast<std::uint64_t>(file.stamp.mtime.full().sec));
  return key.of(name + path).low;
}

Sketch sketch_of(const Tree& tree, const DigestKey& key) {
  std::vector<HashedContent> contents;
  contents.reserve(tree.files().size());
  for (std::uint32_t i = 0; i < tree.files().size(); ++i)
    if (const auto& file = tree.file(i); file.stamp.size > 0)
      contents.push_back({hash_of(tree.path(i), file, key), file.stamp.size});
  return Sketch(std::move(contents));
}

GuestNeighbours neighbours_of(std::size_t guest, const Neighbours& neighbours, const std::vector<std::string>& names) {
  GuestNeighbours told{names[guest], {}};
  for (const auto& [other, bytes] : neighbours.of(guest, neighbours_told))
    told.others.emplace_back(names[other], static_cast<std::uint64_t>(std::llround(bytes)));
  return told;
}

}  // namespace

FoundNeighbours find_neighbours(const PlanOptions& options, const Stop& stop) {
  FoundNeighbours found;
  Options all;
  all.config = options.config;
  auto opened = open_guests(roots_of_all(all, find_host_guests(all)));
  for (const auto& refusal : opened.refused) complain(printable(refusal.path) + ": " + one_line(refusal.reason));
  found.is_whole = opened.refused.empty();
  std::vector<Sketch> sketches;
  std::vector<std::string> names;
  const DigestKey key;
  Counters counters;
  for (auto& guest : opened.guests) {
    names.push_back(guest.name);
    std::vector<Guest> one;  // a tree is gone before the next is read
    one.push_back(std::move(guest));
    const auto scan = scan_guests(one, {}, stop, counters);
    found.is_whole = found.is_whole && scan.failed.empty();
    sketches.push_back(sketch_of(scan.trees[0], key));
  }
  const Neighbours neighbours(std::move(sketches));
  for (std::size_t i = 0; i < names.size(); ++i) found.guests.push_back(neighbours_of(i, neighbours, names));
  return found;
}

}  // namespace vunify
