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
#include <optional>
#include <vector>

namespace vunify {
namespace {

constexpr std::size_t first_room = 128 << 10;
constexpr std::size_t least_room = 64 << 10;  // for one getdents64(2)
constexpr std::size_t most_kept = 1 << 20;    // of a buffer, from one directory to the next

bool is_dots(const char* leaf) { return std::strcmp(leaf, ".") == 0 || std::strcmp(leaf, "..") == 0; }

bool is_gone(const std::system_error& error) {
  return is_error(error, ENOENT) || is_error(error, ENOTDIR) || is_error(error, ELOOP) || is_error(error, ESTALE);
}

// What a thread reads a directory into: kept for the next one, so that a name costs no allocation.
struct Buffers {
  std::vector<char> records;
  std::vector<const dirent64*> order;
  std::vector<Entry> entries;

  void clear() {
    if (records.size() > most_kept) *this = {};
    order.clear();
    entries.clear();
  }
};

std::size_t read_records(int dir, std::vector<char>& records) {
  for (std::size_t size = 0;;) {
    if (records.size() < size + least_room) records.resize(std::max(first_room, 2 * size));
    const long got = check(::syscall(SYS_getdents64, dir, records.data() + size, records.size() - size), "getdents64");
    if (got == 0) return size;
    size += static_cast<std::size_t>(got);
  }
}

void read_entries(int dir, Buffers& buffers) {
  const auto size = read_records(dir, buffers.records);
  for (std::size_t at = 0; at < size;) {
    const auto* record = reinterpret_cast<const dirent64*>(buffers.records.data() + at);
    at += record->d_reclen;
    if (!is_dots(record->d_name)) buffers.order.push_back(record);
  }
  std::ranges::sort(buffers.order, {}, [](const dirent64* record) { return record->d_ino; });
}

// Type and number come with the name; only what may be unified is worth a statx.
std::optional<Inode> look_at(int dir, const dirent64& record, bool unseen) {
  if ((record.d_type == DT_REG && !unseen) || record.d_type == DT_UNKNOWN) return stat_name(dir, record.d_name);
  Inode inode;
  inode.ino = record.d_ino;
  inode.mode = DTTOIF(record.d_type);
  return inode;
}

constexpr char seen = '+', unseen = '-';

// The directories to go on into that one directory holds.
struct Level {
  const RootVisit& visit;
  std::uint64_t device;
  std::string path;
  std::string leaves;  // each with `seen` or `unseen` before it, and its NUL
};
using SharedLevel = std::shared_ptr<const Level>;

class Walk {
 public:
  void run(std::span<const RootVisit> roots) {
    for (const auto& visit : roots)
      go_on(std::make_shared<Level>(Level{visit, stat_fd(visit.root->fd()).dev, {}, {seen, '\0'}}));
    tasks_.wait();
  }

 private:
  // Leaves are taken one by one: a task each would hold a path for every one of a million directories.
  void go_on(SharedLevel level, std::size_t at = 0) {
    if (at < level->leaves.size()) tasks_.run([this, level = std::move(level), at] { enter(level, at); });
  }

  void enter(const SharedLevel& level, std::size_t at) {
    const bool is_unseen = level->leaves[at] == unseen;
    const std::string_view leaf = level->leaves.c_str() + at + 1;
    go_on(level, at + leaf.size() + 2);
    const auto& visitor = level->visit.visitor;
    if (visitor.stop()) return;
    auto path = join_path(level->path, leaf);
    try {
      auto leaves = visit(*level, path, is_unseen);
      if (!leaves.empty())
        go_on(std::make_shared<Level>(Level{level->visit, level->device, std::move(path), std::move(leaves)}));
    } catch (const std::system_error& error) {
      if (!is_gone(error)) visitor.failed(path, error);
    }
  }

  static std::string visit(const Level& level, const std::string& path, bool is_unseen) {
    const Fd dir = level.visit.root->open_directory(path);
    if (stat_fd(dir.get()).dev != level.device) {
      errno = EXDEV;
      throw_errno("open", path);
    }
    thread_local Buffers buffers;
    buffers.clear();
    read_entries(dir.get(), buffers);
    for (const auto* record : buffers.order) try {
        if (const auto inode = look_at(dir.get(), *record, is_unseen))
          buffers.entries.push_back({record->d_name, *inode});
      } catch (const std::system_error& error) {
        level.visit.visitor.failed(join_path(path, record->d_name), error);
      }
    level.visit.visitor.visit({path, dir.get(), buffers.entries, is_unseen});
    std::string leaves;
    for (const auto& entry : buffers.entries)
      if (entry.enter) leaves.append(1, is_unseen || entry.unseen ? unseen : seen).append(entry.leaf).push_back('\0');
    return leaves;
  }

  tbb::task_group tasks_;
};

}  // namespace

void walk(std::span<const RootVisit> roots) { Walk().run(roots); }

}  // namespace vunify
