// SPDX-License-Identifier: Apache-2.0
// What a message is made of, and taken off again without belief. A number takes seven bits a byte, the lowest first, so
// that small ones are short; a difference from the number before is folded (0, -1, 1, -2, ...). What is too short, too
// long or too large is a BadStream.
#pragma once

#include <concepts>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace vunify {

// What came is not what the other program sends, or ends too soon. what() is a reason.
struct BadStream : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void put_number(std::string& bytes, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) bytes += static_cast<char>(number | 0x80);
  bytes += static_cast<char>(number);
}
inline std::string number_bytes(std::uint64_t number) {
  std::string bytes;
  put_number(bytes, number);
  return bytes;
}

template <std::integral Number>
void put_difference(std::string& bytes, Number number, Number before) {
  const auto difference = static_cast<std::uint64_t>(number) - static_cast<std::uint64_t>(before);
  put_number(bytes, difference << 1 ^ (difference >> 63 != 0 ? ~std::uint64_t{0} : 0));
}

inline void put_text(std::string& bytes, std::string_view text) {
  put_number(bytes, text.size());
  bytes += text;
}

// The bytes outlive it.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : bytes_(bytes) {}

  template <std::unsigned_integral Number>
  Number number() {
    return fitting<Number>(any_number());
  }
  template <std::integral Number>
  Number difference(Number before) {
    const auto folded = any_number();
    const auto difference = folded >> 1 ^ ((folded & 1) != 0 ? ~std::uint64_t{0} : 0);
    return fitting<Number>(static_cast<std::uint64_t>(before) + difference);
  }
  std::string_view text() { return raw(number<std::uint32_t>()); }
  std::string_view raw(std::size_t size) {
    if (size > bytes_.size()) throw BadStream("a message is too short");
    const auto taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  std::string_view rest() const { return bytes_; }
  bool is_at_end() const { return bytes_.empty(); }
  void expect_end() const {
    if (!is_at_end()) throw BadStream("a message is too long");
  }

 private:
  std::uint64_t any_number() {
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(raw(1).front());
      number |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return number;
    }
    throw BadStream("a number is too large");
  }
  template <std::integral Number>
  static Number fitting(std::uint64_t number) {
    const auto fits = static_cast<Number>(number);
    if (static_cast<std::uint64_t>(fits) != number) throw BadStream("a number is too large");
    return fits;
  }

  std::string_view bytes_;
};

}  // namespace vunify
