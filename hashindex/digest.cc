// SPDX-License-Identifier: Apache-2.0
#include "hashindex/digest.h"

#include <xxhash.h>

#include <random>

namespace vunify {
namespace {

constexpr std::size_t secret_bytes = 192;

Digest from_hash(XXH128_hash_t hash) { return {hash.high64, hash.low64}; }

}  // namespace

DigestKey::DigestKey() {
  std::random_device random;  // getrandom(2) or the processor's generator: never a seeded sequence (libstdc++)
  while (secret_.size() < secret_bytes) {
    const auto word = random();
    secret_.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
}

Digest DigestKey::of(std::span<const char> bytes) const {
  return from_hash(XXH3_128bits_withSecret(bytes.data(), bytes.size(), secret_.data(), secret_.size()));
}

void RunningDigest::Free::operator()(XXH3_state_s* state) const { XXH3_freeState(state); }

RunningDigest::RunningDigest(const DigestKey& key) : state_(XXH3_createState()) {
  XXH3_128bits_reset_withSecret(state_.get(), key.secret().data(), key.secret().size());
}

void RunningDigest::add(std::span<const char> bytes) { XXH3_128bits_update(state_.get(), bytes.data(), bytes.size()); }

Digest RunningDigest::value() const { return from_hash(XXH3_128bits_digest(state_.get())); }

}  // namespace vunify
