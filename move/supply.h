// SPDX-License-Identifier: Apache-2.0
// Contents that need not be sent, for they are here: each file that may have one is read, and what it holds is copied
// at once wherever it is needed, as far as a sketch tells. A copy is believed for what its own bytes say, never for
// those of what it was copied from: that is a guest's, who may be writing to it.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "move/conversation.h"
#include "move/find_alike.h"
#include "move/fingerprint.h"
#include "move/new_tree.h"

namespace vunify {

class Supply {
 public:
  // All of them outlive this.
  Supply(const MovedNames& names, NewTree& tree, const TransferKey& key) : names_(names), tree_(tree), key_(key) {}

  void need(std::uint32_t number, Sketch sketch) { needs_.emplace(sketch, number); }

  // ours: the files are of an earlier attempt, and each may become one of this one's. Runs in the caller's
  // tbb::task_arena. Throws std::system_error where the disk is full.
  void take_from(const std::vector<AlikeFile>& files, bool ours);

  // Of the copy that this file now is, if it is any.
  const Fingerprint* met(std::uint32_t number) const {
    const auto met = met_.find(number);
    return met == met_.end() ? nullptr : &met->second;
  }
  // It was the wrong one.
  void take_back(std::uint32_t number);
  std::uint64_t files() const { return met_.size(); }
  std::uint64_t bytes() const { return bytes_; }

 private:
  void take_from(const AlikeFile& file, bool ours);
  std::optional<std::uint32_t> claim(Sketch sketch, bool is_sparse);
  bool give(const AlikeFile& file, int source, std::uint32_t number, const Fingerprint& fingerprint);

  const MovedNames& names_;
  NewTree& tree_;
  const TransferKey& key_;
  std::mutex claiming_;  // guards all below
  std::unordered_multimap<Sketch, std::uint32_t> needs_;
  std::unordered_map<std::uint32_t, Fingerprint> met_;
  std::uint64_t bytes_ = 0;
};

}  // namespace vunify
