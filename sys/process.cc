// SPDX-License-Identifier: Apache-2.0
#include "sys/process.h"

#include <linux/ioprio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "sys/fd.h"

namespace vunify {

void use_idle_io() { ::syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0)); }

std::size_t raise_open_files_limit() {
  rlimit limit{};
  check(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 1 << 20);
  check(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
  return limit.rlim_cur;
}

bool is_root() { return ::geteuid() == 0; }

}  // namespace vunify
