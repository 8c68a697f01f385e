// SPDX-License-Identifier: Apache-2.0
#include "move/stream.h"

#include <algorithm>
#include <cstring>

#include "db/bytes.h"
#include "sys/fd.h"

namespace vunify {
namespace {

constexpr std::string_view protocol = "vunify move ";
constexpr std::string_view version = "2\n";
constexpr std::size_t head_bytes = 5;
constexpr std::size_t buffer_bytes = 256 << 10;
constexpr auto name = "the stream";

}  // namespace

Fingerprint fingerprint_from(Fields& fields) {
  Fingerprint fingerprint;
  fields.raw(Fingerprint::size).copy(fingerprint.bytes.data(), Fingerprint::size);
  return fingerprint;
}

StreamOut::StreamOut(int fd) : fd_(fd), all_(TransferKey{}) {
  compressed_ += protocol;
  compressed_ += version;
}

void StreamOut::add(std::string_view bytes) {
  buffer_ += bytes;
  all_.add(bytes);
}

void StreamOut::send(Kind kind, std::initializer_list<std::string_view> payload) {
  std::size_t size = 0;
  for (const auto part : payload) size += part.size();
  std::string head(1, static_cast<char>(kind));
  put(head, static_cast<std::uint32_t>(size));
  add(head);
  for (const auto part : payload) add(part);
  if (buffer_.size() < buffer_bytes) return;
  compressor_.add(buffer_, compressed_);
  buffer_.clear();
  write();
}

void StreamOut::write() {
  write_all(fd_, compressed_, name);
  sent_ += compressed_.size();
  compressed_.clear();
}

void StreamOut::flush() {
  compressor_.add(buffer_, compressed_);
  buffer_.clear();
  compressor_.end_frame(compressed_);
  write();
}

void StreamOut::end() {
  const auto fingerprint = all_.value();
  send(Kind::end, {fingerprint.view()});
  flush();
}

StreamIn::StreamIn(int fd) : fd_(fd), compressed_(buffer_bytes), buffer_(buffer_bytes), all_(TransferKey{}) {}

void StreamIn::read_more() {
  const auto got = read_some(fd_, compressed_, name);
  if (got == 0) throw BadStream(read_ == 0 ? "nothing came" : "the stream ends too soon");
  left_ = {compressed_.data(), got};
  read_ += got;
}

// The buffer grows with what has come, not with what a message says of itself.
std::string_view StreamIn::take(std::size_t size) {
  while (end_ - begin_ < size) {
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
    const auto got = decompressor_.fill(std::span(buffer_).subspan(end_), left_);
    if (got == 0) read_more();
    end_ += got;
  }
  const std::string_view taken(buffer_.data() + begin_, size);
  begin_ += size;
  return taken;
}

void StreamIn::expect_hello() {
  is_greeted_ = true;
  const auto expected = std::string(protocol) + std::string(version);
  std::string got;
  while (got.size() < expected.size()) {
    if (left_.empty()) read_more();
    const auto some = left_.substr(0, expected.size() - got.size());
    got += some;
    left_.remove_prefix(some.size());
    if (!expected.starts_with(got)) break;
  }
  if (got == expected) return;
  throw BadStream(got.starts_with(protocol) ? "a stream of another version of vsend" : "not a stream of vsend");
}

StreamIn::Message StreamIn::next() {
  if (!is_greeted_) expect_hello();
  const std::string head(take(head_bytes));
  const auto kind = static_cast<Kind>(head[0]);
  const auto size = Unpack(std::string_view(head).substr(1)).take<std::uint32_t>();
  if (size > longest_message) throw BadStream("a message is too long");
  const auto payload = take(size);
  if (kind == Kind::end) return {kind, payload};
  all_.add(head);
  all_.add(payload);
  return {kind, payload};
}

std::string_view StreamIn::expect(Kind kind) {
  const auto message = next();
  if (message.kind != kind) throw BadStream("a message is not where it belongs");
  return message.payload;
}

void StreamIn::expect_end() {
  const auto fingerprint = expect(Kind::end);
  if (fingerprint != all_.value().view()) throw BadStream("the stream was changed on its way");
}

}  // namespace vunify
