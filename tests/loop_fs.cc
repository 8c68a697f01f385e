// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "sys/fd.h"
#include "tests/eventually.h"
#include "tests/scratch.h"
#include "tests/tree.h"

namespace vunify::test {
namespace {

std::vector<std::string> mkfs_command(const std::string& kind, const std::string& options, const std::string& image) {
  const std::string force = kind == "ext4" ? "-F" : "-f";
  return {"sh", "-c", "PATH=$PATH:/sbin:/usr/sbin mkfs." + kind + " -q " + force + " " + options + " " + image};
}

std::string mount_loop(const std::string& kind, const std::string& options, const std::string& image,
                       const std::string& point) {
  const std::string loop = options.empty() ? "loop" : "loop," + options;
  return run({"mount", "-t", kind, "-o", loop, image, point}).err;
}

// Somebody (a lease's watcher, a lazy close) may hold it a moment longer.
bool unmount(const std::string& point) {
  if (eventually([&] { return ::umount2(point.c_str(), 0) == 0 || errno == EINVAL; })) return true;
  ::umount2(point.c_str(), MNT_DETACH);
  return false;
}

bool is_attached(const std::string& image) {
  for (const auto& device : std::filesystem::directory_iterator("/sys/block")) {
    std::ifstream backing_file(device.path() / "loop/backing_file");
    std::string path;
    if (std::getline(backing_file, path) && path == image) return true;
  }
  return false;
}

}  // namespace

bool unmount_loop(const std::string& point, const std::string& image) {
  return unmount(point) && eventually([&] { return !is_attached(image); });
}

LoopFs::LoopFs(const std::string& kind, std::uint64_t megabytes, const std::string& options,
               const std::string& mkfs_options)
    : kind_(kind), options_(options) {
  if (!is_root()) {
    reason_ = "mounting needs root";
    return;
  }
  mount_point_ = make_temporary("/var/tmp");
  image_ = mount_point_ + ".img";
  const Fd image = open_host(image_, O_RDWR | O_CREAT | O_EXCL);
  check(::ftruncate(image.get(), static_cast<off_t>(megabytes << 20)), "ftruncate", image_);
  const auto made = run(mkfs_command(kind, mkfs_options, image_));
  reason_ = made.status == 0 ? mount_loop(kind_, options_, image_, mount_point_) : made.err;
  if (!ok()) std::fprintf(stderr, "no %s here: %s\n", kind.c_str(), reason_.c_str());
}

LoopFs::~LoopFs() {
  if (mount_point_.empty()) return;
  unmount_beneath(mount_point_);
  if (ok() && !unmount(mount_point_)) ADD_FAILURE() << mount_point_ << " was still in use at the end";
  ::rmdir(mount_point_.c_str());
  ::unlink(image_.c_str());
}

void LoopFs::remount() {
  if (!unmount_loop(mount_point_, image_)) throw std::runtime_error(mount_point_ + " is in use");
  reason_ = mount_loop(kind_, options_, image_, mount_point_);
  if (!ok()) throw std::runtime_error(reason_);
}

void LoopFs::change_unmounted(const std::string& command) {
  if (!unmount_loop(mount_point_, image_)) throw std::runtime_error(mount_point_ + " is in use");
  shell_or_fail("PATH=$PATH:/sbin:/usr/sbin; image=" + image_ + "; " + command);
  reason_ = mount_loop(kind_, options_, image_, mount_point_);
  if (!ok()) throw std::runtime_error(reason_);
}

void LoopFs::change_uuid() {
  const std::map<std::string, std::string> commands = {{"ext4", "e2fsck -fp $image && tune2fs -U random $image"},
                                                       {"xfs", "xfs_admin -U generate $image"},
                                                       {"btrfs", "btrfstune -f -u $image"}};
  change_unmounted(commands.at(kind_));
}

void LoopFs::shrink() { change_unmounted("e2fsck -fp $image && resize2fs -M $image"); }

void LoopFs::power_cut() {
  constexpr auto shutdown = _IOR('X', 125, std::uint32_t);  // FS_IOC_SHUTDOWN
  std::uint32_t without_log_flush = 2;                      // FSOP_GOING_FLAGS_NOLOGFLUSH
  if (::ioctl(open_directory(mount_point_, "").get(), shutdown, &without_log_flush) == 0) return remount();
  // btrfs has no such call: what the device holds at this moment is what a power cut would leave.
  const std::string cut = image_ + ".cut";
  const auto copied = run({"cp", "--sparse=always", image_, cut});
  if (copied.status != 0) throw std::runtime_error(copied.err);
  if (!unmount_loop(mount_point_, image_)) throw std::runtime_error(mount_point_ + " is in use");
  check(::rename(cut.c_str(), image_.c_str()), "rename", cut);
  reason_ = mount_loop(kind_, options_, image_, mount_point_);
  if (!ok()) throw std::runtime_error(reason_);
}

}  // namespace vunify::test
