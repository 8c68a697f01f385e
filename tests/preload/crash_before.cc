// SPDX-License-Identifier: Apache-2.0
// Preloaded into a program under test: counts the calls with which it changes files, and kills it (SIGKILL) before the
// CRASH_BEFORE-th. Before the SYNC_BEFORE-th the filesystem of SYNC_PATH is synced, so that a power cut that follows
// finds it in the middle of things. strace -e inject does the first too, but counts each system call by itself and
// takes ten times as long.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "sys/inode_attr.h"

namespace {

template <typename Call>
Call* next(const char* name) {
  return reinterpret_cast<Call*>(::dlsym(RTLD_NEXT, name));
}

long number(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? 0 : std::atol(text);
}

void sync_now() {
  const int dir = next<decltype(::open)>("open")(std::getenv("SYNC_PATH"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  next<decltype(::syncfs)>("syncfs")(dir);
  ::close(dir);
}

void step() {
  static const long crash_before = number("CRASH_BEFORE"), sync_before = number("SYNC_BEFORE");
  static std::atomic<long> steps{0};
  const long now = ++steps;
  if (now == sync_before) sync_now();
  if (now == crash_before) ::kill(::getpid(), SIGKILL);
}

mode_t mode_argument(int flags, va_list arguments) {
  return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(arguments, mode_t) : 0;
}

bool changes(int flags) { return (flags & (O_CREAT | O_TRUNC)) != 0 || (flags & O_TMPFILE) == O_TMPFILE; }

bool changes(unsigned long request) {
  return request == FS_IOC_SETFLAGS || request == FS_IOC_FSSETXATTR || request == FICLONE || request == FIDEDUPERANGE;
}

template <typename Call, typename... Arguments>
auto stepped(const char* name, Call*, Arguments... arguments) {
  step();
  return next<Call>(name)(arguments...);
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_argument(flags, arguments);
  va_end(arguments);
  if (changes(flags)) step();
  return next<decltype(::open)>("open")(path, flags, mode);
}

int ioctl(int fd, unsigned long request, ...) noexcept {
  va_list arguments;
  va_start(arguments, request);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  if (changes(request)) step();
  return next<decltype(::ioctl)>("ioctl")(fd, request, argument);
}

int linkat(int from_dir, const char* from, int to_dir, const char* to, int flags) noexcept {
  return stepped("linkat", &::linkat, from_dir, from, to_dir, to, flags);
}

int renameat2(int from_dir, const char* from, int to_dir, const char* to, unsigned flags) noexcept {
  return stepped("renameat2", &::renameat2, from_dir, from, to_dir, to, flags);
}

int rename(const char* from, const char* to) noexcept { return stepped("rename", &::rename, from, to); }

int unlinkat(int dir, const char* leaf, int flags) noexcept {
  return stepped("unlinkat", &::unlinkat, dir, leaf, flags);
}

int unlink(const char* path) noexcept { return stepped("unlink", &::unlink, path); }

int remove(const char* path) noexcept { return stepped("remove", &::remove, path); }

int mkdirat(int dir, const char* leaf, mode_t mode) noexcept { return stepped("mkdirat", &::mkdirat, dir, leaf, mode); }

int fsetxattr(int fd, const char* name, const void* value, size_t size, int flags) noexcept {
  return stepped("fsetxattr", &::fsetxattr, fd, name, value, size, flags);
}

int setxattr(const char* path, const char* name, const void* value, size_t size, int flags) noexcept {
  return stepped("setxattr", &::setxattr, path, name, value, size, flags);
}

int fremovexattr(int fd, const char* name) noexcept { return stepped("fremovexattr", &::fremovexattr, fd, name); }

int removexattr(const char* path, const char* name) noexcept {
  return stepped("removexattr", &::removexattr, path, name);
}

int utimensat(int dir, const char* path, const timespec times[2], int flags) noexcept {
  return stepped("utimensat", &::utimensat, dir, path, times, flags);
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  return stepped("pwrite", &::pwrite, fd, bytes, size, at);
}

ssize_t copy_file_range(int from, off64_t* from_at, int to, off64_t* to_at, size_t size, unsigned flags) {
  return stepped("copy_file_range", &::copy_file_range, from, from_at, to, to_at, size, flags);
}

int fchmod(int fd, mode_t mode) noexcept { return stepped("fchmod", &::fchmod, fd, mode); }

int fchown(int fd, uid_t uid, gid_t gid) noexcept { return stepped("fchown", &::fchown, fd, uid, gid); }

int ftruncate(int fd, off_t size) noexcept { return stepped("ftruncate", &::ftruncate, fd, size); }

int fdatasync(int fd) { return stepped("fdatasync", &::fdatasync, fd); }

int syncfs(int fd) noexcept { return stepped("syncfs", &::syncfs, fd); }

}  // extern "C"
