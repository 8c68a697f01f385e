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

class Guarding {
 public:
  explicit Guarding(const Store& store)
      : store_(store),
        filesystems_(open_filesystems(store)),
        reading_(store.environment(), lmdb::Access::read),
        keepers_(reading_, store.table(Store::keepers)) {}

  GuardedAgain run() {
    lmdb::Cursor records(reading_, store_.table(Store::inodes));
    for (auto entry = records.first(); entry; entry = records.next())
      if (const auto record = record_from(entry->value); record.shared && record.guarded)
        guard(key_from(entry->key), record);
    return result_;
  }

  Unguarded find_unguarded() {
    lmdb::Cursor records(reading_, store_.table(Store::inodes));
    Unguarded found;
    for (auto entry = records.first(); entry; entry = records.next())
      if (const auto record = record_from(entry->value); record.shared && record.guarded)
        look_at(key_from(entry->key), record, found);
    return found;
  }

 private:
  void guard(const InodeKey& key, const Record& record) {
    const auto root = filesystems_.find(key.fs);
    const auto keeper = find_keeper(key, record);
    if (root == filesystems_.end() || !keeper) return static_cast<void>(++result_.unreached);
    try {
      const auto fd = open_handle(root->second.get(), keeper->handle);
      if (fd && needs_guard(fd->get(), key)) guard(fd->get(), record, keeper->stat);
    } catch (const std::system_error& error) {
      if (is_error(error, ENODEV)) throw;
      ++(is_error(error, E2BIG) ? result_.without_room : result_.unreached);
    }
  }

  // What carries a flag, or no mark, is kept otherwise by now, or nobody's but its guest's.
  bool needs_guard(int fd, const InodeKey& key) const {
    return (inode_flags(fd) & FS_IMMUTABLE_FL) == 0 && is_marked(fd, {store_.filesystem(key.fs), key.ino});
  }

  void look_at(const InodeKey& key, const Record& record, Unguarded& found) {
    const auto root = filesystems_.find(key.fs);
    const auto keeper = find_keeper(key, record);
    if (root == filesystems_.end() || !keeper) return static_cast<void>(++found.unreached);
    try {
      const auto fd = open_handle(root->second.get(), keeper->handle);
      found.bare += fd && needs_guard(fd->get(), key) && !is_guarded(fd->get());
    } catch (const std::system_error&) {
      ++found.unreached;
    }
  }

  // Looked at once nobody can change its metadata any more.
  void guard(int fd, const Record& record, std::uint64_t stat) {
    const auto lease = Lease::take(fd);
    if (!lease) return static_cast<void>(++result_.changed);
    const bool was_guarded = is_guarded(fd);
    put_under_guard(fd);
    if (lease->is_unwritten() && is_as_recorded(stat_fd(fd), record, stat)) return static_cast<void>(++result_.guarded);
    if (!was_guarded) take_from_guard(fd);
    ++result_.changed;
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
  GuardedAgain result_;
};

}  // namespace

std::uint64_t count_guarded(const Store& store) {
  const lmdb::Transaction reading(store.environment(), lmdb::Access::read);
  lmdb::Cursor records(reading, store.table(Store::inodes));
  std::uint64_t count = 0;
  for (auto entry = records.first(); entry; entry = records.next()) {
    const auto record = record_from(entry->value);
    count += record.shared && record.guarded;
  }
  return count;
}

Unguarded find_unguarded(const Store& store) { return Guarding(store).find_unguarded(); }

GuardedAgain guard_again(const Store& store) { return Guarding(store).run(); }

}  // namespace vunify
