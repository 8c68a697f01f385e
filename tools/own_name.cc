// SPDX-License-Identifier: Apache-2.0
#include "tools/own_name.h"

#include "packages/resolver.h"

namespace vunify {

std::string own_name(const RootDir& root, const std::string& path) {
  const GuestFiles files(root);
  return Resolver(files).file(path);
}

}  // namespace vunify
