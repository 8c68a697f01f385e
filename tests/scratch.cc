// SPDX-License-Identifier: Apache-2.0
#include "tests/scratch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "sys/fd.h"
#include "tests/tree.h"

namespace vunify::test {
namespace {

constexpr std::int64_t all_files_mtime = 1577836800;  // 2020-01-01 00:00:00 UTC

}  // namespace

Scratch::Scratch(const Files& files, const std::string& where) : root_(make_temporary(where)) {
  for (const auto& [path, content] : files) write(path, content);
}

Scratch::~Scratch() {
  try {
    remove_tree(root_);
  } catch (const std::exception& error) {
    ADD_FAILURE() << "scratch directory stays: " << error.what();
  }
}

void Scratch::write(const std::string& path, const std::string& content) const {
  const auto slash = path.rfind('/');
  if (slash != std::string::npos) make_directory(path.substr(0, slash));
  const Fd dir = open_parent(root_, path);
  const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
  const Fd file(check(::openat(dir.get(), leaf_of(path).c_str(), flags, 0644), "openat", path));
  write_all(file.get(), content, path);
  const timespec times[2] = {{all_files_mtime, 0}, {all_files_mtime, 0}};
  check(::futimens(file.get(), times), "futimens", path);
}

void Scratch::make_directory(const std::string& path) const {
  Fd dir = open_directory(root_, "");
  for (std::size_t at = 0; at < path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    const auto leaf = path.substr(at, end - at);
    if (::mkdirat(dir.get(), leaf.c_str(), 0755) < 0 && errno != EEXIST) throw_errno("mkdirat", path);
    dir = Fd(check(::openat(dir.get(), leaf.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "openat", path));
    at = end + 1;
  }
}

std::string Scratch::read(const std::string& path) const {
  const Fd dir = open_parent(root_, path);
  const Fd file(check(::openat(dir.get(), leaf_of(path).c_str(), O_RDONLY | O_CLOEXEC), "openat", path));
  return read_all(file.get(), path);
}

// As whoever serves it says now, not as the kernel remembers.
Inode Scratch::inode(const std::string& path) const {
  const Fd dir = open_parent(root_, path);
  const std::string leaf = path.empty() ? "." : leaf_of(path);
  return stat_fd(Fd(check(::openat(dir.get(), leaf.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC), "openat", path)).get());
}

bool Scratch::exists(const std::string& path) const {
  struct stat st {};
  return ::lstat((root_ + "/" + path).c_str(), &st) == 0;
}

std::vector<std::string> Scratch::names(const std::string& path) const {
  return list(open_directory(root_, path).get());
}

bool is_root() { return ::geteuid() == 0; }

}  // namespace vunify::test
