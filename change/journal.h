// SPDX-License-Identifier: Apache-2.0
// What a worker is about to do, on disk before it does it. Each worker has one file in the state directory, to which
// every batch adds a record, synced when the batch begins. Records of batches that are over stay until what they did is
// on disk, too: batch by batch that would cost a sync of the guests' filesystem each. A record that was torn by a power
// cut had not begun; one that was damaged later is told from it (change/journal_record.h). What to make of old ones is
// told in change/recover.h.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "change/journal_key.h"
#include "change/protection.h"
#include "sys/fd.h"
#include "sys/inode.h"

namespace vunify {

// A name in staging that is to be exchanged with a guest's.
struct JournaledName {
  std::string staged;  // leaf in the staging directory
  std::string root{};  // the guest's root, and the path from there
  std::string path{};
  std::uint64_t before = 0;     // inode the staged name leads to until the exchange; 0: a copy still being made
  std::uint64_t after = 0;      // inode it leads to afterwards
  Timestamp directory_mtime{};  // of the guest's directory, see change/directory_time.h
};

enum class Intent {  // on disk: never renumbered
  link = 0,          // lead names to the keeper
  copy = 1,          // give names copies of their own
  keep = 2,          // nothing: the names are in staging for the admin to look at
};

// One shared inode and the names that are led to it, or away from it.
struct JournaledSet {
  Intent intent = Intent::link;
  std::string staging{};  // path of the staging directory
  std::string fs{};       // the filesystem it is on, as text
  std::string root{};     // of a guest that has a name of the inode, and that name
  std::string path{};
  std::uint64_t keeper = 0;
  std::string handle{};  // the keeper's (sys/handle.h)
  std::uint64_t size = 0;
  Timestamp mtime{};
  Protection protection = Protection::none;  // to be set again where it was lifted
  std::vector<JournaledName> names{};
};

class Journal {
 public:
  // Opens, or makes, the file of one worker. Throws where the state directory cannot be written.
  Journal(const std::string& state_dir, const std::string& worker);

  // A batch more. Durable when it returns.
  void begin(const std::vector<JournaledSet>& sets);
  // Says more of the batch that has begun, in place of what was said first. Durable when it returns; torn, what was
  // said first still holds.
  void amend(const std::vector<JournaledSet>& sets);
  // The batch is over, but what it did on the filesystem of `fs` need not be on disk yet: its record stays, and the
  // next start finds nothing left to do, or what a power cut undid. `fs` stays the caller's, and open until forget() or
  // end().
  void over(int fs, const std::string& path);
  // So many records are better forgotten.
  bool is_full() const;
  bool has_earlier() const { return end_ > 0; }
  // Makes durable what all batches did, and all else on the filesystem of `fs`. The next begin() writes over their
  // records.
  void forget(int fs, const std::string& path);
  // The last batch is over but for names that had to be kept: all records stay on disk, in a file of their own, for the
  // next start.
  void set_aside();
  // All batches are over, and on disk (what over() told is synced). Not synced itself: see over().
  void end();

 private:
  void add(const std::string& record);
  void write_end();
  void sync_all();
  void rewind();

  JournalKey key_;
  std::string path_;
  Fd fd_;
  bool has_records_ = false;
  std::uint64_t end_ = 0;                // of the records
  std::uint64_t chain_;                  // that they are of
  std::uint64_t number_ = 0;             // of the next one
  std::map<int, std::string> unsynced_;  // filesystems that over() told, and their paths
};

// The batches that earlier workers left.
struct Journals {
  std::vector<JournaledSet> sets{};
  std::vector<std::string> damaged{};  // files that lack a record which was carried out, maybe
};

// A file that cannot be read throws; one whose batch is torn, or over, has none. Changes nothing.
Journals read_journals(const std::string& state_dir);
// Under a name by which it is no journal any more, in place of an earlier one; returns its path.
std::string set_damaged_aside(const std::string& path);
// Empties them all; sets that are still to be dealt with stay in one file of their own.
void replace_journals(const std::string& state_dir, const std::vector<JournaledSet>& unresolved);

}  // namespace vunify
