// SPDX-License-Identifier: Apache-2.0
#include "sys/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <tbb/task_group.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace vunify {
namespace {

constexpr std::size_t buffer_bytes = 128 << 10;

bool is_dots(const char* leaf) { return std::strcmp(leaf, ".") == 0 || std::strcmp(leaf, "..") == 0; }

bool is_gone(const std::system_error& error) {
  return is_error(error, ENOENT) || is_error(error, ENOTDIR) || is_error(error, ELOOP) || is_error(error, ESTALE);
}

// Type and number come with the name; only what may be unified is worth a statx.
bool fill(int dir, unsigned char type, Inode& inode, const char* leaf) {
  inode.mode = DTTOIF(type);
  if (type != DT_REG && type != DT_UNKNOWN) return true;
  const auto stat = stat_name(dir, leaf);
  if (stat) inode = *stat;
  return stat.has_value();
}

std::vector<Entry> read_entries(int dir) {
  thread_local const auto buffer = std::make_unique<char[]>(buffer_bytes);
  std::vector<Entry> entries;
  while (const long got = check(::syscall(SYS_getdents64, dir, buffer.get(), buffer_bytes), "getdents64")) {
    for (long at = 0; at < got;) {
      const auto* record = reinterpret_cast<const dirent64*>(buffer.get() + at);
      at += record->d_reclen;
      if (is_dots(record->d_name)) continue;
      Entry entry{record->d_name, {}};
      entry.inode.ino = record->d_ino;
      entry.inode.mode = DTTOIF(record->d_type);
      entries.push_back(std::move(entry));
    }
  }
  return entries;
}

class Walk {
 public:
  Walk(const RootDir& root, const Visitor& visitor) : root_(root), visitor_(visitor), device_(stat_fd(root.fd()).dev) {}

  void run() {
    tasks_.run([this] { enter({}); });
    tasks_.wait();
  }

 private:
  void enter(const std::string& path) {
    if (visitor_.stop()) return;
    try {
      for (auto& leaf : visit(path)) tasks_.run([this, next = join_path(path, leaf)] { enter(next); });
    } catch (const std::system_error& error) {
      if (!is_gone(error)) visitor_.failed(path, error);
    }
  }

  std::vector<std::string> visit(const std::string& path) {
    const Fd dir = root_.open_directory(path);
    Listing listing{path, dir.get(), stat_fd(dir.get()), {}};
    if (listing.self.dev != device_) {
      errno = EXDEV;
      throw_errno("open", path);
    }
    listing.entries = read_entries(dir.get());
    std::ranges::sort(listing.entries, {}, [](const Entry& entry) { return entry.inode.ino; });
    std::erase_if(listing.entries, [&](Entry& entry) {
      return !fill(dir.get(), static_cast<unsigned char>(IFTODT(entry.inode.mode)), entry.inode, entry.leaf.c_str());
    });
    return visitor_.visit(listing);
  }

  const RootDir& root_;
  const Visitor& visitor_;
  std::uint64_t device_;
  tbb::task_group tasks_;
};

}  // namespace

void walk(const RootDir& root, const Visitor& visitor) { Walk(root, visitor).run(); }

}  // namespace vunify
