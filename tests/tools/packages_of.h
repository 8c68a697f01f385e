// SPDX-License-Identifier: Apache-2.0
// A small database of dpkg's for a made guest.
#pragma once

#include <string>
#include <vector>

#include "tests/scratch.h"

namespace vunify::test {

struct TestPackage {
  std::string name, version;
  std::vector<std::string> files;  // from "/" on
};

// guest: its directory in dir.
inline void install(const Scratch& dir, const std::string& guest, const std::vector<TestPackage>& packages) {
  std::string status;
  for (const auto& [name, version, files] : packages) {
    status += "Package: " + name + "\nStatus: install ok installed\nArchitecture: all\nVersion: " + version + "\n\n";
    std::string list;
    for (const auto& file : files) list += file + "\n";
    dir.write(guest + "/var/lib/dpkg/info/" + name + ".list", list);
  }
  dir.write(guest + "/var/lib/dpkg/status", status);
}

}  // namespace vunify::test
