// SPDX-License-Identifier: Apache-2.0
#include "hashindex/guard_again.h"

#include <fcntl.h>

#include <map>

#include "db/bytes.h"
#include "guest/adopted.h"
#include "sys/guard.h"
#include "sys/handle.h"
#include "sys/inode_attr.h"
#include "sys/lease.h"
#include "sys/mark.h"

namespace vunify {
namespace {

// Any directory of each filesystem that the index knows, where it is mounted.
std::map<std::uint32_t, Fd> open_filesystems(const Store& store) {
  const auto mounts = read_mounts();
  std::map<std::uint32_t, Fd> filesystems;
  for (const auto& guest : store.guests()) {
    if (filesystems.contains(guest.fs)) continue;
    try {
      Fd root = open_host(find_guest(guest.root, mounts).root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      if (fs_id(root.get()) == store.filesystem(guest.fs)) filesystems.emplace(guest.fs, std::move(root));
    } catch (const std::system_error&) {
      continue;  // another guest of it may be there
    }
  }
  return filesystems;
}

// Each that is shared under the guard, by what the index knows.
template <typename Visit>
void each_guarded(const lmdb::Transaction& reading, const Store& store, const Visit& visit) {
  lmdb::Cursor records(reading, store.table(Store::inodes));
  for (auto entry = records.first(); entry; entry = records.next())
    if (const auto record = record_from(entry->value); record.shared && record.guarded)
      visit(key_from(entry->key), record);
}

// An inode that is to be under the guard, as it was recorded.
struct ToGuard {
  Fd fd;
  std::uint64_t stat;
};

class Guarding {
 public:
  explicit Guarding(const Store& store)
      : store_(store),
        filesystems_(open_filesystems(store)),
        reading_(store.environment(), lmdb::Access::read),
        keepers_(reading_, store.table(Store::keepers)) {}

  GuardedAgain run() {
    GuardedAgain result;
    each_guarded(reading_, store_, [&](const InodeKey& key, const Record& record) {
      try {
        if (const auto found = open(key, record)) ++(put_back(*found, record) ? result.guarded : result.changed);
      } catch (const std::system_error& error) {
        if (is_error(error, ENODEV)) throw;
        ++(is_error(error, E2BIG) ? result.without_room : result.unreached);
      }
    });
    return result;
  }

  Unguarded find_unguarded() {
    Unguarded result;
    each_guarded(reading_, store_, [&](const InodeKey& key, const Record& record) {
      try {
        const auto found = open(key, record);
        result.bare += found && !is_guarded(found->fd.get());
      } catch (const std::system_error&) {
        ++result.unreached;
      }
    });
    return result;
  }

 private:
  // Nothing where it is gone, or needs no guard. Throws where it cannot be told.
  std::optional<ToGuard> open(const InodeKey& key, const Record& record) {
    const auto root = filesystems_.find(key.fs);
    const auto keeper = find_keeper(key, record);
    if (root == filesystems_.end() || !keeper) throw std::system_error(ENXIO, std::generic_category());
    auto fd = open_handle(root->second.get(), keeper->handle);
    if (!fd || !needs_guard(fd->get(), key)) return std::nullopt;
    return ToGuard{std::move(*fd), keeper->stat};
  }

  // What carries a flag, or no mark, is kept otherwise by now, or nobody's but its guest's.
  bool needs_guard(int fd, const InodeKey& key) const {
    return (inode_flags(fd) & FS_IMMUTABLE_FL) == 0 && is_marked(fd, {store_.filesystem(key.fs), key.ino});
  }

  // Looked at once nobody can change its metadata any more. False where it is not as recorded, or open for writing.
  bool put_back(const ToGuard& one, const Record& record) const {
    const int fd = one.fd.get();
    const auto lease = Lease::take(fd);
    if (!lease) return false;
    const bool was_guarded = is_guarded(fd);
    put_under_guard(fd);
    if (lease->is_unwritten() && is_as_recorded(stat_fd(fd), record, one.stat)) return true;
    if (!was_guarded) take_from_guard(fd);
    return false;
  }

  bool is_as_recorded(const Inode& now, const Record& record, std::uint64_t stat) const {
    return now.stamp.size == record.size && now.stamp.mtime == record.mtime && now.born == record.changed &&
           stat == stat_hash(store_.key(), now.mode, now.uid, now.gid, now.stamp.mtime.sec, KeptBy::flag);
  }

  struct Keeper {
    std::uint64_t stat;
    std::string handle;
  };
  std::optional<Keeper> find_keeper(const InodeKey& inode, const Record& record) {
    std::string key;
    put(key, inode.fs);
    put(key, record.size);
    put(key, inode.ino);
    const auto found = keepers_.find(key);
    if (!found) return std::nullopt;
    Unpack value(found->value);
    const auto stat = value.take<std::uint64_t>();
    return Keeper{stat, std::string(value.rest())};
  }

  const Store& store_;
  std::map<std::uint32_t, Fd> filesystems_;
  lmdb::Transaction reading_;
  lmdb::Cursor keepers_;
};

}  // namespace

std::uint64_t count_guarded(const Store& store) {
  const lmdb::Transaction reading(store.environment(), lmdb::Access::read);
  std::uint64_t count = 0;
  each_guarded(reading, store, [&](const InodeKey&, const Record&) { ++count; });
  return count;
}

Unguarded find_unguarded(const Store& store) { return Guarding(store).find_unguarded(); }

GuardedAgain guard_again(const Store& store) { return Guarding(store).run(); }

}  // namespace vunify
