// SPDX-License-Identifier: Apache-2.0
// What goes through the pipe, each way: a line that says which protocol it is, then messages, and a last one that
// vouches for all before it. Who reads believes nothing: any byte may be wrong, missing, or somebody else's.
//
//     "vunify move 1\n"      the version: another one is refused
//     kind (1) length (4, big endian) payload
//     ...
//     end                    its payload is a fingerprint of all bytes before, against accidents
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "move/fields.h"
#include "move/fingerprint.h"

namespace vunify {

enum class Kind : char {  // on the wire: never renumbered
  guest = 'g',            // who comes, and how: see move/conversation.h
  name = 'n',
  fingerprints = 's',
  fingerprint = 'f',
  piece = 'd',
  complete = 'c',
  asked = 'q',   // the receiver's: of which files the content may be there
  wanted = 'w',  // the receiver's: of which it is not
  arrived = 'k',
  list = 'l',     // of what a host has: move/have_list.h
  content = 'h',  // one of it
  end = 'z',
};

inline constexpr std::uint32_t longest_message = 16 << 20;  // bytes; longer ones are not read

Fingerprint fingerprint_from(Fields& fields);

class StreamOut {
 public:
  explicit StreamOut(int fd);

  // Written when enough has come together. Throws EPIPE where nobody reads any more.
  void send(Kind kind, std::initializer_list<std::string_view> payload);
  void flush();
  // The last message.
  void end();
  std::uint64_t bytes() const { return sent_ + buffer_.size(); }

 private:
  void add(std::string_view bytes);

  int fd_;
  std::string buffer_;
  std::uint64_t sent_ = 0;
  RunningFingerprint all_;
};

class StreamIn {
 public:
  explicit StreamIn(int fd);

  // The payload of the next message, which is of this kind; it lasts until the next call. Throws BadStream.
  std::string_view expect(Kind kind);
  // One of two kinds.
  struct Message {
    Kind kind;
    std::string_view payload;
  };
  Message next();
  void expect_end();
  std::uint64_t bytes() const { return read_; }

 private:
  void expect_hello();
  std::string_view take(std::size_t size);

  int fd_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // of what is in it and not taken yet
  bool is_greeted_ = false;
  std::uint64_t read_ = 0;
  RunningFingerprint all_;
};

}  // namespace vunify
