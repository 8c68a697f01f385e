// SPDX-License-Identifier: Apache-2.0
// One run's hold on the index: it is opened, asked, told, and closed again with what the run has learnt. Everything it
// says is a hint (hashindex/record.h); a run without an index does the same, only slower.
#pragma once

#include <cassert>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "hashindex/delta.h"
#include "hashindex/knowledge.h"
#include "hashindex/merge.h"
#include "hashindex/seal.h"
#include "hashindex/store.h"
#include "survey/scan.h"

namespace vunify {

class Index {
 public:
  struct Opened {
    std::unique_ptr<Index> index;  // absent: there is none to read, or none can be had
    std::string note;              // what the admin should know: it was damaged, and is begun anew
    bool refused = false;          // something that is not ours has its name: nothing should be done
  };

  // Of a state directory, before any thread is started. To write: the directory's lock is held; an index that cannot be
  // read is replaced by an empty one, and what an interrupted run had learnt is merged.
  static Opened open(const std::string& state_dir, lmdb::Access access);

  Index(const std::string& path, lmdb::Access access);

  const Store& store() const { return store_; }
  const DigestKey& key() const { return store_.key(); }
  bool knows_shared(const FsId& fs, const Inode& inode) const { return shared_.contains(fs, inode); }
  // Finds keepers of guests that are known and not among these; empty where all of them are. For one thread, while this
  // lives.
  FindUnwalked find_unwalked(const std::vector<Guest>& guests) const;
  // by_layout: of groups that share data, not inodes.
  Knowledge look_up(const Survey& survey, bool by_layout) const;

  // To write. Guests of this run, in its order; then what it learns of their inodes, from any thread; then the end:
  // what was learnt is merged, what is gone is pruned. Each throws std::system_error where the disk is full; what was
  // on disk before stays.
  void begin(const std::vector<Guest>& guests);
  void learn_private(std::uint32_t guest, const Learnt& learnt);
  void learn_shared(std::uint32_t guest, const Learnt& learnt);
  void forget(std::uint32_t guest, std::uint64_t ino);
  void end(const std::vector<Guest>& guests, const Scan& scan, bool walked_all);

 private:
  InodeKey key_of(std::uint32_t guest, std::uint64_t ino) const {
    assert(guest < filesystems_.size());  // begin() knows it
    return {filesystems_[guest], ino};
  }
  void keep(Finding finding);
  Walked walked(const Scan& scan) const;

  Store store_;
  Delta delta_;
  KnownShared shared_;
  std::mutex failing_;
  std::optional<std::system_error> failed_;  // guarded by failing_: from then on nothing is learnt
  std::vector<std::uint32_t> guests_;        // of this run, by their numbers in the index
  std::vector<std::uint32_t> filesystems_;   // of each of them
  std::vector<KeptBy> kept_;                 // what each of them shares
};

inline std::string index_path(const std::string& state_dir) { return state_dir + "/index"; }

}  // namespace vunify
