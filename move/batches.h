// SPDX-License-Identifier: Apache-2.0
// What comes by the thousand, many to a message: names, sketches, proofs. How many there are is known to both sides.
#pragma once

#include <string>
#include <string_view>

#include "move/stream.h"

namespace vunify {

class BatchOut {
 public:
  BatchOut(StreamOut& out, Kind kind) : out_(out), kind_(kind) {}

  void add(std::string_view one) {
    bytes_ += one;
    if (bytes_.size() >= batch_bytes) send();
  }
  void end() {
    if (!bytes_.empty()) send();
  }

 private:
  void send() {
    out_.send(kind_, {bytes_});
    bytes_.clear();
  }

  StreamOut& out_;
  Kind kind_;
  std::string bytes_;
};

class BatchIn {
 public:
  BatchIn(StreamIn& in, Kind kind) : in_(in), kind_(kind) {}

  // Where the next one begins.
  Fields& next() {
    if (fields_.is_at_end()) fields_ = Fields(in_.expect(kind_));
    return fields_;
  }
  void end() const { fields_.expect_end(); }

 private:
  StreamIn& in_;
  Kind kind_;
  Fields fields_{{}};
};

}  // namespace vunify
