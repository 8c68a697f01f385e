// SPDX-License-Identifier: Apache-2.0
// A worker's directory in staging, so that none waits for the others' locks on it.
#pragma once

#include <string>

#include "sys/directory.h"
#include "sys/inode_attr.h"

namespace vunify {

// Returns its name: empty where it cannot be made, as on a full filesystem, and the worker's names lie in staging
// itself.
inline std::string make_worker_directory(int staging, const std::string& worker) {
  try {
    make_private_directory(staging, worker);
    make_barrier(open_directory_at(staging, worker, worker).get());
    return worker;
  } catch (const std::system_error&) {
    return {};
  }
}

}  // namespace vunify
