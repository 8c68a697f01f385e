// SPDX-License-Identifier: Apache-2.0
// Links made between two commits of the journal. The guests' filesystem is synced and the journal written once for all
// of them: after that the keepers' bytes are on disk, and no power cut can leave a name with less than it had. The same
// syncing makes durable what the batch before did, which the journal forgets then; the last one is ended by
// Journal::end.
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
  // staging and staging_path: where this worker's names are prepared.
  Batch(Journal& journal, int staging, std::string staging_path, const std::string& worker)
      : journal_(journal),
        staging_(staging),
        dev_(mount_of(staging).dev),
        staging_path_(std::move(staging_path)),
        leaves_(worker) {}

  // Takes over descriptors and leases; gives the victims their names in staging.
  void add(LinkTask task);
  std::size_t names() const { return names_; }

  // Links all that was added, hands every task to `done` with what it freed, and is empty afterwards. Throws only
  // where nothing of it was begun: the journal could not be written (ENOSPC) or the filesystem not be synced (EIO).
  void apply(const std::function<void(LinkTask& task, const Finished& finished)>& done);

 private:
  void begin(const std::vector<LinkTask>& tasks) const;
  void leave_locked(std::vector<LinkTask>& tasks) const;

  Journal& journal_;
  int staging_;
  std::uint64_t dev_;  // of the superblock, as /proc/locks names it
  std::string staging_path_;
  LeafNames leaves_;
  std::size_t names_ = 0;
  std::vector<LinkTask> tasks_;
};

}  // namespace vunify
