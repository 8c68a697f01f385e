// SPDX-License-Identifier: Apache-2.0
// What is mounted anew in a root that is being made, and waiting for somebody else to mount something. Paths are those
// of the calling process, symlinks followed: whoever mounts where a guest may have put one lives in its root already.
#pragma once

#include <string>

namespace vunify {

struct NewMount {
  const char* type;
  const char* point;
  unsigned long flags;       // mount(2)'s
  const char* options = "";  // of the filesystem
};

void mount_new(const NewMount& mount);

// One file over another, read-only.
void mount_file(const std::string& file, const std::string& over);

// A character device, of root.
void make_device(const std::string& path, unsigned major, unsigned minor, unsigned mode);

// Waits until something of that type is mounted last on the point, in this mount namespace. False where the process
// ended before, which is to see to that.
bool wait_for_mount(const std::string& point, const std::string& type, int held);

}  // namespace vunify
