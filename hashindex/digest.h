// SPDX-License-Identifier: Apache-2.0
// The name of a content: XXH3-128, keyed by a secret, so that no guest can make two contents of one name. It only says
// where to look; what is linked was compared byte for byte.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct XXH3_state_s;

namespace vunify {

struct Digest {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=>(const Digest&) const = default;
};

// The key of one run or of one index: 192 random bytes (XXH3's own secret length).
class DigestKey {
 public:
  DigestKey();  // a fresh one, from getrandom(2)
  explicit DigestKey(std::string_view secret) : secret_(secret) {}
  Digest of(std::span<const char> bytes) const;
  const std::string& secret() const { return secret_; }

 private:
  std::string secret_;
};

// A digest of what is read piece by piece. The key must outlive it.
class RunningDigest {
 public:
  explicit RunningDigest(const DigestKey& key);
  RunningDigest(const RunningDigest& other);
  RunningDigest(RunningDigest&&) noexcept = default;
  RunningDigest& operator=(RunningDigest&&) noexcept = default;
  ~RunningDigest() = default;

  void add(std::span<const char> bytes);
  Digest value() const;

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const;
  };
  std::unique_ptr<XXH3_state_s, Free> state_;
};

// The digest of a file's content. Blocks of zeros leave no trace but their place, so that a hole and the zeros of a
// dense file name one content, and nobody has to read a hole.
class ContentDigest {
 public:
  static constexpr std::size_t block = 4096;

  explicit ContentDigest(const DigestKey& key) : key_(&key), digest_(key) {}

  // Offsets ascend and are multiples of block; only the file's last piece may end between two blocks. What is left
  // out counts as zeros.
  void add(std::uint64_t offset, std::span<const char> bytes);
  Digest value(std::uint64_t file_size) const;

 private:
  const DigestKey* key_;
  RunningDigest digest_;        // of the blocks alone
  Digest gaps_;                 // of where the others are: beside the blocks, for a block may hold any bytes
  std::uint64_t expected_ = 0;  // where the block added last ended
};

}  // namespace vunify
