// SPDX-License-Identifier: Apache-2.0
// For tests/guard_inside.sh, in a machine whose kernel has the guard:
//   guard_tries FILE             every way to change it, tried as root beneath the guard, and what stays allowed
//   guard_tries --time FILE      nanoseconds of an open, a read, a stat and a write
//   guard_tries --fill N         entries of no file, until there is room for N more
//   guard_tries --bare FILE      its entry is gone
//   guard_tries --alias FILE     its entry is gone, and there is that of an inode which had its number before
//   guard_tries --foreign FILE   where no guard is: what looks like that of another version, loaded
#include <bpf/bpf.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel-cow/guard.h"
#include "sys/fd.h"
#include "sys/guard.h"
#include "sys/handle.h"
#include "sys/inode_attr.h"

namespace vunify::test {
namespace {

using Try = std::function<long()>;

int failed = 0;

void say(bool as_wanted, std::string_view what, std::string_view name, int error) {
  if (!as_wanted) ++failed;
  if (!as_wanted)
    std::printf("NOT OK: %.*s: %.*s: %s\n", static_cast<int>(what.size()), what.data(), static_cast<int>(name.size()),
                name.data(), error == 0 ? "done" : std::strerror(error));
}

int error_of(const Try& attempt) {
  errno = 0;
  return attempt() < 0 ? errno : 0;
}
// The guard is asked before the filesystem is, also for what that does not know.
void refused(std::string_view name, const Try& attempt) {
  const int error = error_of(attempt);
  say(error == EPERM, "is refused", name, error);
}
void allowed(std::string_view name, const Try& attempt) {
  const int error = error_of(attempt);
  say(error == 0, "is allowed", name, error);
}

long opened(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags);
  if (fd >= 0) ::close(fd);
  return fd;
}

// struct posix_acl_xattr_header and entries (include/uapi/linux/posix_acl_xattr.h): user, group, mask, other, one user.
std::vector<unsigned char> acl_of_one_user() {
  const auto entry = [](unsigned char tag, unsigned char id) {
    const unsigned char absent = tag == 2 ? 0 : 255;
    return std::vector<unsigned char>{tag, 0, 4, 0, tag == 2 ? id : absent, absent, absent, absent};
  };
  std::vector<unsigned char> acl{2, 0, 0, 0};
  for (const unsigned char tag : {1, 2, 4, 16, 32}) {
    const auto bytes = entry(tag, 7);
    acl.insert(acl.end(), bytes.begin(), bytes.end());
  }
  return acl;
}

void try_by_path(const std::string& path) {
  const char* file = path.c_str();
  const auto acl = acl_of_one_user();
  refused("open O_WRONLY", [&] { return opened(path, O_WRONLY); });
  refused("open O_RDWR", [&] { return opened(path, O_RDWR); });
  refused("open O_APPEND", [&] { return opened(path, O_WRONLY | O_APPEND); });
  refused("open O_WRONLY and O_TRUNC", [&] { return opened(path, O_WRONLY | O_TRUNC); });
  refused("open O_RDONLY and O_TRUNC", [&] { return opened(path, O_RDONLY | O_TRUNC); });
  refused("truncate", [&] { return ::truncate(file, 1); });
  refused("chmod", [&] { return ::chmod(file, 0600); });
  refused("chown", [&] { return ::chown(file, 1, 1); });
  refused("utimensat", [&] { return ::utimensat(AT_FDCWD, file, nullptr, 0); });
  refused("setxattr", [&] { return ::setxattr(file, "user.x", "1", 1, 0); });
  refused("removexattr", [&] { return ::removexattr(file, "user.kept"); });
  refused("the mark's removal", [&] { return ::removexattr(file, "trusted.vunify"); });
  refused("an ACL", [&] { return ::setxattr(file, "system.posix_acl_access", acl.data(), acl.size(), 0); });
  refused("an ACL's removal", [&] { return ::removexattr(file, "system.posix_acl_access"); });
}

void try_by_descriptor(const std::string& path) {
  const Fd fd = open_host(path, O_RDONLY);
  const int file = fd.get();
  int flags = 0;
  long version = 7;
  fsxattr attributes{};
  ::ioctl(file, FS_IOC_GETFLAGS, &flags);
  ::ioctl(file, FS_IOC_FSGETXATTR, &attributes);
  std::vector<char> verity(128);
  refused("FS_IOC_SETFLAGS", [&] { return ::ioctl(file, FS_IOC_SETFLAGS, &flags); });
  refused("FS_IOC_FSSETXATTR", [&] { return ::ioctl(file, FS_IOC_FSSETXATTR, &attributes); });
  refused("FS_IOC_SETVERSION", [&] { return ::ioctl(file, FS_IOC_SETVERSION, &version); });
  // fs/ext4/ext4.h
  refused("EXT4_IOC_SETVERSION_OLD", [&] { return ::ioctl(file, _IOW('f', 4, long), &version); });
  refused("EXT4_IOC_MIGRATE", [&] { return ::ioctl(file, _IO('f', 9)); });
  refused("EXT4_IOC_SWAP_BOOT", [&] { return ::ioctl(file, _IO('f', 17)); });
  refused("FS_IOC_ENABLE_VERITY", [&] { return ::ioctl(file, 0x40806685UL, verity.data()); });
  refused("fchmod", [&] { return ::fchmod(file, 0600); });
  refused("fchown", [&] { return ::fchown(file, 1, 1); });
  refused("futimens", [&] { return ::futimens(file, nullptr); });
  refused("fsetxattr", [&] { return ::fsetxattr(file, "user.x", "1", 1, 0); });
  refused("open of /proc/self/fd", [&] { return opened(proc_path(file), O_RDWR); });
}

void try_what_stays(const std::string& path) {
  const auto one = path + ".one", two = path + ".two";
  char byte = 0;
  const Fd fd = open_host(path, O_RDONLY);
  allowed("read", [&] { return ::read(fd.get(), &byte, 1) - 1; });
  allowed("a shared map to read",
          [&] { return ::mmap(nullptr, 1, PROT_READ, MAP_SHARED, fd.get(), 0) == MAP_FAILED ? -1L : 0L; });
  allowed("a private map", [&] {
    const int both = PROT_READ | PROT_WRITE;
    return ::mmap(nullptr, 1, both, MAP_PRIVATE, fd.get(), 0) == MAP_FAILED ? -1L : 0L;
  });
  allowed("flock", [&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); });
  allowed("link", [&] { return ::link(path.c_str(), one.c_str()); });
  allowed("rename", [&] { return ::rename(one.c_str(), two.c_str()); });
  allowed("unlink", [&] { return ::unlink(two.c_str()); });
  allowed("rename over it", [&] {
    ::link(path.c_str(), one.c_str());
    ::close(::open(two.c_str(), O_WRONLY | O_CREAT, 0600));
    return ::rename(two.c_str(), one.c_str());
  });
  ::unlink(one.c_str());
}

