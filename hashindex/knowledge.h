// SPDX-License-Identifier: Apache-2.0
// What the index knows of tonight's files, looked up in the order of inode numbers: which inodes are shared, asked by
// the walk, so that their marks need not be read; and the digests of those in groups, so that what is unchanged need
// not be opened. Hints, both: what is linked was read and compared tonight.
#pragma once

#include <tbb/enumerable_thread_specific.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "hashindex/store.h"
#include "survey/survey.h"

namespace vunify {

// Asked from many threads at once.
class KnownShared {
 public:
  explicit KnownShared(const Store& store) : store_(store) {}
  bool contains(const FsId& fs, const Inode& inode) const;

 private:
  const Store& store_;
  mutable tbb::enumerable_thread_specific<std::unique_ptr<RecordReader>> readers_;
};

struct Known {
  Digest digest;  // zero: not known
  std::uint64_t match = 0;

  bool is_known() const { return digest != Digest{}; }
  auto operator<=>(const Known&) const = default;
};

// Of the members of every group; nothing where there is no index.
class Knowledge {
 public:
  Knowledge() = default;
  // by_layout: what was learnt under reflink; else what was not. Neither says anything to the other.
  Knowledge(const Store& store, const Survey& survey, bool by_layout);

  // One for each of candidates.members() of this group, in their order.
  std::span<const Known> of_group(std::size_t group) const;

 private:
  std::vector<std::size_t> ends_;  // by group, into known_
  std::vector<Known> known_;
};

}  // namespace vunify
