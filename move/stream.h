// SPDX-License-Identifier: Apache-2.0
// What goes through the pipe, each way: a line that says which protocol it is, then messages, compressed, and a last
// one that vouches for all before it. Who reads believes nothing: any byte may be wrong, missing, or somebody else's.
//
//     "vunify move 2\n"      the version: another one is refused
//     kind (1) length (4, big endian) payload
//     ...
//     end                    its payload is a fingerprint of all bytes before, against accidents
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "move/compression.h"
#include "move/fields.h"
#include "move/fingerprint.h"

namespace vunify {

enum class Kind : char {  // on the wire: never renumbered
  guest = 'g',            // who comes, and how: see move/conversation.h
  names = 'n',            // some of them
  sketched = 's',         // of which files sketches follow
  sketches = 'f',         // some of them
  proofs = 'p',           // of those of which there are copies
  file = 'i',             // its pieces follow
  piece = 'd',
  complete = 'c',
  asked = 'q',   // the receiver's: of which files the content may be there
  copied = 'm',  // the receiver's: of which it seems to be
  wanted = 'w',  // the receiver's: of which it is not
  arrived = 'k',
  list = 'l',     // of what a host has: move/have_list.h
  content = 'h',  // one of it
  end = 'z',
};

inline constexpr std::uint32_t longest_message = 16 << 20;  // bytes; longer ones are not read
inline constexpr std::size_t batch_bytes = 64 << 10;        // of what comes by the thousand, in one message

Fingerprint fingerprint_from(Fields& fields);

class StreamOut {
 public:
  explicit StreamOut(int fd);

  // Written when enough has come together. Throws EPIPE where nobody reads any more.
  void send(Kind kind, std::initializer_list<std::string_view> payload);
  // Ends a turn: all of it is written.
  void flush();
  // Of the next turn, about.
  void expect_bytes(std::uint64_t bytes) { compressor_.set_effort(bytes); }
  // The last message.
  void end();
  std::uint64_t bytes() const { return sent_; }  // written

 private:
  void add(std::string_view bytes);
  void write();

  int fd_;
  std::string buffer_, compressed_;
  Compressor compressor_;
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
  std::uint64_t bytes() const { return read_; }  // from the pipe

 private:
  void expect_hello();
  void read_more();
  std::string_view take(std::size_t size);

  int fd_;
  std::vector<char> compressed_;
  std::string_view left_;  // of that, not decompressed yet
  Decompressor decompressor_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // of what is in it and not taken yet
  bool is_greeted_ = false;
  std::uint64_t read_ = 0;
  RunningFingerprint all_;
};

}  // namespace vunify
