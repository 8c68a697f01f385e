// SPDX-License-Identifier: Apache-2.0
// The chroots of schroot (schroot.conf(5)): /etc/schroot/schroot.conf and chroot.d. Of its types only "plain" and
// "directory" have a tree that stays.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/told.h"

namespace vunify {

// file: that the text is of.
std::vector<ToldGuest> read_schroots(std::string_view text, const std::string& file);

// As run-parts(8) --lsbsysinit has it, which schroot follows in chroot.d: no backups, nothing that dpkg left there.
bool is_schroot_file(const std::string& name);

// host: what stands before /etc, where that is not the host itself.
Told schroot_guests(const std::string& host = {});

}  // namespace vunify
