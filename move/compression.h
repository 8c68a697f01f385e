// SPDX-License-Identifier: Apache-2.0
// Bytes made fewer on their way, by Zstandard (RFC 8878): a frame for each turn of a conversation. Who takes them out
// again holds a window and a buffer of the caller's size, whatever they say of themselves.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace vunify {

inline constexpr int window_bits = 23;  // 8 MiB, which every decoder is to have (RFC 8878, 3.1.1.1.2)

class Compressor {
 public:
  Compressor();

  // Of the next frame: as hard as so many bytes are worth. A few are soon done, and many are not to wait for us.
  void set_effort(std::uint64_t bytes);

  // Append to `to` what is ready; all of it, with the frame's end.
  void add(std::string_view bytes, std::string& to);
  void end_frame(std::string& to);

 private:
  struct Free {
    void operator()(ZSTD_CCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_CCtx_s, Free> context_;
};

class Decompressor {
 public:
  Decompressor();

  // Fills `to` from the beginning of `from`, of which it removes what it has taken. Returns how many bytes there are;
  // fewer than fit: it wants more. Throws BadStream, for a window larger than window_bits, too.
  std::size_t fill(std::span<char> to, std::string_view& from);

 private:
  struct Free {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_DCtx_s, Free> context_;
  std::size_t begun_ = 0;  // bytes of the frame's magic number that have come
};

}  // namespace vunify
