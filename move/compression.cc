// SPDX-License-Identifier: Apache-2.0
#include "move/compression.h"

#include <zstd.h>

#include <algorithm>
#include <stdexcept>

#include "move/fields.h"

namespace vunify {
namespace {

constexpr int threads = 2;                  // that compress while the caller reads: 300 MB/s
constexpr std::uint64_t little = 64 << 20;  // bytes: two seconds' work
constexpr int level_of_little = 9, level_of_much = 3;
constexpr std::string_view magic("\x28\xb5\x2f\xfd", 4);  // no older format, and nothing to be skipped

std::size_t expect_done(std::size_t result) {
  if (::ZSTD_isError(result) != 0) throw std::runtime_error(std::string("zstd: ") + ::ZSTD_getErrorName(result));
  return result;
}

// Returns what is left to be written.
std::size_t compress(ZSTD_CCtx* context, ZSTD_inBuffer& from, ZSTD_EndDirective how, std::string& to) {
  const auto size = to.size();
  to.resize(size + ::ZSTD_CStreamOutSize());
  ZSTD_outBuffer out{to.data() + size, to.size() - size, 0};
  const auto left = expect_done(::ZSTD_compressStream2(context, &out, &from, how));
  to.resize(size + out.pos);
  return left;
}

}  // namespace

void Compressor::Free::operator()(ZSTD_CCtx* context) const { ::ZSTD_freeCCtx(context); }
void Decompressor::Free::operator()(ZSTD_DCtx* context) const { ::ZSTD_freeDCtx(context); }

Compressor::Compressor() : context_(::ZSTD_createCCtx()) {
  if (context_ == nullptr) throw std::bad_alloc();
  expect_done(::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_nbWorkers, threads));
  expect_done(::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_windowLog, window_bits));
  expect_done(::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_enableLongDistanceMatching, 1));
  set_effort(0);
}

void Compressor::set_effort(std::uint64_t bytes) {
  const int level = bytes <= little ? level_of_little : level_of_much;
  expect_done(::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level));
}

void Compressor::add(std::string_view bytes, std::string& to) {
  ZSTD_inBuffer from{bytes.data(), bytes.size(), 0};
  while (from.pos < from.size) compress(context_.get(), from, ZSTD_e_continue, to);
}

void Compressor::end_frame(std::string& to) {
  ZSTD_inBuffer none{nullptr, 0, 0};
  while (compress(context_.get(), none, ZSTD_e_end, to) != 0) {
  }
}

Decompressor::Decompressor() : context_(::ZSTD_createDCtx()) {
  if (context_ == nullptr) throw std::bad_alloc();
  expect_done(::ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, window_bits));
}

std::size_t Decompressor::fill(std::span<char> to, std::string_view& from) {
  ZSTD_outBuffer out{to.data(), to.size(), 0};
  ZSTD_inBuffer in{from.data(), from.size(), 0};
  do {
    for (auto at = in.pos; begun_ < magic.size() && at < in.size; ++at, ++begun_)
      if (from[at] != magic[begun_]) throw BadStream("what came is not compressed as vsend does it");
    const auto result = ::ZSTD_decompressStream(context_.get(), &out, &in);
    if (::ZSTD_isError(result) != 0) throw BadStream(std::string("zstd: ") + ::ZSTD_getErrorName(result));
    if (result == 0) begun_ = 0;
  } while (out.pos < out.size && in.pos < in.size);
  from.remove_prefix(in.pos);
  return out.pos;
}

}  // namespace vunify
