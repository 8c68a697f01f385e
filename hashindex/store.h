// SPDX-License-Identifier: Apache-2.0
// The index on disk: one LMDB file in the state directory, root's alone. Filesystems are known by their UUID, guests by
// the inode of their root, so that neither a reboot nor another mount point makes strangers of them.
//
//   header       "version", "secret": the key of all digests in it
//   filesystems  number -> FsId
//   guests       number -> root, its inode and handle, when it was last seen
//   inodes       InodeKey -> Record
//   keepers      filesystem, size, inode -> hash of owner, mode and mtime; handle: finds a keeper by what a new file is
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "db/lmdb.h"
#include "guest/guest.h"
#include "hashindex/record.h"

namespace vunify {

struct KnownGuest {
  std::uint32_t number = 0;
  std::uint32_t fs = 0;  // as the index numbers filesystems
  std::uint64_t root_ino = 0;
  std::int64_t last_seen = 0;  // seconds since 1970
  std::string handle;          // of the root; empty where the filesystem has none
  std::string root;
};

class Store {
 public:
  static constexpr int version = 1;
  enum Table : std::size_t { header, filesystems, known_guests, inodes, keepers };

  // To write: one process at a time, which holds the state directory's lock; makes the file where there is none.
  Store(const std::string& path, lmdb::Access access);

  const std::string& path() const { return path_; }
  const lmdb::Environment& environment() const { return environment_; }
  MDB_dbi table(Table table) const { return environment_.table(table); }
  const DigestKey& key() const { return key_; }

  std::optional<std::uint32_t> number_of(const FsId& fs) const;
  const FsId& filesystem(std::uint32_t number) const { return filesystems_.at(number); }
  const std::vector<KnownGuest>& guests() const { return guests_; }

  // Writes that these guests are seen now, and returns their numbers. Those of the same filesystems whose root's inode
  // is gone for good are forgotten; a root that is only missing, or not mounted, is not.
  std::vector<std::uint32_t> enroll(const std::vector<Guest>& guests, std::int64_t now);

  std::uint64_t count(Table table) const;

  // Goes through all there is, as far as its file may hold. False where something cannot be.
  bool reads_well() const;
  // Puts all there is into a new index.
  void copy_to(const std::string& path) const;

 private:
  void load();
  void make_header();
  std::uint32_t enroll(const FsId& fs, lmdb::Transaction& writing);
  std::uint32_t enroll(const Guest& guest, std::int64_t now, lmdb::Transaction& writing);
  void forget_gone(const std::vector<Guest>& guests, lmdb::Transaction& writing);

  std::string path_;
  lmdb::Environment environment_;
  DigestKey key_;
  std::vector<FsId> filesystems_;  // by number
  std::vector<KnownGuest> guests_;
};

// One thread's view of the records, as they were when it was made. Fastest when asked in the order of inode numbers.
class RecordReader {
 public:
  explicit RecordReader(const Store& store)
      : reading_(store.environment(), lmdb::Access::read), cursor_(reading_, store.table(Store::inodes)) {}
  std::optional<Record> find(const InodeKey& key);

 private:
  lmdb::Transaction reading_;
  lmdb::Cursor cursor_;
};

}  // namespace vunify
