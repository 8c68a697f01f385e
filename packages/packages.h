// SPDX-License-Identifier: Apache-2.0
// What a guest's package manager says of its files: read as data, by us, never by running anything of the guest. The
// databases are the guest's, so they may be forged, huge, or a FIFO; a bad one costs that guest its savings in /etc.
//
// Neither function throws for what is in the guest. Both are for a process of one thread that holds no lease: what is
// dangerous to read is read by a child process, with limits of memory and time. Both end early where we are stopped.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "sys/root_dir.h"

namespace vunify {

// The files that a package manager takes for configuration: they are never shared.
struct Conffiles {
  // From the guest's root, beginning with "/"; no symlink on the way. Regular files are meant: one that is a directory
  // now, be it /etc itself, says nothing of what lies in it.
  std::unordered_set<std::string> paths{};
  std::vector<std::string> managers{};  // whose databases were read: "dpkg", "rpm", "apk", "pacman"
  // Why they are not known: all of /etc is left alone, and `paths`. Empty where they are, and where a guest has no
  // package manager at all: then nothing is called configuration, and the exclude lists are all there is.
  std::string unknown{};
};

Conffiles read_conffiles(const RootDir& root);

// One package that is installed, and what it put there.
struct Package {
  std::string name;                  // more than once where it is installed for several architectures
  std::string version;               // as its manager writes it: "2.36-9+deb12u14", "1.1-1"
  std::vector<std::string> files{};  // as in Conffiles, without configuration; directories and symlinks, too
};

struct Packages {
  std::vector<Package> packages{};  // in the order of their names
  std::string unknown{};            // why there are none to be known
};

Packages read_packages(const RootDir& root);

}  // namespace vunify
