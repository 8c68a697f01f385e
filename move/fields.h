// SPDX-License-Identifier: Apache-2.0
// What a message is made of, taken off again without belief: put() of db/bytes.h writes numbers, put_text() what
// has a length. What is too short, or too long, is a BadStream.
#pragma once

#include <concepts>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "db/bytes.h"

namespace vunify {

// What came is not what the other program sends, or ends too soon. what() is a reason.
struct BadStream : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void put_text(std::string& bytes, std::string_view text) {
  put(bytes, static_cast<std::uint32_t>(text.size()));
  bytes += text;
}

// The bytes outlive it.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : bytes_(bytes) {}

  template <std::unsigned_integral Number>
  Number number() {
    return Unpack(raw(sizeof(Number))).template take<Number>();
  }
  std::string_view text() { return raw(number<std::uint32_t>()); }
  std::string_view raw(std::size_t size) {
    if (size > bytes_.size()) throw BadStream("a message is too short");
    const auto taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  std::string_view rest() const { return bytes_; }
  void expect_end() const {
    if (!bytes_.empty()) throw BadStream("a message is too long");
  }

 private:
  std::string_view bytes_;
};

}  // namespace vunify
