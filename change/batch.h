// SPDX-License-Identifier: Apache-2.0
// Links made between two records of the journal. Before the first of them the keepers' bytes are written out, so that
// no power cut can leave a name with less than it had. What many batches did is made durable by one sync, which the
// journal waits for before it forgets them; the last ones are ended by Journal::end.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "change/journal.h"
#include "change/keeper_link.h"
#include "change/leaf_names.h"
#include "sys/mount.h"

namespace vunify {

class Batch {
 public:
  // What became of one request. Its keeper is still open.
  using Done = std::function<void(const LinkRequest& request, const LinkResult& result)>;

  // staging and staging_path: where names are prepared, this worker's in a directory of its own. mount: staging's,
  // which may be unmounted (lazily) by now, and in no table any more.
  Batch(Journal& journal, int staging, std::string staging_path, Mount mount, const std::string& worker)
      : journal_(journal),
        staging_(staging),
        mount_(std::move(mount)),
        staging_path_(std::move(staging_path)),
        worker_(worker),
        ground_(ground_of(staging)),
        leaves_(worker) {}

  // Takes over descriptors and leases.
  void add(LinkRequest request, Done done);
  std::size_t names() const { return names_; }
  // Of keepers that take space until their victims are gone.
  std::uint64_t fresh_bytes() const { return fresh_bytes_; }
  // Held open until it is applied, or while it is: inodes, and the directories of the names.
  std::size_t open_files() const { return 2 * names_ + entries_.size(); }

  // Links all that was added, tells each what became of it, and is empty afterwards. Throws only where the rest of it
  // was not begun, and each was told so: staging or the journal could not be written (ENOSPC) or the filesystem not be
  // synced (EIO).
  void apply();
  // Tells all that was added that it was not reached, and is empty afterwards.
  void drop();

 private:
  struct Entry {
    KeeperLink link;
    Done done;
    std::chrono::steady_clock::time_point linked{};
  };

  void apply(std::vector<Entry> entries);
  void apply_halves(std::vector<Entry> entries);
  void begin(std::vector<Entry>& entries);
  void write_out_keepers(std::vector<Entry>& entries);
  void add_to_journal(const std::vector<JournaledSet>& sets);
  void forget_earlier();
  void leave_locked(std::vector<Entry>& entries);
  std::vector<Entry> take();
  static void drop(std::vector<Entry>& entries);
  static bool link_and_finish(std::vector<Entry>& entries);

  Journal& journal_;
  int staging_;
  Mount mount_;
  std::string staging_path_;
  std::string worker_;
  LinkGround ground_;
  std::string directory_{};  // in staging, of the names that were added last
  Fd own_staging_;           // the kernel tells an error of writing once for each time it was opened (syncfs(2))
  LeafNames leaves_;
  std::size_t names_ = 0;
  std::uint64_t fresh_bytes_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace vunify
