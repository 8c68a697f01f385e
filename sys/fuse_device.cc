// SPDX-License-Identifier: Apache-2.0
#include "sys/fuse_device.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdint>

#include "sys/mount_tree.h"

namespace vunify {
namespace {

// include/uapi/linux/fuse.h, Linux 6.9. Debian 12's headers do not have them yet.
struct BackingMap {
  std::int32_t fd;
  std::uint32_t flags;
  std::uint64_t padding;
};
constexpr unsigned long backing_open = _IOW(229, 1, BackingMap);
constexpr unsigned long backing_close = _IOW(229, 2, std::uint32_t);
constexpr std::int32_t notify_resend = 7;

}  // namespace

Fd open_fuse_device() { return open_host("/dev/fuse", O_RDWR); }

void mount_fuse(int device, const std::string& type, const std::string& source, const std::string& point,
                unsigned long flags, const std::string& options) {
  std::string data =
      "fd=" + std::to_string(device) + ",rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions";
  if (!options.empty()) data += "," + options;
  check(::mount(source.c_str(), point.c_str(), type.c_str(), flags, data.c_str()), "mount", point);
}

int register_backing(int device, int fd) {
  const BackingMap map{fd, 0, 0};
  return check(::ioctl(device, backing_open, &map), "FUSE_DEV_IOC_BACKING_OPEN");
}

void forget_backing(int device, int number) {
  const auto id = static_cast<std::uint32_t>(number);
  ::ioctl(device, backing_close, &id);
}

void resend_requests(int device) noexcept {
  struct {
    std::uint32_t length;
    std::int32_t notice;
    std::uint64_t unique;
  } const notice{sizeof notice, notify_resend, 0};
  if (::write(device, &notice, sizeof notice) < 0) return;
}

bool is_connected(int device) {
  pollfd asked{device, 0, 0};
  return ::poll(&asked, 1, 0) == 0 || (asked.revents & POLLERR) == 0;
}

bool detach_mount(const std::string& point) {
  if (::umount2(point.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) return true;
  if (errno != EINVAL) throw_errno("umount", point);
  return false;
}

Fd clone_mount(int dir, Access access, unsigned long flags) {
  return clone_tree(dir, flags | MS_NODEV | (access == Access::read_only ? MS_RDONLY : 0));
}

}  // namespace vunify
