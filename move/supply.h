// SPDX-License-Identifier: Apache-2.0
// Contents that need not be sent, for they are here: each file that may have one is read, and what it holds is copied
// at once wherever it is needed. A copy is believed for what its own bytes say, never for those of what it was copied
// from: that is a guest's, who may be writing to it.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "move/find_alike.h"
#include "move/fingerprint.h"
#include "move/new_tree.h"

namespace vunify {

class Supply {
 public:
  // All of them outlive this.
  Supply(const MovedNames& names, NewTree& tree, const TransferKey& key) : names_(names), tree_(tree), key_(key) {}

  void need(std::uint32_t number, const Fingerprint& fingerprint);

  // ours: the files are of an earlier attempt, and each may become one of this one's. Runs in the caller's
  // tbb::task_arena. Throws std::system_error where the disk is full.
  void take_from(const std::vector<AlikeFile>& files, bool ours);

  // True where that file is complete.
  bool is_met(std::uint32_t number) const { return met_.contains(number); }
  std::uint64_t files() const { return met_.size(); }
  std::uint64_t bytes() const { return bytes_; }

 private:
  using Needs = std::unordered_multimap<Fingerprint, std::uint32_t, FingerprintHash>;

  void take_from(const AlikeFile& file, bool ours);
  std::optional<std::uint32_t> claim(const Fingerprint& fingerprint, bool is_sparse);
  void give_up(std::uint32_t number, const Fingerprint& fingerprint);
  bool give(const AlikeFile& file, int source, std::uint32_t number, const Fingerprint& fingerprint);

  const MovedNames& names_;
  NewTree& tree_;
  const TransferKey& key_;
  std::mutex claiming_;  // guards all below
  Needs needs_;
  std::unordered_set<std::uint32_t> met_;
  std::uint64_t bytes_ = 0;
};

}  // namespace vunify
