// SPDX-License-Identifier: Apache-2.0
// Numbers as bytes on disk, whatever the machine: put() appends, Unpack takes them off again in the same order.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace vunify {

// Big endian, so that bytes compare as the numbers do.
template <std::unsigned_integral Number>
void put(std::string& bytes, Number number) {
  for (int shift = 8 * (static_cast<int>(sizeof number) - 1); shift >= 0; shift -= 8)
    bytes += static_cast<char>(number >> shift);
}

template <std::unsigned_integral Number>
std::string bytes_of(Number number) {
  std::string bytes;
  put(bytes, number);
  return bytes;
}

// What is not there reads as zero.
class Unpack {
 public:
  explicit Unpack(std::string_view bytes) : bytes_(bytes) {}

  template <std::unsigned_integral Number>
  Number take() {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < sizeof(Number); ++i) {
      number = number << 8 | (bytes_.empty() ? 0U : static_cast<unsigned char>(bytes_.front()));
      bytes_.remove_prefix(bytes_.empty() ? 0 : 1);
    }
    return static_cast<Number>(number);
  }
  std::string_view rest() const { return bytes_; }

 private:
  std::string_view bytes_;
};

}  // namespace vunify
