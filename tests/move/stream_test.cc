// SPDX-License-Identifier: Apache-2.0
// What comes through a pipe costs a bounded amount, and what is not whole is noticed.
#include "move/stream.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zstd.h>

#include "sys/fd.h"
#include "tests/scratch.h"

namespace vunify::test {
namespace {

const std::string hello = "vunify move 2\n";
constexpr int messages = 3;  // a turn each

class Stream : public testing::Test {
 protected:
  std::string written() const {
    {
      const Fd file = open_host(dir_ / "stream", O_WRONLY | O_CREAT | O_TRUNC);
      StreamOut out(file.get());
      for (int i = 0; i < messages; ++i) out.send(Kind::piece, {payload(i)}), out.flush();
      out.end();
    }
    return dir_.read("stream");
  }
  static std::string payload(int i) { return std::to_string(i) + std::string(1000, 'p'); }
  // Returns the payloads, once it is known that all came as they went.
  std::string read(const std::string& bytes) const {
    dir_.write("stream", bytes);
    const Fd file = open_host(dir_ / "stream", O_RDONLY);
    StreamIn in(file.get());
    std::string all;
    for (int i = 0; i < messages; ++i) all += in.expect(Kind::piece);
    in.expect_end();
    return all;
  }
  static std::string compressed(const std::string& bytes, int window_bits) {
    const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_windowLog, window_bits);
    std::string to(ZSTD_compressBound(bytes.size()), '\0');
    ZSTD_outBuffer out{to.data(), to.size(), 0};
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    ZSTD_compressStream2(context.get(), &out, &in, ZSTD_e_flush);
    to.resize(out.pos);
    return to;
  }
  std::string reason_of(const std::string& bytes) const {
    try {
      read(bytes);
      return "whole";
    } catch (const BadStream& error) {
      return error.what();
    }
  }

  Scratch dir_{{}, "/dev/shm"};
};

TEST_F(Stream, ComesAsItWentAndIsSmaller) {
  const auto bytes = written();
  EXPECT_LT(bytes.size(), messages * 100U);
  EXPECT_EQ(read(bytes), payload(0) + payload(1) + payload(2));
}

TEST_F(Stream, IsNoneWithAByteLessOrAnotherOne) {
  const auto bytes = written();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    EXPECT_THROW(read(bytes.substr(0, at)), BadStream) << at;
    auto changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ (1 << at % 8));
    try {
      EXPECT_EQ(read(changed), payload(0) + payload(1) + payload(2)) << "of a bit that says nothing of what is in it";
    } catch (const BadStream&) {
    }
  }
}

TEST_F(Stream, HasTheWindowThatWeGiveIt) {
  const std::string payload = std::string(1, 'd') + std::string("\0\0\0\2x", 5);
  EXPECT_EQ(reason_of(hello + compressed(payload, window_bits)), "the stream ends too soon");
  EXPECT_EQ(reason_of(hello + compressed(payload, window_bits + 1)),
            "zstd: Frame requires too much memory for decoding");
}

TEST_F(Stream, HasNoMessageLongerThanAgreed) {
  EXPECT_EQ(reason_of(hello + compressed("d\xff\xff\xff\xff", window_bits)), "a message is too long");
}

TEST_F(Stream, IsOfOurFramesOnly) {
  for (const std::string magic : {"\x50\x2a\x4d\x18", "\x27\xb5\x2f\xfd", "\x1f\x8b\x08\x01"})
    EXPECT_EQ(reason_of(hello + magic + std::string(100, '\0')), "what came is not compressed as vsend does it");
}

}  // namespace
}  // namespace vunify::test
