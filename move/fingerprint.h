// SPDX-License-Identifier: Apache-2.0
// The name of a content that two hosts may go by: BLAKE2b-256 (RFC 7693), keyed anew for each transfer. Nobody can
// compare bytes with a host that keeps them, so unlike a digest of the index (hashindex/digest.h) it has to be the
// proof itself (docs/decisions, page 18).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct crypto_generichash_blake2b_state;

namespace vunify {

struct Fingerprint {
  static constexpr std::size_t size = 32;
  std::array<char, size> bytes{};
  auto operator<=>(const Fingerprint&) const = default;
  std::string_view view() const { return {bytes.data(), bytes.size()}; }
};

struct FingerprintHash {
  std::size_t operator()(const Fingerprint& fingerprint) const {
    std::size_t hash = 0;
    std::memcpy(&hash, fingerprint.bytes.data(), sizeof hash);
    return hash;
  }
};

struct TransferKey {
  static constexpr std::size_t size = 32;
  std::string bytes = std::string(size, '\0');
  static TransferKey fresh();  // from getrandom(2)
};

// Of what comes piece by piece.
class RunningFingerprint {
 public:
  explicit RunningFingerprint(const TransferKey& key);

  void add(std::string_view bytes);
  Fingerprint value() const;  // of all so far

 private:
  struct Free {
    void operator()(crypto_generichash_blake2b_state* state) const;
  };
  std::unique_ptr<crypto_generichash_blake2b_state, Free> state_;
};

// Of all that an open file holds, and of its size; however much of it is in holes: blocks of zeros are left out, and
// each of the others comes with its offset.
Fingerprint fingerprint_of(int fd, const TransferKey& key);

}  // namespace vunify
