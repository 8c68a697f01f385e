// SPDX-License-Identifier: Apache-2.0
// What a run did, as a value: the tools print it as text or JSON, the next run keeps it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "survey/verdict.h"
#include "sys/inode.h"

namespace vunify {

// Files left alone, by reason. Verdict::shared counts nothing here.
using SkipCounts = std::array<std::uint64_t, verdict_count>;

// A file here is a name of a regular file. Bytes are bytes on disk (st_blocks).
struct GuestOutcome {
  std::string name;
  std::optional<std::uint32_t> xid;
  std::string root;
  std::string protection;  // "cow", "iunlink", "reflink", "immutable", or "none"
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t linked_files = 0;   // names that this run led to another inode, or data it shared
  std::uint64_t freed_bytes = 0;    // by the inodes that this guest gave up
  std::uint64_t shared_bytes = 0;   // of its files that are shared now
  std::uint64_t private_bytes = 0;  // of all its others
  SkipCounts skipped{};
};

struct FilesystemOutcome {
  std::string uuid;
  std::string mount_point;  // of the first guest's mount; empty where this process's root hides it
  std::string device;       // as the mount table names it; empty where it is not told
  std::uint64_t free_before = 0;
  std::uint64_t free_after = 0;
};

// A guest or a file that could not be done. A skip is no failure.
struct Failure {
  std::string guest;
  std::string path;  // from the guest's root, any bytes; empty where it is the guest itself
  std::string reason;
};

struct Outcome {
  bool dry_run = false;
  bool deunified = false;  // it gave private copies; else it looked for what can be shared
  bool deleted = false;    // it removed a guest: guests holds what went, and what of it others have
  bool complete = true;    // false where --max-time or a signal ended it early
  bool disk_full = false;
  bool broken_off = false;  // an error ended it early: the last of `failed`
  Timestamp started;
  std::uint64_t read_files = 0;
  std::uint64_t read_bytes = 0;
  std::uint64_t freed_when_closed = 0;  // part of freed_bytes that waits for a reader to close its file
  std::uint64_t shared_files = 0;       // names that lead to a shared inode now
  std::uint64_t shared_bytes = 0;       // of shared inodes, or shared data, each counted once
  std::uint64_t stale_files = 0;        // names found immutable under a stale mark, and taken for shared by us
  std::uint64_t unmarked_files = 0;     // last names given back to their guest
  std::uint64_t adopted_files = 0;    // names found shared and unprotected, and protected or given inodes of their own
  std::uint64_t copied_files = 0;     // names given a private copy: by -R, and those that had no right to be shared
  std::uint64_t copied_bytes = 0;     // what these take now
  std::uint64_t recovered_files = 0;  // names that an interrupted run had left in staging
  std::vector<GuestOutcome> guests;
  std::vector<FilesystemOutcome> filesystems;
  std::vector<Failure> failed;
  std::vector<Failure> notes;  // what is worth knowing of a guest, and no failure
  double walk_seconds = 0, prove_seconds = 0, link_seconds = 0, total_seconds = 0;

  // Names that got private copies, which take so many bytes together.
  void count_copies(std::uint64_t names, std::uint64_t bytes) {
    copied_files += names;
    copied_bytes += bytes;
  }

  // Sums over guests.
  std::uint64_t files() const;
  std::uint64_t bytes() const;
  std::uint64_t linked_files() const;
  std::uint64_t freed_bytes() const;
  SkipCounts skipped() const;
};

}  // namespace vunify
