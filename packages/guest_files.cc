// SPDX-License-Identifier: Apache-2.0
#include "packages/guest_files.h"

#include <fcntl.h>

#include <set>

#include "sys/directory.h"
#include "sys/inode.h"
#include "sys/quiet_read.h"

namespace vunify {
namespace {

// The words for what a guest did in the place of a file.
std::string reason_of(const std::system_error& error) {
  if (is_error(error, EXDEV)) return "on another mount";
  if (is_error(error, EWOULDBLOCK)) return "held by a lease";
  if (is_error(error, E2BIG)) return "too many names";
  return error.code().message();
}

bool is_absent(const std::system_error& error) { return is_error(error, ENOENT) || is_error(error, ENOTDIR); }

}  // namespace

// A symlink that leads nowhere is a name all the same.
std::optional<Fd> GuestFiles::find(const std::string& path) const {
  try {
    Fd name = root_.open_in_root(path, O_PATH | O_NOFOLLOW);
    if (!stat_fd(name.get()).is_symlink()) return name;
  } catch (const std::system_error& error) {
    if (is_absent(error)) return std::nullopt;
    throw Unreadable(path, reason_of(error));
  }
  try {
    return root_.open_in_root(path, O_PATH);
  } catch (const std::system_error& error) {
    throw Unreadable(path, is_absent(error) ? "leads nowhere" : reason_of(error));
  }
}

std::optional<std::string> GuestFiles::read(const std::string& path, std::uint64_t most_bytes) const {
  check_time();
  const auto found = find(path);
  if (!found) return std::nullopt;
  const auto inode = stat_fd(found->get());
  if (!inode.is_regular()) throw Unreadable(path, "not a regular file");
  if (inode.stamp.size > most_bytes) throw Unreadable(path, "too large");
  try {
    std::string text(inode.stamp.size, '\0');
    text.resize(QuietReader(reopen_regular(found->get(), path).get()).read_at(0, text));
    return text;
  } catch (const std::system_error& error) {
    throw Unreadable(path, reason_of(error));
  }
}

std::optional<Fd> GuestFiles::directory(const std::string& path) const {
  auto found = find(path);
  if (found && !stat_fd(found->get()).is_directory()) throw Unreadable(path, "not a directory");
  return found;
}

std::optional<std::vector<std::string>> GuestFiles::names(const std::string& path) const {
  const auto found = directory(path);
  if (!found) return std::nullopt;
  try {
    return list_names(found->get(), most_names);
  } catch (const std::system_error& error) {
    throw Unreadable(path, reason_of(error));
  }
}

std::vector<DatabasePlace> GuestFiles::places(const std::vector<std::string>& paths) const {
  std::vector<DatabasePlace> places;
  std::set<std::uint64_t> seen;  // no place is on another mount
  for (const auto& path : paths) {
    auto found = directory(path);
    if (found && seen.insert(stat_fd(found->get()).ino).second) places.push_back({path, std::move(*found)});
  }
  return places;
}

void GuestFiles::check_time() const {
  if (stop_.time_is_up()) throw std::runtime_error("takes too long");
  if (stop_.signal() != 0) throw std::runtime_error("stopped");
}

}  // namespace vunify
