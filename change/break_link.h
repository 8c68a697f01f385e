// SPDX-License-Identifier: Apache-2.0
// The other way round: names of one shared inode become private copies again.
//
//   open      by whichever of its names leads to it still: none of those who share it decides whether another may leave
//   copy      for each name one, or one for all that a guest linked itself; complete, in staging
//   exchange  once they are on disk the guests' names are led to them, under a lease, the shared inode unprotected only
//             for this moment. Each goes back where the inode is not what was copied any more: a guest changed its
//             metadata, or linked it
//   finish    some milliseconds later. Metadata that somebody set since, who had looked a name up before, is given to
//             the copies: when he began all were one file. Who asked to write to the inode meanwhile has passed the
//             kernel's permission check and waits for the lease; then he would write to this very inode, whatever its
//             names lead to and however it is protected by then. He is turned away to look his name up again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "change/held.h"
#include "change/hold_live.h"
#include "change/journal.h"
#include "change/protection.h"
#include "guest/guest_name.h"
#include "sys/link.h"

namespace vunify {

struct BreakRequest {
  std::vector<GuestName> names;  // those that are to leave the inode, guest by guest
  FileId inode;
  std::uint32_t links = ~0U;      // it had when this was planned: of more, one is a name that a guest made of it since
  bool together = false;          // the names of a guest are one file of it: all go to one copy, or none; else one each
  std::vector<GuestName> stay{};  // other names of it, as far as they are known: whose it is, where one of them is left
};

// Names that get one copy, and how many copies that makes.
struct CopyNames {
  std::size_t first = 0, count = 1;
};
std::vector<CopyNames> copies_of(const BreakRequest& request);

struct BreakResult {
  std::uint64_t copied = 0;      // names that have their own inode now
  std::uint64_t copies = 0;      // inodes that this took
  std::string reason{};          // why the rest has not
  bool changed = false;          // because a guest changed it meanwhile: it is as the guest left it, and the next run's
  std::uint32_t links_left = 0;  // of the inode; 0 where it was not looked at. Of one, it is that guest's own
  bool disk_full = false;
  std::vector<std::string> kept{};  // what is left in staging because it is nobody's known file
};

// One thread's. The steps are taken in their order, each once. What failed is as it was, name by name, and the result
// says why; finish() throws where staging itself cannot be written.
class LinkBreak {
 public:
  // staged: a name in staging for each of the request's.
  LinkBreak(const BreakRequest& request, std::vector<StagedName> staged);

  // What the journal has to know, before copy() and after it. staging: the staging directory's path; fs: its
  // filesystem.
  JournaledSet journaled(const std::string& staging, const std::string& fs) const;

  // False where a guest's lease is in the way: then again, to wait for it.
  bool open(OnLease on_lease);
  void copy();
  // Lift, the names of each copy led and checked, protect.
  void exchange();
  BreakResult finish();

  // The steps of exchange(), of the n-th copy. check() decides about the names that were led last: false from lead()
  // where none was. Where lead() throws, some may have been.
  void lift();
  bool lead(std::size_t n);
  void check(std::size_t n);
  void protect();

 private:
  struct Copy {
    CopyNames names;
    std::uint64_t ino = 0;  // once it is made
  };
  std::uint64_t copy_at(std::size_t name) const;
  void fail(const std::system_error& error);
  void change();
  void copy_names();
  std::uint64_t make_copy(const CopyNames& names);
  std::uint32_t tag_of_copy(const CopyNames& names) const;
  void lead_names();
  void lead_and_check(std::size_t n);
  std::vector<Name> open_names(const CopyNames& names) const;
  std::vector<Hold> hold_names(const CopyNames& names, const std::vector<Name>& there);
  bool is_all_led(const Copy& copy) const;
  bool is_as_copied() const;
  bool is_as_led(const Inode& now) const;
  bool is_in_use(const Copy& copy) const;
  void take_back(const Copy& copy, std::size_t name);
  void follow_late_change() const;
  bool release() const;
  void let_go();
  void clear_staging();

  const BreakRequest& request_;
  std::vector<StagedName> staged_;  // one for each name
  std::vector<Copy> copies_;
  bool is_copied_ = false;
  bool is_marked_ = false;
  Held held_;  // its lease from copy() to finish()
  Protection protection_ = Protection::none;
  Inode now_;              // the inode after what was done to it last
  std::vector<Name> led_;  // from lead() to check(), and the copy they lead to: who wants to write to that waits
  Held led_copy_;
  bool is_begun_ = false;  // the exchanges were
  BreakResult result_;
};

}  // namespace vunify
