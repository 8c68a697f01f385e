// SPDX-License-Identifier: Apache-2.0
// The other way round: names of one shared inode become private copies again.
//
//   open      by whichever of its names leads to it still: none of those who share it decides whether another may leave
//   copy      for each name one, complete, in staging; once they are on disk,
//   exchange  the guests' names are led to them, under a lease, the shared inode unprotected only for this moment. Each
//             goes back where the inode is not what was copied any more: a guest changed its metadata, or linked it
//   finish    some milliseconds later. Who asked to write to the inode meanwhile has passed the kernel's permission
//             check and waits for the lease; then he would write to this very inode, whatever its names lead to and
//             however it is protected by then. He is turned away to look his name up again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "change/held.h"
#include "change/journal.h"
#include "change/protection.h"
#include "guest/guest_name.h"
#include "sys/link.h"

namespace vunify {

struct BreakRequest {
  std::vector<GuestName> names;  // those that are to leave the inode
  FileId inode;
  std::uint32_t links = ~0U;  // it had when this was planned: of more, one is a name that a guest made of it since
};

struct BreakResult {
  std::uint64_t copied = 0;  // names that have their own inode now
  std::string reason{};      // why the rest has not
  bool changed = false;      // because a guest changed it meanwhile: it is as the guest left it, and the next run's
  bool is_alone = false;     // one name leads to the inode now: it is that guest's own
  bool disk_full = false;
  std::vector<std::string> kept{};  // what is left in staging because it is nobody's known file
};

// One thread's. The steps are taken in their order, each once. What failed is as it was, name by name, and the result
// says why; finish() throws where staging itself cannot be written.
class LinkBreak {
 public:
  // staged: a name in staging for each of the request's.
  LinkBreak(const BreakRequest& request, std::vector<StagedName> staged)
      : request_(request), staged_(std::move(staged)) {}

  // What the journal has to know, before copy() and after it. staging: the staging directory's path; fs: its
  // filesystem.
  JournaledSet journaled(const std::string& staging, const std::string& fs) const;

  // False where a guest's lease is in the way: then again, to wait for it.
  bool open(OnLease on_lease);
  void copy();
  // Lift, each of the names led and checked, protect.
  void exchange();
  BreakResult finish();

  // The steps of exchange(). check() decides about the name that was led last; false from lead() where it was not.
  void lift();
  bool lead(std::size_t n);
  void check(std::size_t n);
  void protect();

 private:
  bool is_copied() const { return copies_.size() == staged_.size(); }
  void fail(const std::system_error& error);
  void change();
  void copy_names();
  void lead_names();
  bool is_as_copied() const;
  bool is_as_led(const Inode& now) const;
  bool copy_is_in_use() const;
  void take_back(std::size_t n, std::uint64_t came_out);
  void let_go();
  void clear_staging();

  const BreakRequest& request_;
  std::vector<StagedName> staged_;     // one for each name
  std::vector<std::uint64_t> copies_;  // inode of each copy that was made
  Held held_;                          // its lease from copy() to finish()
  Protection protection_ = Protection::none;
  Inode now_;                // the inode after what was done to it last
  std::optional<Name> led_;  // from lead() to check(), and the copy it leads to: who wants to write to that waits
  Held led_copy_;
  bool is_begun_ = false;  // the exchanges were
  BreakResult result_;
};

}  // namespace vunify
