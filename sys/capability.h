// SPDX-License-Identifier: Apache-2.0
// Capabilities (capabilities(7)): as /proc/PID/status tells them, and those of the calling thread.
#pragma once

#include <cstdint>

namespace vunify {

// To set and to take off the flags that protect shared inodes. include/uapi/linux/capability.h: CAP_LINUX_IMMUTABLE.
inline constexpr unsigned linux_immutable = 9;

// Others that vcow needs, by their numbers in the same header.
inline constexpr unsigned change_owner = 0;     // CAP_CHOWN
inline constexpr unsigned dac_override = 1;     // CAP_DAC_OVERRIDE
inline constexpr unsigned dac_read_search = 2;  // CAP_DAC_READ_SEARCH: also to open by handle, and to link what is held
inline constexpr unsigned act_as_owner = 3;     // CAP_FOWNER
inline constexpr unsigned keep_setid = 4;       // CAP_FSETID
inline constexpr unsigned set_groups = 6;       // CAP_SETGID
inline constexpr unsigned set_users = 7;        // CAP_SETUID
inline constexpr unsigned administer = 21;      // CAP_SYS_ADMIN: mounts, FUSE passthrough, trusted.* attributes
inline constexpr unsigned make_nodes = 27;      // CAP_MKNOD
inline constexpr unsigned set_file_caps = 31;   // CAP_SETFCAP

// Ours, now.
bool has_capability(unsigned capability);

// Puts some of this thread's permitted capabilities into force and others out of it; masks of the first 32.
void change_capabilities_in_force(unsigned into, unsigned out_of);

// For good, and for all threads made later: only these (a mask of the first 32), and none more by executing a program.
void keep_capabilities(unsigned mask);

// What a program that this thread executes may come to have at most, for good: of all 64. Takes away only; throws where
// it may not.
void limit_capabilities(std::uint64_t mask);

// The most that a process may come to have (CapBnd).
std::uint64_t bounding_capabilities(int process);

// A process has it in force; false where there is no such process.
bool process_has_capability(int process, unsigned capability);

// A process could come to have it on the host's files: its bounding set holds it, and it lives in our user namespace.
// False where it has ended.
bool may_have_capability(int process, unsigned capability);

}  // namespace vunify
