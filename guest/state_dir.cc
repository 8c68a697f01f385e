// SPDX-License-Identifier: Apache-2.0
#include "guest/state_dir.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "sys/directory.h"
#include "sys/file_locks.h"
#include "sys/inode.h"
#include "sys/mount.h"

namespace vunify {
namespace {

constexpr auto report_leaf = "/report.json";
constexpr auto lock_leaf = "/lock";

void make_parents(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent);
}

// A slash at the end would have a symlink followed.
std::string plain(const std::string& path) {
  auto absolute = std::filesystem::absolute(path).lexically_normal().string();
  if (absolute.size() > 1 && absolute.ends_with('/')) absolute.pop_back();
  return absolute;
}

void check_owner(int dir, const std::string& path) {
  if (stat_fd(dir).uid == 0) return;
  errno = EPERM;
  throw_errno("open", path);
}

void own(int dir, const std::string& path) {
  try {
    make_private(dir);
  } catch (const std::system_error& error) {
    throw std::system_error(error.code(), path);
  }
}

// What the last run wrote that held the lock.
std::string number_in_lock(const Fd& lock, const std::string& path) {
  const auto text = read_all(lock.get(), path);
  return text.substr(0, text.find('\n'));
}

}  // namespace

StateDir::StateDir(const std::string& path) : path_(plain(path)) {
  make_parents(path_);
  make_private_directory(AT_FDCWD, path_);
  const Fd dir = open_host(path_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  check_owner(dir.get(), path_);
  own(dir.get(), path_);
  lock_ = open_host(path_ + lock_leaf, O_RDWR | O_CREAT | O_NOFOLLOW);
}

bool StateDir::lock() {
  if (!lock_exclusively(lock_.get())) return false;
  write_at(lock_.get(), 0, std::to_string(::getpid()) + "\n          ", path_);
  return true;
}

std::string StateDir::holder() const { return number_in_lock(open_host(path_ + lock_leaf, O_RDONLY), path_); }

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

std::optional<StateView> StateView::open(const std::string& path) {
  try {
    const auto absolute = plain(path);
    Fd dir = open_host(absolute, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    check_owner(dir.get(), absolute);
    return StateView(absolute, std::move(dir));
  } catch (const std::system_error& error) {
    if (is_error(error, ENOENT)) return std::nullopt;
    throw;
  }
}

std::optional<LockHolder> StateView::holder() const {
  const auto found = file("lock");
  if (!found || !found->is_regular()) return std::nullopt;
  const Fd lock = open_host(path_ + lock_leaf, O_RDONLY | O_NOFOLLOW);
  const auto inode = stat_fd(lock.get());
  const auto process = FileLocks::read_all().flock_holder(mount_of(lock.get()).dev, inode.ino);
  if (!process) return std::nullopt;
  LockHolder holder;
  const auto number = std::to_string(*process);
  if (std::filesystem::exists("/proc/" + number)) holder.process = *process;
  if (number_in_lock(lock, path_) == number) holder.since = inode.stamp.mtime;
  return holder;
}

std::optional<Inode> StateView::file(const std::string& leaf) const { return stat_name(dir_.get(), leaf.c_str()); }

}  // namespace vunify
