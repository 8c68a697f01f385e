// SPDX-License-Identifier: Apache-2.0
#include "move/stream.h"

#include <algorithm>
#include <cstring>

#include "sys/fd.h"

namespace vunify {
namespace {

constexpr std::string_view protocol = "vunify move ";
constexpr std::string_view version = "1\n";
constexpr std::size_t buffer_bytes = 256 << 10;
constexpr std::size_t head_bytes = 5;
constexpr auto name = "the stream";

}  // namespace

Fingerprint fingerprint_from(Fields& fields) {
  Fingerprint fingerprint;
  fields.raw(Fingerprint::size).copy(fingerprint.bytes.data(), Fingerprint::size);
  return fingerprint;
}

StreamOut::StreamOut(int fd) : fd_(fd), all_(TransferKey{}) {
  add(protocol);
  add(version);
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
  if (buffer_.size() >= buffer_bytes) flush();
}

void StreamOut::flush() {
  write_all(fd_, buffer_, name);
  sent_ += buffer_.size();
  buffer_.clear();
}

void StreamOut::end() {
  const auto fingerprint = all_.value();
  send(Kind::end, {fingerprint.view()});
  flush();
}

StreamIn::StreamIn(int fd) : fd_(fd), buffer_(buffer_bytes), all_(TransferKey{}) {}

// The buffer grows with what has come, not with what a message says of itself.
std::string_view StreamIn::take(std::size_t size) {
  while (end_ - begin_ < size) {
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
    const auto got = read_some(fd_, std::span(buffer_).subspan(end_), name);
    if (got == 0) throw BadStream(read_ == 0 && end_ == 0 ? "nothing came" : "the stream ends too soon");
    end_ += got;
  }
  const std::string_view taken(buffer_.data() + begin_, size);
  begin_ += size;
  read_ += size;
  return taken;
}

void StreamIn::expect_hello() {
  is_greeted_ = true;
  for (const auto expected : {protocol, version}) {
    const auto got = take(expected.size());
    if (got != expected)
      throw BadStream(expected == protocol ? "not a stream of vsend" : "a stream of another version of vsend");
    all_.add(got);
  }
}

StreamIn::Message StreamIn::next() {
  if (!is_greeted_) expect_hello();
  const std::string head(take(head_bytes));
  const auto kind = static_cast<Kind>(head[0]);
  const auto size = Fields(std::string_view(head).substr(1)).number<std::uint32_t>();
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
