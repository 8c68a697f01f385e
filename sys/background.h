// SPDX-License-Identifier: Apache-2.0
// A program that goes on in the background once it has begun well: its parent waits until then, and tells what went
// wrong where it did not.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sys/fd.h"

namespace vunify {

class Background {
 public:
  struct Beginning {
    int code = 0;  // 0: it went well
    std::string message;
  };

  // Forks. In the parent, how the child began: 255 where it ended without a word. In the child, which has a session of
  // its own and no terminal, nothing. Before the first thread.
  std::optional<Beginning> part();

  // In the child, once.
  void tell(int code, std::string_view message);

 private:
  Fd parent_;
};

}  // namespace vunify
