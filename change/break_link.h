// SPDX-License-Identifier: Apache-2.0
// The other way round: names of one shared inode become private copies again.
//
//   copy      for each name one, complete, in staging; once they are on disk,
//   exchange  the guests' names are led to them, under a lease, the shared inode unprotected only for this moment
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
};

struct BreakResult {
  std::uint64_t copied = 0;  // names that have their own inode now
  std::string reason{};      // why the rest has not
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

  void copy();
  void exchange();
  BreakResult finish();

 private:
  bool is_copied() const { return copies_.size() == staged_.size(); }
  void copy_names();
  void lead_names();
  void lead_name(std::size_t n);
  void let_go();
  void clear_staging();

  const BreakRequest& request_;
  std::vector<StagedName> staged_;     // one for each name
  std::vector<std::uint64_t> copies_;  // inode of each copy that was made
  Held held_;                          // its lease from copy() to finish()
  Protection protection_ = Protection::none;
  bool is_led_ = false;  // the exchanges were begun
  BreakResult result_;
};

}  // namespace vunify