// An inode number that is given again, as ext4 does at once: the new inode is its owner's.
void try_reuse(const std::string& directory) {
  struct statfs fs {};
  ::statfs(directory.c_str(), &fs);
  const bool gives_again = fs.f_type == 0xef53;  // include/uapi/linux/magic.h: EXT4_SUPER_MAGIC
  const auto path = directory + "/reused";
  Fd fd = open_host(path, O_RDWR | O_CREAT);
  const auto first = stat_fd(fd.get()).ino;
  put_under_guard(fd.get());
  const auto guarded = GuardedInodes::now().count();
  ::unlink(path.c_str());
  say(is_guarded(fd.get()), "is kept", "what is open and has no name", 0);
  fd = {};
  for (int tries = 0; GuardedInodes::now().count() == guarded && tries < 1000; ++tries) ::usleep(10'000);
  say(GuardedInodes::now().count() < guarded, "is gone", "the entry of what died", 0);
  bool is_reused = false;
  for (int i = 0; i < 64 && !is_reused; ++i) {
    fd = open_host(path + std::to_string(i), O_RDWR | O_CREAT);
    is_reused = stat_fd(fd.get()).ino == first;
    say(!is_guarded(fd.get()) && ::write(fd.get(), "x", 1) == 1, "is writable", "a later inode", 0);
    ::unlink((path + std::to_string(i)).c_str());
  }
  say(is_reused || !gives_again, "is given again", "the number", 0);
}

// Of many rounds the fastest, a call.
double nanoseconds(const Try& call) {
  constexpr int rounds = 30, calls = 2000;
  double best = 1e18;
  for (int round = 0; round < rounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < calls; ++i) call();
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count() / calls);
  }
  return best;
}

