// SPDX-License-Identifier: Apache-2.0
// A command of the admin's with both its ends in our hands: what we write it reads, what it writes we read.
#pragma once

#include <string>

#include "sys/fd.h"

namespace vunify {

class Coprocess {
 public:
  // Run by sh(1), with our standard error, and signals as usual.
  explicit Coprocess(const std::string& command);
  ~Coprocess();  // closes both ends, and waits for it
  Coprocess(const Coprocess&) = delete;

  int to() const { return to_.get(); }
  int from() const { return from_.get(); }
  // Closes both ends and waits: its exit code, or 128 and the signal that ended it.
  int finish();

 private:
  Fd to_, from_;
  int process_ = 0;  // 0: waited for
};

}  // namespace vunify
