// SPDX-License-Identifier: Apache-2.0
#include "sys/new_mount.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "sys/fd.h"
#include "sys/mount.h"
#include "sys/mount_tree.h"
#include "sys/namespaces.h"

namespace vunify {
namespace {

bool is_mounted(const std::string& point, const std::string& type) {
  const auto mounts = read_mounts();
  const auto last =
      std::find_if(mounts.rbegin(), mounts.rend(), [&](const Mount& mount) { return mount.point == point; });
  return last != mounts.rend() && last->type == type;
}

}  // namespace

void mount_new(const NewMount& mount) {
  check(::mount(mount.type, mount.point, mount.type, mount.flags, mount.options), "mount", mount.point);
}

void mount_file(const std::string& file, const std::string& over) {
  const Fd shown = open_host(file, O_PATH), hidden = open_host(over, O_PATH);
  place_tree(clone_tree(shown.get(), MS_RDONLY | MS_NOSUID | MS_NOEXEC).get(), hidden.get());
}

void make_device(const std::string& path, unsigned major, unsigned minor, unsigned mode) {
  check(::mknod(path.c_str(), S_IFCHR | mode, makedev(major, minor)), "mknod", path);
  check(::chmod(path.c_str(), mode), "chmod", path);  // whatever the umask is
}

// The table of mounts tells by poll(2) that it has changed (proc(5), /proc/PID/mounts).
bool wait_for_mount(const std::string& point, const std::string& type, int held) {
  const Fd table = open_host("/proc/self/mountinfo", O_RDONLY);
  while (!is_mounted(point, type)) {
    pollfd either[] = {{table.get(), POLLPRI, 0}, {held, POLLIN, 0}};
    check(::poll(either, 2, -1), "poll");
    if (has_ended(held)) return false;
  }
  return true;
}

}  // namespace vunify
