// SPDX-License-Identifier: Apache-2.0
#include "tools/find_neighbours.h"

#include <cmath>

#include "account/sketch.h"
#include "db/bytes.h"
#include "hashindex/index.h"
#include "survey/scan.h"
#include "tools/choose.h"
#include "tools/cli.h"
#include "tools/text.h"

namespace vunify {
namespace {

constexpr std::size_t neighbours_told = 5;

class Sketching {
 public:
  explicit Sketching(const std::string& state_dir) : index_(Index::open(state_dir, lmdb::Access::read).index) {
    if (index_) records_.emplace(index_->store());
  }

  Sketch of(const Guest& guest, const Tree& tree) {
    const auto number = index_ ? index_->store().number_of(guest.fs) : std::nullopt;
    std::vector<HashedContent> contents;
    contents.reserve(tree.files().size());
    for (const auto& file : tree.files())
      if (file.stamp.size > 0) contents.push_back({hash_of(guest.fs, number, file), file.stamp.size});
    return Sketch(std::move(contents));
  }

 private:
  std::uint64_t hash_of(const FsId& fs, std::optional<std::uint32_t> number, const File& file) {
    const auto record = number ? records_->find({*number, file.ino}) : std::nullopt;
    const bool is_known = record && record->has_digest() && record->size == file.stamp.size &&
                          ShortTime(record->mtime) == file.stamp.mtime;
    if (is_known) return record->digest.low;
    std::string name;
    for (const auto part : {fs.uuid_high, fs.uuid_low, fs.subvolume, file.ino}) put(name, part);
    return key_.of(name).low;
  }

  DigestKey key_;
  std::unique_ptr<Index> index_;
  std::optional<RecordReader> records_;
};

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
  Sketching sketching(options.state_dir);
  auto opened = open_guests(roots_of_all(all, find_host_guests(all)));
  for (const auto& refusal : opened.refused) complain(printable(refusal.path) + ": " + one_line(refusal.reason));
  found.is_whole = opened.refused.empty();
  std::vector<Sketch> sketches;
  std::vector<std::string> names;
  Counters counters;
  for (auto& guest : opened.guests) {
    names.push_back(guest.name);
    std::vector<Guest> one;  // a tree is gone before the next is read
    one.push_back(std::move(guest));
    const auto scan = scan_guests(one, {}, stop, counters);
    found.is_whole = found.is_whole && scan.failed.empty();
    sketches.push_back(sketching.of(one[0], scan.trees[0]));
  }
  const Neighbours neighbours(std::move(sketches));
  for (std::size_t i = 0; i < names.size(); ++i) found.guests.push_back(neighbours_of(i, neighbours, names));
  return found;
}

}  // namespace vunify
