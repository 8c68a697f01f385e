// SPDX-License-Identifier: Apache-2.0
#include "fleet/fleet_key.h"

#include <fmt/format.h>
#include <sodium.h>

#include <stdexcept>

#include "db/bytes.h"

namespace vunify {
namespace {

constexpr std::size_t key_bytes = 32, told_bytes = 16;

const unsigned char* unsigned_bytes(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

std::string blake2b(std::string_view text, std::string_view key, std::size_t bytes) {
  static const bool is_ready = ::sodium_init() >= 0;
  if (!is_ready) throw std::runtime_error("libsodium cannot be used");
  std::string hash(bytes, '\0');
  ::crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(), unsigned_bytes(text), text.size(),
                       key.empty() ? nullptr : unsigned_bytes(key), key.size());
  return hash;
}

std::string hex(std::string_view bytes) {
  std::string hex;
  for (const char byte : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return hex;
}

}  // namespace

FleetKey::FleetKey(std::string_view secret)
    : key_(blake2b(secret, "", key_bytes)), id_(hex(of("id", "", told_bytes))) {}

// What is made for one purpose is of no use for another.
std::string FleetKey::of(std::string_view purpose, std::string_view text, std::size_t bytes) const {
  std::string all(purpose);
  return blake2b((all += '\0') += text, key_, bytes);
}

std::uint64_t FleetKey::number_of(std::string_view content) const {
  return Unpack(of("content", content, crypto_generichash_BYTES_MIN)).take<std::uint64_t>();
}

std::string FleetKey::hidden(std::string_view name) const { return "hidden-" + hex(of("name", name, told_bytes)); }

std::string identity_of(std::string_view machine_id) {
  return hex(blake2b(machine_id, "vunify: which host of a fleet", told_bytes));
}

}  // namespace vunify