void time_calls(const std::string& path) {
  const auto scratch = path + ".scratch";
  const Fd reading = open_host(path, O_RDONLY), writing = open_host(scratch, O_RDWR | O_CREAT);
  struct stat st {};
  char byte = 0;
  const auto open = nanoseconds([&] { return opened(path, O_RDONLY); });
  const auto read = nanoseconds([&] { return ::pread(reading.get(), &byte, 1, 0); });
  const auto look = nanoseconds([&] { return ::stat(path.c_str(), &st); });
  const auto write = nanoseconds([&] { return ::pwrite(writing.get(), "x", 1, 0); });
  ::unlink(scratch.c_str());
  std::printf("open and close %.0f ns, pread %.0f ns, stat %.0f ns, pwrite of another file %.0f ns\n", open, read, look,
              write);
}

void fill(std::uint64_t left) {
  const Fd map(bpf_obj_get(VUNIFY_GUARD_DIRECTORY "/" VUNIFY_GUARD_MAP));
  const std::uint8_t value = 1;
  for (auto count = GuardedInodes::now().count(); count < guard_room() - left; ++count) {
    const vunify_guard_key key{.ino = count, .dev = 0, .generation = 0};
    say(bpf_map_update_elem(map.get(), &key, &value, BPF_NOEXIST) == 0, "is taken", "an entry", errno);
  }
}

// In the place of its entry that of an inode which had its number before.
void alias(const std::string& path) {
  const Fd map(bpf_obj_get(VUNIFY_GUARD_DIRECTORY "/" VUNIFY_GUARD_MAP)), file = open_host(path, O_RDONLY);
  const auto inode = stat_fd(file.get());
  const auto generation = generation_at(AT_FDCWD, path.c_str());
  const std::uint8_t value = 1;
  const vunify_guard_key key{
      .ino = inode.ino, .dev = major(inode.dev) << 20 | minor(inode.dev), .generation = generation.value_or(0) + 1};
  take_from_guard(file.get());
  say(generation && bpf_map_update_elem(map.get(), &key, &value, 0) == 0, "is taken", "an entry", errno);
}

void bare(const std::string& path) { take_from_guard(open_host(path, O_RDONLY).get()); }

// In the place of the program that tells whether all of them are there any pin does.
void pin_foreign_guard() {
  const Fd map(bpf_map_create(BPF_MAP_TYPE_HASH, "inodes", 8, 1, 16, nullptr));
  ::mkdir(VUNIFY_GUARD_DIRECTORY, 0700);
  for (const auto* pin : {VUNIFY_GUARD_DIRECTORY "/" VUNIFY_GUARD_MAP, VUNIFY_GUARD_DIRECTORY "/" VUNIFY_GUARD_SIGN})
    say(bpf_obj_pin(map.get(), pin) == 0, "is pinned", pin, errno);
}

}  // namespace
}  // namespace vunify::test

int main(int argc, char** argv) {
  using namespace vunify::test;
  const std::string path = argv[argc - 1];
  const std::string_view option = argc > 2 ? argv[1] : "";
  if (option == "--time") return time_calls(path), 0;
  if (option == "--fill") return fill(std::stoull(path)), failed;
  if (option == "--alias") return alias(path), failed;
  if (option == "--bare") return bare(path), failed;
  if (option == "--foreign") return pin_foreign_guard(), failed;
  try_by_path(path);
  try_by_descriptor(path);
  try_what_stays(path);
  try_reuse(path.substr(0, path.rfind('/')));
  return failed == 0 ? 0 : 1;
}
