// SPDX-License-Identifier: Apache-2.0
// The secret that the hosts of a fleet have in common, and the database does not: with it a content has the same number
// on each of them, and who has not got it can neither tell which file a number is, nor ask who holds one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vunify {

class FleetKey {
 public:
  static constexpr std::size_t least_bytes = 32;

  explicit FleetKey(std::string_view secret);

  // Which key it is, for who may not know it.
  const std::string& id() const { return id_; }
  // BLAKE2b, keyed.
  std::uint64_t number_of(std::string_view content) const;
  // In a guest's place: the same for the same name, on all hosts.
  std::string hidden(std::string_view name) const;

 private:
  std::string of(std::string_view purpose, std::string_view text, std::size_t bytes) const;

  std::string key_;
  std::string id_;
};

// Of a host, from its machine-id(5), which nobody is to learn from it.
std::string identity_of(std::string_view machine_id);

}  // namespace vunify
