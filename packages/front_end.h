// SPDX-License-Identifier: Apache-2.0
// Which program of a guest gets and installs its packages: told by what lies there, without running anything.
#pragma once

#include <optional>
#include <string>

#include "sys/root_dir.h"

namespace vunify {

// By its path in the guest: "/usr/bin/apt-get". The first of apt-get, dnf, microdnf, yum, apk and pacman that is there
// together with the database that it works on. Nothing where none is. Throws std::system_error where the guest cannot
// be looked into.
std::optional<std::string> find_front_end(const RootDir& root);

}  // namespace vunify
