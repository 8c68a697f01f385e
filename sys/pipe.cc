// SPDX-License-Identifier: Apache-2.0
#include "sys/pipe.h"

#include <fcntl.h>
#include <unistd.h>

namespace vunify {

Pipe make_pipe() {
  int ends[2];
  check(::pipe2(ends, O_CLOEXEC), "pipe2");
  return {Fd(ends[0]), Fd(ends[1])};
}

void read_without_waiting(const Fd& reads) { check(::fcntl(reads.get(), F_SETFL, O_NONBLOCK), "fcntl", "pipe"); }

}  // namespace vunify
