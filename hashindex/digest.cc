// SPDX-License-Identifier: Apache-2.0
#include "hashindex/digest.h"

#include <xxhash.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <random>

#include "db/bytes.h"

namespace vunify {
namespace {

constexpr std::size_t secret_bytes = 192;

bool is_zero(std::span<const char> bytes) {
  return bytes[0] == '\0' && std::memcmp(&bytes[0], &bytes[0] + 1, bytes.size() - 1) == 0;
}

std::span<const char> block_at(std::span<const char> bytes, std::size_t at) {
  return bytes.subspan(at, std::min(ContentDigest::block, bytes.size() - at));
}

template <typename... Number>
std::string as_bytes(Number... numbers) {
  std::string bytes;
  (put(bytes, numbers), ...);
  return bytes;
}

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

RunningDigest::RunningDigest(const RunningDigest& other) : state_(XXH3_createState()) {
  XXH3_copyState(state_.get(), other.state_.get());
}

void RunningDigest::add(std::span<const char> bytes) { XXH3_128bits_update(state_.get(), bytes.data(), bytes.size()); }

Digest RunningDigest::value() const { return from_hash(XXH3_128bits_digest(state_.get())); }

void ContentDigest::add(std::uint64_t offset, std::span<const char> bytes) {
  assert(offset % block == 0 && offset >= expected_);
  for (std::size_t at = 0; at < bytes.size();) {
    auto end = at;
    while (end < bytes.size() && !is_zero(block_at(bytes, end))) end += block;
    end = std::min(end, bytes.size());
    if (end > at) {
      if (offset + at != expected_) gaps_ = key_->of(as_bytes(gaps_.high, gaps_.low, expected_, offset + at));
      digest_.add(bytes.subspan(at, end - at));
      expected_ = offset + end;
    }
    at = end + block;
  }
}

Digest ContentDigest::value(std::uint64_t file_size) const {
  auto digest = digest_;
  digest.add(as_bytes(gaps_.high, gaps_.low, file_size));
  return digest.value();
}

}  // namespace vunify
