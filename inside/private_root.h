// SPDX-License-Identifier: Apache-2.0
// A stopped guest's tree as the root of a mount namespace of its own, with what programs look for there: /proc and /sys
// to be read, a /dev of six harmless devices, an empty /run. Nothing of it is written to the tree, and nothing of it is
// left when the last process in it has ended.
#pragma once

#include <string>

namespace vunify {

struct PrivateRoot {
  std::string path;  // where the guest is seen, on the host's side, without symlinks
  std::string host_name;
  std::string resolver;  // /etc/resolv.conf of a guest that has none of its own
};

// Of the first process of a PID namespace, which lives in it from then on: no path leads out, for nothing else is
// mounted. No device that lies in the tree opens. Throws std::system_error; the process is of no use then.
void make_private_root(const PrivateRoot& root);

}  // namespace vunify
