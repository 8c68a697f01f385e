// SPDX-License-Identifier: Apache-2.0
// The secret that the journals' checksums are made with, in the state directory, root's alone: whoever can write a
// journal but not read this cannot make a record that is believed. No signature: it tells damage and a stranger's
// bytes, and is one more wall behind the state directory's own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vunify {

class JournalKey {
 public:
  // Reads it, or makes it where there is none. Any thread's, while this process holds the state's lock. Throws where
  // the state directory cannot be read or written.
  static JournalKey make(const std::string& state_dir);
  // Changes nothing: where there is none, what it returns believes no record.
  static JournalKey look_up(const std::string& state_dir);

  std::uint64_t checksum(std::string_view bytes) const;

 private:
  explicit JournalKey(std::string secret) : secret_(std::move(secret)) {}
  std::string secret_;
};

}  // namespace vunify
