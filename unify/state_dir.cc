// SPDX-License-Identifier: Apache-2.0
#include "unify/state_dir.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "sys/directory.h"
#include "sys/inode.h"

namespace vunify {
namespace {

constexpr auto report_leaf = "/report.json";

void make_parents(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent);
}

}  // namespace

StateDir::StateDir(const std::string& path) : path_(std::filesystem::absolute(path).lexically_normal()) {
  if (path_.size() > 1 && path_.ends_with('/')) path_.pop_back();
  make_parents(path_);
  make_private_directory(AT_FDCWD, path_);
  const Fd dir = open_host(path_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (stat_fd(dir.get()).uid != 0) {
    errno = EPERM;
    throw_errno("open", path_);
  }
  make_private(dir.get());
  lock_ = open_host(path_ + "/lock", O_RDWR | O_CREAT | O_NOFOLLOW);
}

bool StateDir::lock() {
  if (!lock_exclusively(lock_.get())) return false;
  write_at_start(lock_.get(), std::to_string(::getpid()) + "\n          ", path_);
  return true;
}

std::string StateDir::holder() const {
  const auto text = read_all(open_host(path_ + "/lock", O_RDONLY).get(), path_);
  return text.substr(0, text.find('\n'));
}

void StateDir::keep_report(std::string_view report) const {
  const auto fresh = path_ + report_leaf + ".new";
  const Fd file = open_host(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
  write_all(file.get(), report, fresh);
  sync_data(file.get(), fresh);
  std::filesystem::rename(fresh, path_ + report_leaf);
}

std::optional<std::string> last_report(const std::string& state_dir) {
  try {
    const auto path = state_dir + report_leaf;
    return read_all(open_host(path, O_RDONLY | O_NOFOLLOW).get(), path);
  } catch (const std::system_error& error) {
    if (is_error(error, ENOENT)) return std::nullopt;
    throw;
  }
}

}  // namespace vunify
