// SPDX-License-Identifier: Apache-2.0
#include "tests/mounts_elsewhere.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <stdexcept>

namespace vunify::test {

MountsElsewhere::MountsElsewhere(const std::string& script, const std::string& root) {
  int ready[2];
  if (::pipe(ready) != 0) throw std::runtime_error("pipe");
  process_ = ::fork();
  if (process_ == 0) {
    ::close(ready[0]);
    const bool apart = ::unshare(CLONE_NEWNS) == 0 && ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    if (!apart || std::system(script.c_str()) != 0 || ::chroot(root.c_str()) != 0) ::_exit(1);
    if (::write(ready[1], "", 1) == 1) ::pause();
    ::_exit(1);
  }
  ::close(ready[1]);
  char byte = 0;
  const bool made = ::read(ready[0], &byte, 1) == 1;
  ::close(ready[0]);
  if (!made) throw std::runtime_error("failed: " + script);
}

MountsElsewhere::~MountsElsewhere() {
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

}  // namespace vunify::test
