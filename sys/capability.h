// SPDX-License-Identifier: Apache-2.0
// Capabilities (capabilities(7)) as /proc/PID/status tells them.
#pragma once

namespace vunify {

// To set and to take off the flags that protect shared inodes. include/uapi/linux/capability.h: CAP_LINUX_IMMUTABLE.
inline constexpr unsigned linux_immutable = 9;

// Ours, now.
bool has_capability(unsigned capability);

// A process could come to have it on the host's files: its bounding set holds it, and it lives in our user namespace.
// False where it has ended.
bool may_have_capability(int process, unsigned capability);

}  // namespace vunify
