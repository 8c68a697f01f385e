// SPDX-License-Identifier: Apache-2.0
// What a host has, as a list that is carried to another beforehand: for pipes that go one way. It costs a reading of
// all its guests, and tells of them no more than whether they have a content that one knows already.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "move/find_alike.h"
#include "move/fingerprint.h"

namespace vunify {

class HaveList {
 public:
  explicit HaveList(TransferKey key) : key_(std::move(key)) {}

  void add(std::uint64_t size, bool is_sparse, const Fingerprint& fingerprint) {
    sizes_.insert(size);
    (is_sparse ? sparse_ : dense_).emplace(fingerprint, size);
  }
  const TransferKey& key() const { return key_; }
  bool has_size(std::uint64_t size) const { return sizes_.contains(size); }
  bool has(const Fingerprint& fingerprint, bool is_sparse) const {
    return (is_sparse ? sparse_ : dense_).contains(fingerprint);
  }

  void write(int fd) const;
  static HaveList read(int fd);  // throws BadStream

 private:
  using Contents = std::unordered_map<Fingerprint, std::uint64_t, FingerprintHash>;

  TransferKey key_;
  std::unordered_set<std::uint64_t> sizes_;
  Contents sparse_, dense_;  // and the size of each
};

// Reads all of these. Runs in the caller's tbb::task_arena.
HaveList list_contents(const std::vector<AlikeFile>& files);

}  // namespace vunify
