// SPDX-License-Identifier: Apache-2.0
// All that is mounted here is mounted after the root was changed: a symlink in the place of /dev leads the guest to
// another place of its own. That it has no init is told by /run, as in a container that was not booted: Debian's
// invoke-rc.d(8) starts nothing where no runlevel is known, deb-systemd-invoke and systemctl nothing without
// /run/systemd/system. So no policy-rc.d is needed; one that the guest has is asked.
#include "inside/private_root.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <filesystem>
#include <fstream>

#include "sys/fd.h"
#include "sys/mount_tree.h"
#include "sys/namespaces.h"
#include "sys/new_mount.h"

namespace vunify {
namespace {

namespace fs = std::filesystem;

constexpr unsigned long harmless = MS_NOSUID | MS_NODEV | MS_NOEXEC;

constexpr NewMount kernel_files[] = {{"proc", "/proc", harmless | MS_RDONLY}, {"sysfs", "/sys", harmless | MS_RDONLY}};

// Empty files take memory as well, and nothing of the size.
constexpr NewMount device_files[] = {
    {"tmpfs", "/dev", MS_NOSUID | MS_NOEXEC, "mode=755,size=1m,nr_inodes=1k"},
    {"devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=666,mode=620,gid=5"},
    {"tmpfs", "/dev/shm", harmless, "mode=1777,size=64m,nr_inodes=16k"}};

struct Device {
  const char* path;
  unsigned major, minor;
};
// Documentation/admin-guide/devices.txt.
constexpr Device devices[] = {{"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
                              {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0}};

constexpr std::pair<const char*, const char*> links[] = {{"pts/ptmx", "/dev/ptmx"},
                                                         {"/proc/self/fd", "/dev/fd"},
                                                         {"/proc/self/fd/0", "/dev/stdin"},
                                                         {"/proc/self/fd/1", "/dev/stdout"},
                                                         {"/proc/self/fd/2", "/dev/stderr"}};

// What tells of the host and its keys.
constexpr const char* masked[] = {"/proc/kcore", "/proc/keys", "/proc/key-users", "/proc/timer_list"};

bool is_directory(const char* path) {
  std::error_code unseen;
  return fs::is_directory(path, unseen);
}

void mount_devices() {
  mount_new(device_files[0]);
  for (const auto& device : devices) make_device(device.path, device.major, device.minor, 0666);
  for (const auto& [to, path] : links) fs::create_symlink(to, path);
  for (const auto& mount : {device_files[1], device_files[2]}) {
    fs::create_directory(mount.point);
    mount_new(mount);
  }
}

void mount_kernel_files() {
  mount_new(kernel_files[0]);
  for (const char* path : masked)
    if (fs::exists(path)) mount_file("/dev/null", path);
  if (is_directory("/sys")) mount_new(kernel_files[1]);
  if (is_directory("/sys/firmware")) mount_new({"tmpfs", "/sys/firmware", harmless | MS_RDONLY});
}

// Of an old guest it is /var/run.
void mount_run() {
  const char* run = is_directory("/run") ? "/run" : "/var/run";
  if (!is_directory(run)) return;
  mount_new({"tmpfs", run, MS_NOSUID | MS_NODEV, "mode=755,size=64m,nr_inodes=16k"});
  const auto lock = fs::path(run) / "lock";
  fs::create_directory(lock);
  fs::permissions(lock, fs::perms::all | fs::perms::sticky_bit);
}

// Where it is, or would be, in the end.
fs::path led_to(const fs::path& path) {
  std::error_code failed;
  const auto link = fs::read_symlink(path, failed);
  return fs::weakly_canonical(failed ? path : path.parent_path() / link, failed);
}

// Where the guest's own leads into /run, as systemd-resolved has it, there; over an empty one; else it has what it has.
void show_resolver(const std::string& text) {
  std::error_code failed;
  const fs::path own = "/etc/resolv.conf";
  const bool has_own = fs::file_size(own, failed) > 0 && !failed;
  if (text.empty() || has_own) return;
  const bool is_empty = fs::is_regular_file(own, failed);
  const auto shown = is_empty ? fs::path("/dev/resolv.conf") : led_to(own);
  if (!is_empty && !shown.string().starts_with("/run/")) return;
  fs::create_directories(shown.parent_path());
  std::ofstream(shown) << text;
  if (is_empty) mount_file(shown, own);
}

}  // namespace

void make_private_root(const PrivateRoot& root) {
  keep_mounts();
  const Fd over = open_host(root.path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  const Fd tree = clone_trees(over.get(), MS_NODEV);
  make_root(tree.get(), over.get());
  mount_devices();
  mount_kernel_files();
  mount_run();
  show_resolver(root.resolver);
  set_host_name(root.host_name);
}

}  // namespace vunify
