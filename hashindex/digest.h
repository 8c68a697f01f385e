// SPDX-License-Identifier: Apache-2.0
// The name of a content: XXH3-128, keyed by a secret, so that no guest can make two contents of one name. It only says
// where to look; what is linked was compared byte for byte.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

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
  Digest of(std::span<const char> bytes) const;
  const std::string& secret() const { return secret_; }

 private:
  std::string secret_;
};

// A digest of what is read piece by piece.
class RunningDigest {
 public:
  explicit RunningDigest(const DigestKey& key);
  void add(std::span<const char> bytes);
  Digest value() const;

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const;
  };
  std::unique_ptr<XXH3_state_s, Free> state_;
};

}  // namespace vunify
