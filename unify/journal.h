// SPDX-License-Identifier: Apache-2.0
// What a worker is about to do, on disk before it does it. Each worker has one file in the state directory and one
// batch in it at a time: written and synced when the batch begins, emptied when it is over. A batch that was torn by a
// power cut fails its checksum: it had not begun. What to make of an old one is told in unify/recover.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sys/fd.h"
#include "sys/inode.h"
#include "unify/protection.h"

namespace vunify {

// A name in staging that is to be exchanged with a guest's.
struct JournaledName {
  std::string staged;  // leaf in the staging directory
  std::string root;    // the guest's root, and the path from there
  std::string path;
  std::uint64_t before = 0;   // inode the staged name leads to until the exchange; 0: a copy still being made
  std::uint64_t after = 0;    // inode it leads to afterwards
  Timestamp directory_mtime;  // of the guest's directory, see unify/directory_time.h
};

enum class Intent {
  link,  // lead names to the keeper
  copy,  // give names copies of their own
  keep,  // nothing: the names are in staging for the admin to look at
};

// One shared inode and the names that are led to it, or away from it.
struct JournaledSet {
  Intent intent = Intent::link;
  std::string staging;  // path of the staging directory
  std::string fs;       // the filesystem it is on, as text
  std::string root;     // of a guest that has a name of the inode, and that name
  std::string path;
  std::uint64_t keeper = 0;
  std::string handle;  // the keeper's (sys/handle.h)
  std::uint64_t size = 0;
  Timestamp mtime;
  Protection protection = Protection::none;  // to be set again where it was lifted
  std::vector<JournaledName> names;
};

class Journal {
 public:
  // Opens, or makes, the file of one worker. Throws where the state directory cannot be written.
  Journal(const std::string& state_dir, const std::string& worker);

  // Durable when it returns.
  void begin(const std::vector<JournaledSet>& sets);
  // Says more of the batch that has begun, in place of what was said first. Durable when it returns; torn, what was
  // said first still holds.
  void amend(const std::vector<JournaledSet>& sets);
  // The batch is over but for names that had to be kept: it stays on disk, in a file of its own, for the next start.
  void set_aside();
  // The batch is over, but what it did on the filesystem of `fs` need not be on disk yet. It must be before the batch
  // is forgotten: whoever begins the next one calls sync() first. Until then the next start would find nothing left to
  // do.
  void over(int fs, const std::string& path);
  // Makes durable what the last batch did, and all else on the filesystem of `fs`.
  void sync(int fs, const std::string& path);
  // The batch is over, and on disk (what over() told is synced). Not synced itself: see over().
  void end();

 private:
  std::string path_;
  Fd fd_;
  std::string begun_;  // what begin() wrote
  int unsynced_ = -1;  // what over() told
  std::string unsynced_path_;
};

// The batches that earlier workers left. A file that cannot be read throws; one whose batch is torn, or over, has none.
std::vector<JournaledSet> read_journals(const std::string& state_dir);
// Removes them all; sets that are still to be dealt with stay in one file of their own.
void replace_journals(const std::string& state_dir, const std::vector<JournaledSet>& unresolved);

}  // namespace vunify
