// SPDX-License-Identifier: Apache-2.0
#include "sys/told_path.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace vunify {
namespace {

constexpr std::array<std::string_view, 9> patient = {"fuse", "nfs",  "autofs", "cifs", "smb",
                                                     "9p",   "ceph", "afs",    "coda"};

bool is_patient(const Mount& mount) {
  const auto begins = [&](std::string_view type) { return mount.type.starts_with(type); };
  return mount.type != "fuseblk" && std::ranges::any_of(patient, begins);
}

bool is_on_the_way(const Mount& mount, const std::string& path) {
  return mount.point == "/" || (path + "/").starts_with(mount.point + "/");
}

std::optional<Fd> hold(const std::string& path, std::uint64_t resolve) {
  open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = resolve | RESOLVE_NO_MAGICLINKS;
  const long fd = ::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how);
  return fd < 0 ? std::nullopt : std::optional<Fd>(static_cast<int>(fd));
}

bool is_served_elsewhere(int fd, const std::vector<Mount>& mounts) {
  const auto mount = find_mount(mounts, fd);
  return !mount || is_patient(*mount);
}

}  // namespace

bool may_never_answer(const std::vector<Mount>& mounts, const std::string& path) {
  return std::ranges::any_of(mounts,
                             [&](const Mount& mount) { return is_patient(mount) && is_on_the_way(mount, path); });
}

// First by what the kernel has in memory (openat2(2): RESOLVE_CACHED), where symlinks are nobody's to wait for either.
std::optional<Fd> hold_told_directory(const std::string& path, const std::vector<Mount>& mounts) {
  auto held = hold(path, RESOLVE_CACHED);
  if (!held && !may_never_answer(mounts, path)) held = hold(path, RESOLVE_NO_SYMLINKS);
  if (held && is_served_elsewhere(held->get(), mounts)) return std::nullopt;
  return held;
}

}  // namespace vunify
