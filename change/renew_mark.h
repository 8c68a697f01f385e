// SPDX-License-Identifier: Apache-2.0
// A shared inode whose mark is stale (sys/mark.h) is marked and protected anew. Protected, an inode takes no mark:
//
//   open     by whichever of its names leads to it, under a lease
//   lift     its protection; the journal knows, and the next start would set it again
//   renew    mark and protect at once
//   finish   some milliseconds later: who asked to write to it meanwhile is turned away (change/break_link.h)
#pragma once

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

struct RenewRequest {
  std::vector<GuestName> names;  // that lead to it
  FileId inode;
  Protection protection = Protection::none;  // that it is to have
};

// Why it has no valid mark; empty where it has.
using RenewReason = std::string;

// One thread's. The steps are taken in their order, each once.
class MarkRenewal {
 public:
  explicit MarkRenewal(const RenewRequest& request) : request_(request) {}

  // False where a guest's lease is in the way: then again, to wait for it.
  bool open(OnLease on_lease);
  // Nothing where nothing will be done. staging: the staging directory's path; fs: its filesystem, as text.
  std::optional<JournaledSet> journaled(const std::string& staging, const std::string& fs) const;
  void lift();
  void renew();
  RenewReason finish();

 private:
  bool is_begun() const { return held_.lease.has_value(); }
  void take_lease();
  void turn_away();
  void fail(const std::system_error& error) { reason_ = error.code().message(); }

  const RenewRequest& request_;
  Held held_;
  RenewReason reason_;
};

// Some hundred inodes to a record of the journal. on_fs: a directory of the filesystem; staging: where the next start
// looks for what was interrupted.
class MarkRenewer {
 public:
  MarkRenewer(Journal& journal, int on_fs, std::string staging)
      : journal_(journal), on_fs_(on_fs), staging_(std::move(staging)) {}

  // One reason a request, in their order, as far as a stop let it come. Throws only where the journal cannot be
  // written, or the filesystem not be synced.
  std::vector<RenewReason> run(std::span<const RenewRequest> requests, const std::function<bool()>& stop);

 private:
  void run_batch(std::span<const RenewRequest> requests, std::vector<RenewReason>& reasons);

  Journal& journal_;
  int on_fs_;
  std::string staging_;
};

}  // namespace vunify
