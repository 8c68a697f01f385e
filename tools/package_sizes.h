// SPDX-License-Identifier: Apache-2.0
// What the files of one package take now, in all guests of a filesystem that have it.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "sys/inode.h"

namespace vunify {

struct PackageSize {
  std::uint64_t guests = 0;   // that have it
  std::uint64_t on_disk = 0;  // each inode once, and once what several share
  std::uint64_t largest = 0;  // of one guest
};

// By filesystem; of btrfs all subvolumes are one. Guests whose packages cannot be read are complained of. Before any
// thread is begun (packages/packages.h). config: where guests are configured.
std::map<FsId, PackageSize> package_sizes(const std::string& package, const std::string& config);

}  // namespace vunify
