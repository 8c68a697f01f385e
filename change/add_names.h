// SPDX-License-Identifier: Apache-2.0
// Names that shared inodes are given in a tree that no guest sees yet (clone/). An inode that is one stopped guest's
// alone becomes shared by it: nothing is copied, for what that guest had begun with it has ended with its processes.
//
//   open     the inode, by the guest's name, under a lease
//   add      its protection lifted, or its mark set; the name; protected at once
//   finish   some milliseconds later: who asked to write to it meanwhile is turned away (change/break_link.h)
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "change/held.h"
#include "change/journal.h"
#include "change/protection.h"
#include "guest/guest_name.h"
#include "sys/handle.h"

namespace vunify {

struct AddRequest {
  GuestName from;  // leads to it
  GuestName to{};  // the new name, whose directory is there
  FileId inode;
  bool is_shared = false;                    // marked, by what the walk saw
  Protection protection = Protection::none;  // that a private one is to have
};

struct AddResult {
  bool is_added = false;
  std::string reason{};  // why not; or, where it is, what went wrong besides
};

// The directory that the last name was made in, kept open for the next.
class NewParent {
 public:
  // root: always the same one. The descriptor is good until the next call.
  int open(const RootDir& root, std::string_view path);

 private:
  std::string path_;
  Fd dir_;
};

// One thread's. The steps are taken in their order, each once; what fails is as it was, and the reason says why.
class NameAddition {
 public:
  explicit NameAddition(const AddRequest& request) : request_(request) {}

  // False where a guest's lease is in the way: then again, to wait for it.
  bool open(OnLease on_lease);
  // Nothing where its protection need not be lifted, nor put on afterwards. staging: the staging directory's path; fs:
  // its filesystem, as text.
  std::optional<JournaledSet> journaled(const std::string& staging, const std::string& fs) const;
  void add(NewParent& in);
  AddResult finish();

 private:
  bool is_begun() const { return held_.lease.has_value(); }
  void take_lease();
  std::string why_not(std::uint32_t flags) const;
  void lift();
  void protect();

  const AddRequest& request_;
  Held held_;
  Protection protection_ = Protection::none;
  AddResult result_;
};

// Many of them, some hundred inodes to a record of the journal.
class NameAdder {
 public:
  static constexpr std::size_t inodes_a_batch = 512;  // held open by each thread

  // on_fs: a directory of the filesystem, which outlives this; staging: where the next start looks for what was
  // interrupted.
  NameAdder(std::string state_dir, int on_fs, std::string staging)
      : state_dir_(std::move(state_dir)), on_fs_(on_fs), staging_(std::move(staging)) {}

  // One result a request, in their order; one that was not reached has no reason. All come into one tree; names of one
  // directory in a row are made soonest. Works with the threads of the caller's tbb::task_arena. Throws only where the
  // journal cannot be written.
  std::vector<AddResult> run(const std::vector<AddRequest>& requests, const std::function<bool()>& stop);
  // Syncs the filesystem and ends the journals: until then the next start protects anew what is in them.
  void end();

 private:
  void run_batch(std::span<const AddRequest> requests, std::span<AddResult> results);
  std::unique_ptr<Journal> take_journal();
  void give_back(std::unique_ptr<Journal> journal);

  std::string state_dir_;
  int on_fs_;
  std::string staging_;
  std::mutex journals_in_use_;  // guards those below: each is one batch's at a time
  std::vector<std::unique_ptr<Journal>> journals_;
  std::size_t made_ = 0;
};

}  // namespace vunify
