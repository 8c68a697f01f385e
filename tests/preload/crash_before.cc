// SPDX-License-Identifier: Apache-2.0
// Preloaded into a program under test: counts the calls with which it changes files, and kills it (SIGKILL) before the
// CRASH_BEFORE-th. Before the SYNC_BEFORE-th the filesystem of SYNC_PATH is synced, so that a power cut that follows
// finds it in the middle of things. CRASH_ONCE=before or =after: the steps of all workers that it starts are counted
// together, those that make things among them, and one of them is killed once. strace -e inject does the first too, but
// counts each system call by itself and takes ten times as long.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

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

bool is_once(const char* when) {
  const char* once = std::getenv("CRASH_ONCE");
  return once != nullptr && std::strcmp(once, when) == 0;
}

using Steps = std::atomic<long>;

constexpr long crashed = 1L << 40;  // added to the steps of all

// Made before the program begins, so that all of its processes have it.
Steps& together() {
  static auto* steps =
      static_cast<Steps*>(::mmap(nullptr, sizeof(Steps), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  return *steps;
}
const Steps& made_early = together();

// The first to make CRASH_MARK alone is killed: what is executed after it has the same environment.
bool is_first() {
  const char* mark = std::getenv("CRASH_MARK");
  if (mark == nullptr || *mark == '\0') return true;
  const int made = next<decltype(::open)>("open")(mark, O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made >= 0) ::close(made);
  return made >= 0;
}

// A supervisor has one thread, and its worker works in others (sys/shared_descriptors).
bool is_supervisor() { return ::gettid() == ::getpid(); }

// Its number; 0: not counted.
long step() {
  static const long crash_before = number("CRASH_BEFORE"), sync_before = number("SYNC_BEFORE");
  static const bool once_before = is_once("before"), once_after = is_once("after");
  static Steps alone{0};
  if ((once_before || once_after) && is_supervisor()) return 0;
  const long now = once_before || once_after ? ++together() : ++alone;
  if (now == sync_before) sync_now();
  if (now != crash_before || once_after || !is_first()) return now;
  together() += crashed;
  ::kill(::getpid(), SIGKILL);
  return now;
}

void stepped_after(long now) {
  static const long crash_at = number("CRASH_BEFORE");
  static const bool once_after = is_once("after");
  if (once_after && now == crash_at && now != 0) ::kill(::getpid(), SIGKILL);
}

mode_t mode_argument(int flags, va_list arguments) {
  return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(arguments, mode_t) : 0;
}

bool changes(int flags) { return (flags & (O_CREAT | O_TRUNC)) != 0 || (flags & O_TMPFILE) == O_TMPFILE; }

bool changes(unsigned long request) {
  return request == FS_IOC_SETFLAGS || request == FS_IOC_FSSETXATTR || request == FICLONE || request == FIDEDUPERANGE;
}

// Of bpf(2), include/uapi/linux/bpf.h: BPF_MAP_CREATE, _UPDATE_ELEM and _DELETE_ELEM, PROG_LOAD, OBJ_PIN,
// RAW_TRACEPOINT_OPEN and LINK_CREATE.
bool changes(long system_call, long command) {
  constexpr long changing[] = {0, 2, 3, 5, 6, 17, 28};
  return system_call == SYS_bpf && std::ranges::find(changing, command) != std::end(changing);
}

template <typename Call, typename... Arguments>
auto stepped(const char* name, Call*, Arguments... arguments) {
  const long now = step();
  const auto result = next<Call>(name)(arguments...);
  stepped_after(now);
  return result;
}

// Steps only where all processes are counted together.
template <typename Call, typename... Arguments>
auto stepped_together(const char* name, Call* call, Arguments... arguments) {
  static const bool is_counted = is_once("before") || is_once("after");
  return is_counted ? stepped(name, call, arguments...) : next<Call>(name)(arguments...);
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_argument(flags, arguments);
  va_end(arguments);
  const long now = changes(flags) ? step() : 0;
  const int fd = next<decltype(::open)>("open")(path, flags, mode);
  stepped_after(now);
  return fd;
}

int ioctl(int fd, unsigned long request, ...) noexcept {
  va_list arguments;
  va_start(arguments, request);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  const long now = changes(request) ? step() : 0;
  const int result = next<decltype(::ioctl)>("ioctl")(fd, request, argument);
  stepped_after(now);
  return result;
}

long syscall(long number, ...) noexcept {
  va_list arguments;
  va_start(arguments, number);
  long words[6];
  for (long& word : words) word = va_arg(arguments, long);
  va_end(arguments);
  const long now = changes(number, words[0]) ? step() : 0;
  const long result =
      next<decltype(::syscall)>("syscall")(number, words[0], words[1], words[2], words[3], words[4], words[5]);
  stepped_after(now);
  return result;
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

// Who looks after a worker (WNOHANG) dies with it, but where only one is to be killed.
pid_t waitpid(pid_t child, int* status, int options) {
  const bool is_alone = !is_once("before") && !is_once("after");
  if (is_alone && options == WNOHANG && together() >= crashed) ::kill(::getpid(), SIGKILL);
  return next<decltype(::waitpid)>("waitpid")(child, status, options);
}

int mknodat(int dir, const char* leaf, mode_t mode, dev_t device) noexcept {
  return stepped_together("mknodat", &::mknodat, dir, leaf, mode, device);
}

int symlinkat(const char* target, int dir, const char* leaf) noexcept {
  return stepped_together("symlinkat", &::symlinkat, target, dir, leaf);
}

int openat(int dir, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_argument(flags, arguments);
  va_end(arguments);
  const auto call = next<decltype(::openat)>("openat");
  if (!changes(flags) || (!is_once("before") && !is_once("after"))) return call(dir, path, flags, mode);
  const long now = step();
  const int fd = call(dir, path, flags, mode);
  stepped_after(now);
  return fd;
}

// The answer, or a question, to the kernel's FUSE device.
ssize_t writev(int fd, const iovec* parts, int count) {
  return stepped_together("writev", &::writev, fd, parts, count);
}

}  // extern "C"
