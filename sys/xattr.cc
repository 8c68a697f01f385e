// SPDX-License-Identifier: Apache-2.0
#include "sys/xattr.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdint>

#include "sys/fd.h"

namespace vunify {
namespace {

// include/uapi/linux/xattr.h, Linux 6.13. Debian 12's headers do not have it yet; the numbers are every architecture's.
struct XattrArgs {
  std::uint64_t value;
  std::uint32_t size;
  std::uint32_t flags;
};
constexpr long setxattrat_number = 463;
constexpr long getxattrat_number = 464;
constexpr long listxattrat_number = 465;
constexpr long removexattrat_number = 466;

// EPERM: what some containers answer to calls they do not know.
bool is_unknown_call() { return errno == ENOSYS || errno == EPERM; }

// The calls with an l do not follow what a directory holds under a name; /proc/self/fd/N itself is to be followed.
struct XattrPath {
  XattrPath(int dir, const char* leaf)
      : is_itself(*leaf == '\0'), path(is_itself ? proc_path(dir) : proc_path(dir) + "/" + leaf) {}
  bool is_itself;
  std::string path;
};

ssize_t getxattr_at(int dir, const std::string& leaf, const char* name, char* value, std::size_t size) {
  const XattrArgs args{reinterpret_cast<std::uintptr_t>(value), static_cast<std::uint32_t>(size), 0};
  if (!leaf.empty()) {
    const long got = ::syscall(getxattrat_number, dir, leaf.c_str(), AT_SYMLINK_NOFOLLOW, name, &args, sizeof args);
    if (got >= 0 || !is_unknown_call()) return got;
  }
  const XattrPath at(dir, leaf.c_str());
  return (at.is_itself ? ::getxattr : ::lgetxattr)(at.path.c_str(), name, value, size);
}

ssize_t listxattr_at(int dir, const char* leaf, char* names, std::size_t size) {
  if (*leaf != '\0') {
    const long got = ::syscall(listxattrat_number, dir, leaf, AT_SYMLINK_NOFOLLOW, names, size);
    if (got >= 0 || !is_unknown_call()) return got;
  }
  const XattrPath at(dir, leaf);
  return (at.is_itself ? ::listxattr : ::llistxattr)(at.path.c_str(), names, size);
}

// O_PATH descriptors have to be named.
ssize_t list_xattrs(int fd, char* names, std::size_t size) {
  const auto got = ::flistxattr(fd, names, size);
  return got >= 0 || errno != EBADF ? got : ::listxattr(proc_path(fd).c_str(), names, size);
}

ssize_t getxattr_of(int fd, const char* name, char* value, std::size_t size) {
  const auto got = ::fgetxattr(fd, name, value, size);
  return got >= 0 || errno != EBADF ? got : ::getxattr(proc_path(fd).c_str(), name, value, size);
}

bool has_no_xattrs() { return errno == ENOTSUP || errno == ENOSYS; }

// The kernel's list of names, each with its NUL. Most files have none and cost one call.
template <typename List>
std::string read_names(const List& list) {
  std::string names(256, '\0');
  for (;;) {
    const ssize_t size = list(names.data(), names.size());
    if (size >= 0) {
      names.resize(static_cast<std::size_t>(size));
      return names;
    }
    if (has_no_xattrs()) return {};
    if (errno != ERANGE) throw_errno("flistxattr");
    names.resize(names.size() * 4);
  }
}

template <typename Get>
std::optional<std::string> read_value(const Get& get) {
  std::string value(64, '\0');
  for (;;) {
    const ssize_t size = get(value.data(), value.size());
    if (size >= 0) {
      value.resize(static_cast<std::size_t>(size));
      return value;
    }
    if (errno == ENODATA || errno == ENOENT || has_no_xattrs()) return std::nullopt;
    if (errno != ERANGE) throw_errno("getxattr");
    value.resize(value.size() * 8);
  }
}

}  // namespace

std::optional<std::string> get_xattr(int fd, const char* name) {
  return read_value([&](char* value, std::size_t size) { return getxattr_of(fd, name, value, size); });
}

std::optional<std::string> get_xattr_at(int dir, const std::string& leaf, const char* name) {
  return read_value([&](char* value, std::size_t size) { return getxattr_at(dir, leaf, name, value, size); });
}

std::map<std::string, std::string> read_xattrs(int fd, std::string_view but) {
  std::map<std::string, std::string> xattrs;
  const auto names = read_names([&](char* list, std::size_t size) { return list_xattrs(fd, list, size); });
  for (std::size_t at = 0; at < names.size();) {
    const std::string name(names.c_str() + at);
    at += name.size() + 1;
    if (name == but) continue;
    if (auto value = get_xattr(fd, name.c_str())) xattrs.emplace(name, std::move(*value));
  }
  return xattrs;
}

std::string list_xattrs_at(int dir, const char* leaf) {
  return read_names([&](char* list, std::size_t size) { return listxattr_at(dir, leaf, list, size); });
}

void set_xattr_at(int dir, const char* leaf, const char* name, std::string_view value, int flags) {
  const XattrArgs args{reinterpret_cast<std::uintptr_t>(value.data()), static_cast<std::uint32_t>(value.size()),
                       static_cast<std::uint32_t>(flags)};
  if (*leaf != '\0') {
    if (::syscall(setxattrat_number, dir, leaf, AT_SYMLINK_NOFOLLOW, name, &args, sizeof args) == 0) return;
    if (!is_unknown_call()) throw_errno("setxattrat", name);
  }
  const XattrPath at(dir, leaf);
  const auto set = at.is_itself ? ::setxattr : ::lsetxattr;
  check(set(at.path.c_str(), name, value.data(), value.size(), flags), "setxattr", name);
}

void remove_xattr_at(int dir, const char* leaf, const char* name) {
  if (*leaf != '\0') {
    if (::syscall(removexattrat_number, dir, leaf, AT_SYMLINK_NOFOLLOW, name) == 0) return;
    if (!is_unknown_call()) throw_errno("removexattrat", name);
  }
  const XattrPath at(dir, leaf);
  check((at.is_itself ? ::removexattr : ::lremovexattr)(at.path.c_str(), name), "removexattr", name);
}

void set_xattr(int fd, const std::string& name, const std::string& value) {
  check(::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0), "fsetxattr", name);
}

void remove_xattr(int fd, const char* name) {
  if (::fremovexattr(fd, name) == 0 || errno == ENODATA || has_no_xattrs()) return;
  throw_errno("fremovexattr", name);
}

}  // namespace vunify
