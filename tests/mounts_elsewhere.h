// SPDX-License-Identifier: Apache-2.0
// A process in a mount namespace of its own, as a container is: what it mounts is seen by nobody else.
#pragma once

#include <sys/types.h>

#include <string>

namespace vunify::test {

class MountsElsewhere {
 public:
  // Runs a script there, then goes into root, where one is given, and waits. Throws where the script failed.
  explicit MountsElsewhere(const std::string& script, const std::string& root = "/");
  ~MountsElsewhere();
  MountsElsewhere(const MountsElsewhere&) = delete;

 private:
  pid_t process_ = 0;
};

}  // namespace vunify::test
