// SPDX-License-Identifier: Apache-2.0
#include "move/fingerprint.h"

#include <sodium.h>

#include <stdexcept>

#include "db/bytes.h"
#include "move/pieces.h"
#include "sys/inode.h"

namespace vunify {
namespace {

const unsigned char* unsigned_bytes(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

// Chooses the implementation that this processor runs fastest.
void expect_ready() {
  static const bool is_ready = ::sodium_init() >= 0;
  if (!is_ready) throw std::runtime_error("libsodium cannot be used");
}

}  // namespace

TransferKey TransferKey::fresh() {
  expect_ready();
  TransferKey key;
  ::randombytes_buf(key.bytes.data(), key.bytes.size());
  return key;
}

void RunningFingerprint::Free::operator()(crypto_generichash_blake2b_state* state) const { delete state; }

RunningFingerprint::RunningFingerprint(const TransferKey& key) : state_(new crypto_generichash_blake2b_state) {
  expect_ready();
  ::crypto_generichash_init(state_.get(), unsigned_bytes(key.bytes), key.bytes.size(), Fingerprint::size);
}

void RunningFingerprint::add(std::string_view bytes) {
  ::crypto_generichash_update(state_.get(), unsigned_bytes(bytes), bytes.size());
}

Fingerprint RunningFingerprint::value() const {
  auto state = *state_;
  Fingerprint fingerprint;
  ::crypto_generichash_final(&state, reinterpret_cast<unsigned char*>(fingerprint.bytes.data()), Fingerprint::size);
  return fingerprint;
}

Fingerprint fingerprint_of(int fd, const TransferKey& key) {
  const auto size = stat_fd(fd).stamp.size;
  RunningFingerprint running(key);
  read_pieces(fd, size, [&](std::uint64_t offset, std::string_view piece) {
    for (std::size_t at = 0; at < piece.size(); at += block_bytes) {
      const auto block = piece.substr(at, block_bytes);
      if (is_all_zeros(block)) continue;
      running.add(bytes_of(offset + at));
      running.add(block);
    }
  });
  running.add(bytes_of(size));
  return running.value();
}

}  // namespace vunify
