// SPDX-License-Identifier: Apache-2.0
#include "hashindex/store.h"

#include <algorithm>

#include "db/bytes.h"
#include "sys/handle.h"

namespace vunify {
namespace {

constexpr std::size_t most_copied = 65536;  // in one transaction
constexpr std::size_t key_bytes = 12, record_bytes = 61;

std::string to_bytes(const FsId& fs) {
  std::string bytes;
  for (const auto part : {fs.uuid_high, fs.uuid_low, fs.subvolume}) put(bytes, part);
  return bytes;
}

FsId fs_from(std::string_view bytes) {
  Unpack in(bytes);
  FsId fs;
  fs.uuid_high = in.take<std::uint64_t>();
  fs.uuid_low = in.take<std::uint64_t>();
  fs.subvolume = in.take<std::uint64_t>();
  return fs;
}

std::string to_bytes(const KnownGuest& guest) {
  std::string bytes;
  put(bytes, guest.fs);
  put(bytes, guest.root_ino);
  put(bytes, static_cast<std::uint64_t>(guest.last_seen));
  put(bytes, static_cast<std::uint32_t>(guest.handle.size()));
  return bytes + guest.handle + guest.root;
}

KnownGuest guest_from(const lmdb::Entry& entry) {
  KnownGuest guest;
  guest.number = Unpack(entry.key).take<std::uint32_t>();
  Unpack in(entry.value);
  guest.fs = in.take<std::uint32_t>();
  guest.root_ino = in.take<std::uint64_t>();
  guest.last_seen = static_cast<std::int64_t>(in.take<std::uint64_t>());
  const auto handle_bytes = std::min<std::size_t>(in.take<std::uint32_t>(), in.rest().size());
  guest.handle = in.rest().substr(0, handle_bytes);
  guest.root = in.rest().substr(handle_bytes);
  return guest;
}

bool is_gone(int on_mount, const KnownGuest& guest) {
  try {
    return !guest.handle.empty() && !open_handle(on_mount, guest.handle);
  } catch (const std::system_error&) {
    return false;
  }
}

bool records_read_well(const lmdb::Transaction& reading, MDB_dbi table) {
  lmdb::Cursor cursor(reading, table);
  for (auto entry = cursor.first(); entry; entry = cursor.next())
    if (entry->key.size() != key_bytes || entry->value.size() != record_bytes) return false;
  return true;
}

}  // namespace

Store::Store(const std::string& path, lmdb::Access access)
    : path_(path), environment_(path, access, {"header", "filesystems", "guests", "inodes", "keepers"}) {
  if (access == lmdb::Access::write) make_header();
  load();
}

void Store::make_header() {
  lmdb::Transaction writing(environment_, lmdb::Access::write);
  if (writing.get(table(header), "secret")) return;
  writing.put(table(header), "version", std::to_string(version));
  writing.put(table(header), "secret", key_.secret());
  writing.commit();
}

void Store::load() {
  const lmdb::Transaction reading(environment_, lmdb::Access::read);
  key_ = DigestKey(reading.get(table(header), "secret").value_or(""));
  lmdb::Cursor all_filesystems(reading, table(filesystems));
  for (auto entry = all_filesystems.first(); entry; entry = all_filesystems.next())
    filesystems_.push_back(fs_from(entry->value));
  lmdb::Cursor all_guests(reading, table(known_guests));
  for (auto entry = all_guests.first(); entry; entry = all_guests.next()) guests_.push_back(guest_from(*entry));
}

std::optional<std::uint32_t> Store::number_of(const FsId& fs) const {
  const auto found = std::ranges::find(filesystems_, fs);
  if (found == filesystems_.end()) return std::nullopt;
  return static_cast<std::uint32_t>(found - filesystems_.begin());
}

std::uint32_t Store::enroll(const FsId& fs, lmdb::Transaction& writing) {
  if (const auto number = number_of(fs)) return *number;
  filesystems_.push_back(fs);
  const auto number = static_cast<std::uint32_t>(filesystems_.size() - 1);
  writing.put(table(filesystems), bytes_of(number), to_bytes(fs));
  return number;
}

std::uint32_t Store::enroll(const Guest& guest, std::int64_t now, lmdb::Transaction& writing) {
  const auto fs = enroll(guest.fs, writing);
  const auto ino = stat_fd(guest.root.fd()).ino;
  const auto handle = handle_of(guest.root.fd());
  auto found = std::ranges::find_if(guests_, [&](const KnownGuest& known) {
    return known.fs == fs && known.root_ino == ino && known.handle == handle;
  });
  if (found == guests_.end()) {
    const auto number = guests_.empty() ? 1 : std::ranges::max_element(guests_, {}, &KnownGuest::number)->number + 1;
    found = guests_.insert(guests_.end(), {number, fs, ino, 0, handle, ""});
  }
  found->last_seen = now;
  found->root = guest.path();
  writing.put(table(known_guests), bytes_of(found->number), to_bytes(*found));
  return found->number;
}

void Store::forget_gone(const std::vector<Guest>& guests, lmdb::Transaction& writing) {
  std::erase_if(guests_, [&](const KnownGuest& known) {
    const auto there =
        std::ranges::find_if(guests, [&](const Guest& guest) { return number_of(guest.fs) == known.fs; });
    if (there == guests.end() || !is_gone(there->root.fd(), known)) return false;
    writing.remove(table(known_guests), bytes_of(known.number));
    return true;
  });
}

std::vector<std::uint32_t> Store::enroll(const std::vector<Guest>& guests, std::int64_t now) {
  lmdb::Transaction writing(environment_, lmdb::Access::write);
  std::vector<std::uint32_t> numbers;
  for (const auto& guest : guests) numbers.push_back(enroll(guest, now, writing));
  forget_gone(guests, writing);
  writing.commit();
  return numbers;
}

std::uint64_t Store::count(Table wanted) const {
  return lmdb::Transaction(environment_, lmdb::Access::read).size(table(wanted));
}

bool Store::reads_well() const {
  if (key_.secret().size() != DigestKey().secret().size() || !lmdb::reads_well(environment_)) return false;
  return records_read_well(lmdb::Transaction(environment_, lmdb::Access::read), table(inodes));
}

void Store::copy_to(const std::string& path) const {
  const Store copy(path, lmdb::Access::write);
  const lmdb::Transaction reading(environment_, lmdb::Access::read);
  for (const auto each : {header, filesystems, known_guests, inodes, keepers}) {
    lmdb::Cursor cursor(reading, table(each));
    for (auto entry = cursor.first(); entry;) {
      lmdb::Transaction writing(copy.environment_, lmdb::Access::write);
      for (std::size_t i = 0; entry && i < most_copied; ++i, entry = cursor.next())
        writing.put(copy.table(each), entry->key, entry->value);
      writing.commit();
    }
  }
}

std::optional<Record> RecordReader::find(const InodeKey& key) {
  const auto entry = cursor_.find(to_bytes(key));
  if (!entry) return std::nullopt;
  return record_from(entry->value);
}

}  // namespace vunify
