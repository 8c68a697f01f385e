// SPDX-License-Identifier: Apache-2.0
// The other way round: names of a shared inode become private copies again. A copy is complete and on disk before its
// guest's name leads to it; the shared inode is unprotected only for the exchange itself, under a lease.
//
// Who asks to write to it in this moment has passed the kernel's permission check and waits for the lease; then he
// would write to this very inode, whatever its names lead to and however it is protected by then. He is turned away to
// look his name up again.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "unify/journal.h"
#include "unify/leaf_names.h"
#include "unify/link_set.h"

namespace vunify {

// One shared inode and the names that are to leave it. The inode that is left with one name is that guest's own again.
struct BreakTask {
  std::vector<GuestName> names;
  FileId keeper;
  std::uint64_t bytes = 0;  // on disk, of one copy

  std::uint64_t copied = 0;  // names that have their own inode now
  std::string reason;        // why the rest has not
  bool disk_full = false;
};

class LinkBreaker {
 public:
  LinkBreaker(Journal& journal, int staging, std::string staging_path)
      : journal_(journal), staging_(staging), staging_path_(std::move(staging_path)) {}

  // Breaks them, some hundred names to a record of the journal. Each task says how far it came; one that failed is as
  // it was, name by name. Throws only where the journal cannot be written or the filesystem not be synced.
  void run(std::vector<BreakTask>& tasks, const std::function<bool()>& stop);

 private:
  struct Copy;  // a task's inode, open, and the copies made for its names
  void run_batch(std::span<BreakTask> tasks, const std::function<bool()>& stop);
  void journal(const std::vector<Copy>& copies, bool made);
  void make_copies(Copy& copy);
  void lead_names(Copy& copy);
  void lead_name(Copy& copy, std::size_t n);
  void release(Copy& copy);
  bool clear_staging(const Copy& copy, bool led);

  Journal& journal_;
  int staging_;
  std::string staging_path_;
  LeafNames leaves_{"copy"};
};

}  // namespace vunify
