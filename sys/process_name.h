// SPDX-License-Identifier: Apache-2.0
// What a process is called.
#pragma once

#include <string>

#include "sys/fd.h"

namespace vunify {

class ProcessNames {
 public:
  // Opens /proc: names are told afterwards too where the caller may open no more than he holds.
  ProcessNames();

  // Of a thread: the program that it executed last, its first 15 bytes; or what it has called itself since, for it may
  // write anything (PR_SET_NAME). What is no printable ASCII is a '?', and so is the whole name where the thread is
  // gone, or lives where we see no processes (0). Any thread.
  std::string of(int process) const;

 private:
  Fd proc_;
};

}  // namespace vunify
