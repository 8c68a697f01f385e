// SPDX-License-Identifier: Apache-2.0
// Links made between two records of the journal. Before the first of them the keepers' bytes are written out, so that
// no power cut can leave a name with less than it had. What many batches did is made durable by one sync, which the
// journal waits for before it forgets them; the last ones are ended by Journal::end.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sys/mount.h"
#include "unify/journal.h"
#include "unify/leaf_names.h"
#include "unify/link_set.h"

namespace vunify {

class Batch {
 public:
  // staging and staging_path: where names are prepared, this worker's in a directory of its own.
  Batch(Journal& journal, int staging, std::string staging_path, const std::string& worker)
      : journal_(journal),
        staging_(staging),
        mount_(mount_of(staging)),
        staging_path_(std::move(staging_path)),
        directory_(worker),
        leaves_(worker) {}

  // Takes over descriptors and leases; gives the victims their names in staging.
  void add(LinkTask task);
  std::size_t names() const { return names_; }
  // Held open until it is applied.
  std::size_t open_files() const { return names_ + tasks_.size(); }

  // Links all that was added, hands every task to `done` with what it freed, and is empty afterwards. Throws only
  // where nothing of it was begun: staging or the journal could not be written (ENOSPC) or the filesystem not be synced
  // (EIO).
  void apply(const std::function<void(LinkTask& task, const Finished& finished)>& done);

 private:
  void begin(std::vector<LinkTask>& tasks);
  void write_out_keepers(std::vector<LinkTask>& tasks);
  void add_to_journal(const std::vector<JournaledSet>& sets);
  void forget_earlier();
  void leave_locked(std::vector<LinkTask>& tasks) const;

  Journal& journal_;
  int staging_;
  Mount mount_;
  std::string staging_path_;
  std::string directory_;  // in staging
  Fd own_staging_;         // the kernel tells an error of writing once for each time it was opened (syncfs(2))
  LeafNames leaves_;
  std::size_t names_ = 0;
  std::vector<LinkTask> tasks_;
};

}  // namespace vunify
