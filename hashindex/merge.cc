// SPDX-License-Identifier: Apache-2.0
#include "hashindex/merge.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>

#include "db/bytes.h"

namespace vunify {
namespace {

constexpr std::size_t most_changes = 65536;  // in one transaction: some 10 MiB of pages not written yet

std::string keeper_key(const InodeKey& key, std::uint64_t size) {
  std::string bytes;
  put(bytes, key.fs);
  put(bytes, size);
  put(bytes, key.ino);
  return bytes;
}

std::string keeper_value(const Finding& finding) {
  std::string bytes;
  put(bytes, finding.stat_hash);
  return bytes + finding.handle;
}

// Changes to both tables. Those to the keepers come in another order than theirs: they wait, and are sorted, for the
// end of the transaction.
class Changes {
 public:
  explicit Changes(Store& store) : store_(store) { begin(); }

  void put(const Finding& finding) {
    const auto key = to_bytes(finding.key), value = to_bytes(finding.record);
    if (is_last(key)) {
      records_->append(key, value);
    } else {
      drop_keeper(finding.key, records_->find(key));
      records_->put(key, value);
    }
    last_ = std::max(last_, key);
    if (finding.record.shared) keepers_[keeper_key(finding.key, finding.record.size)] = keeper_value(finding);
    count();
  }

  void remove(const InodeKey& key) {
    const auto entry = records_->find(to_bytes(key));
    if (!entry) return;
    drop_keeper(key, entry);
    records_->remove();
    count();
  }

  void commit() {
    records_.reset();
    for (const auto& [key, value] : keepers_) {
      if (value)
        writing_->put(store_.table(Store::keepers), key, *value);
      else
        writing_->remove(store_.table(Store::keepers), key);
    }
    keepers_.clear();
    writing_->commit();
    begin();
  }

 private:
  void begin() {
    writing_.emplace(store_.environment(), lmdb::Access::write);
    records_.emplace(*writing_, store_.table(Store::inodes));
    const auto last = records_->last();
    last_ = last ? last->key : "";
  }

  bool is_last(const std::string& key) const { return key > last_; }

  void drop_keeper(const InodeKey& key, const std::optional<lmdb::Entry>& entry) {
    if (!entry) return;
    const auto record = record_from(entry->value);
    if (record.shared) keepers_[keeper_key(key, record.size)] = std::nullopt;
  }

  void count() {
    if (++count_ < most_changes) return;
    count_ = 0;
    commit();
  }

  Store& store_;
  std::optional<lmdb::Transaction> writing_;
  std::optional<lmdb::Cursor> records_;
  std::map<std::string, std::optional<std::string>> keepers_;
  std::string last_;
  std::size_t count_ = 0;
};

std::optional<std::string> keeper_of(const Store& store, const InodeKey& key, const Record& record) {
  const lmdb::Transaction reading(store.environment(), lmdb::Access::read);
  const auto value = reading.get(store.table(Store::keepers), keeper_key(key, record.size));
  if (!value) return std::nullopt;
  return std::string(Unpack(*value).rest().substr(std::min<std::size_t>(value->size(), sizeof(std::uint64_t))));
}

class Pruning {
 public:
  Pruning(const Store& store, const Walked& walked, const IsGone& is_gone)
      : store_(store), walked_(walked), is_gone_(is_gone) {
    for (const auto& guest : store.guests()) known_.insert(guest.number);
  }

  std::vector<InodeKey> stale() {
    std::vector<InodeKey> stale;
    const lmdb::Transaction reading(store_.environment(), lmdb::Access::read);
    lmdb::Cursor cursor(reading, store_.table(Store::inodes));
    for (auto entry = cursor.first(); entry; entry = cursor.next()) {
      const auto key = key_from(entry->key);
      if (!was_seen(key) && is_stale(key, record_from(entry->value))) stale.push_back(key);
    }
    return stale;
  }

 private:
  // Both are in the same order: each is gone through once.
  bool was_seen(const InodeKey& key) {
    if (fs_ != key.fs) {
      fs_ = key.fs;
      const auto found = walked_.inodes.find(key.fs);
      seen_ = found == walked_.inodes.end() ? std::span<const std::uint64_t>() : std::span(found->second);
    }
    while (!seen_.empty() && seen_.front() < key.ino) seen_ = seen_.subspan(1);
    return !seen_.empty() && seen_.front() == key.ino;
  }

  bool is_stale(const InodeKey& key, const Record& record) const {
    if (!record.shared) return walked_.guests.contains(record.guest) || !known_.contains(record.guest);
    if (!walked_.inodes.contains(key.fs)) return false;
    const auto handle = keeper_of(store_, key, record);
    return handle && is_gone_(key.fs, *handle);
  }

  const Store& store_;
  const Walked& walked_;
  const IsGone& is_gone_;
  std::set<std::uint32_t> known_;
  std::optional<std::uint32_t> fs_;
  std::span<const std::uint64_t> seen_;
};

}  // namespace

void merge(Store& store, Delta& delta) {
  if (delta.is_empty()) return;
  Changes changes(store);
  delta.for_each([&](const Finding& finding) { finding.is_gone ? changes.remove(finding.key) : changes.put(finding); });
  changes.commit();
  delta.remove();
}

void prune(Store& store, const Walked& walked, const IsGone& is_gone) {
  const auto stale = Pruning(store, walked, is_gone).stale();
  if (stale.empty()) return;
  Changes changes(store);
  for (const auto& key : stale) changes.remove(key);
  changes.commit();
}

}  // namespace vunify
