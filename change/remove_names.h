// SPDX-License-Identifier: Apache-2.0
// Names of a shared inode that are taken away for good, and nothing is copied for them: what others have is theirs.
//
//   open      the inode, before it is changed; a guest's lease is waited for
//   remove    its names, under a lease, the inode unprotected only for this moment
//   finish    some milliseconds later: who asked to write to it meanwhile is turned away (change/break_link.h), and the
//             last name that is left is its guest's own
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "change/held.h"
#include "change/journal.h"
#include "change/protection.h"
#include "guest/guest_name.h"
#include "sys/handle.h"

namespace vunify {

struct RemoveRequest {
  std::vector<GuestName> names;  // those that are to go
  FileId inode;
};

struct RemoveResult {
  std::uint64_t removed = 0;  // names that are gone
  std::string reason{};       // why the rest is not
};

// One thread's. The steps are taken in their order, each once.
class NameRemoval {
 public:
  explicit NameRemoval(const RemoveRequest& request) : request_(request) {}

  // False where a guest's lease is in the way: then again, to wait for it.
  bool open(OnLease on_lease);
  // Nothing where nobody else has the inode, or it need not be unprotected.
  std::optional<JournaledSet> journaled(const std::string& staging, const std::string& fs) const;
  // Lift, take the names, protect.
  void remove();
  RemoveResult finish();

  // The steps of remove(). False from lift() where a writer cannot be kept out.
  bool lift();
  void take_names();
  void protect();

 private:
  bool is_shared() const { return held_.seen.nlink > request_.names.size(); }
  bool lift_guarded();

  const RemoveRequest& request_;
  Held held_;
  Protection protection_ = Protection::none;
  RemoveResult result_;
};

// Some hundred inodes to a record of the journal. staging: where the next start looks for what was interrupted; it need
// not be there. on_fs: a directory of the filesystem.
class NameRemover {
 public:
  NameRemover(Journal& journal, int on_fs, std::string staging)
      : journal_(journal), on_fs_(on_fs), staging_(std::move(staging)) {}

  // One result a request, in their order; one that was not reached has removed nothing, without a reason. Throws only
  // where the journal cannot be written, or the filesystem not be synced.
  std::vector<RemoveResult> run(const std::vector<RemoveRequest>& requests, const std::function<bool()>& stop);

 private:
  void run_batch(std::span<const RemoveRequest> requests, std::vector<RemoveResult>& results);

  Journal& journal_;
  int on_fs_;
  std::string staging_;
};

}  // namespace vunify
