// SPDX-License-Identifier: Apache-2.0
// Puts the guard's programs into the kernel (kernel-cow/guard.bpf.c, which is part of this one), by libbpf, and takes
// them out. What is loaded is pinned beneath /sys/fs/bpf, where it outlives who loaded it; a guest that is confined
// sees nothing of that, and the root of the host may do as he likes.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace vunify {

// One line: what the kernel lacks, and the cure. Empty where nothing is known against it; whether it takes the programs
// is found out by loading them.
std::string what_hinders_guard();

// What the kernel said to them.
struct GuardRefused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Of a guard that is loaded the programs are replaced, each new one in force before the old one goes, and all entries
// stay. room: inodes that it is to have room for, at the least; one that is loaded keeps what it has. Throws
// GuardRefused, and what was there before is as it was; std::system_error where what is loaded cannot be pinned.
void load_guard(std::uint64_t room);

// First the entries, for the kernel lets its programs go some time after they are given up. False where it is not
// loaded.
bool unload_guard();

}  // namespace vunify
