// SPDX-License-Identifier: Apache-2.0
// The proof: which of these inodes hold the same bytes, shown now, byte for byte. Every file is read once. The members
// of a group are opened together under read leases and read in step, chunk by chunk; the first chunk that differs
// splits the group, and what reaches the end together is equal. The leases are still held when the proof is returned:
// as long as Lease::held() says so, the proof is true.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "guest/guest.h"
#include "hashindex/digest.h"
#include "hashindex/policy.h"
#include "hashindex/record.h"
#include "survey/candidates.h"
#include "survey/counters.h"
#include "sys/fd.h"
#include "sys/file_locks.h"
#include "sys/lease.h"
#include "sys/stop.h"

namespace vunify {

// An inode held open, as it was when its bytes were read.
struct Held {
  std::uint32_t inode = 0;  // index into Candidates::inodes
  Fd fd;
  std::optional<Lease> lease;  // absent in a dry run
  Inode seen;
  std::uint32_t flags = 0;  // inode_flags(), as seen
  Policy policy;
  Timestamp reading;  // when it was opened
  Digest digest;      // of its bytes, once they were all read; zero where nobody asked
};

// What was found out about an inode that was read to its end.
struct Learnt {
  Digest digest;
  std::uint64_t policy = 0;  // fold of it (hashindex/record.h)
  Inode seen;
  Timestamp reading;
  std::string handle;     // sys/handle.h
  bool by_place = false;  // policy is a fold of its places
};
Learnt learnt_of(const Held& held, const DigestKey& key);

using ProvenClass = std::vector<Held>;  // two or more, equal in bytes and in policy metadata

struct LeftAlone {
  std::uint32_t inode = 0;
  Verdict verdict = Verdict::unreadable;
  std::string reason;            // of the kernel, where it is unreadable
  std::optional<Learnt> learnt;  // where it was read to its end all the same
};

struct Proof {
  std::vector<ProvenClass> classes;
  std::vector<LeftAlone> left;
};

struct ProofRules {
  bool leases = true;                   // false in a dry run, which must not disturb anyone
  bool metadata = true;                 // policy metadata has to agree
  bool mtime = true;                    // and mtime with it
  bool digests = false;                 // wanted: then what differs from all others is read to its end, too
  std::size_t max_open = 1024;          // files held open at a time
  std::size_t buffer_bytes = 16 << 20;  // for chunks, at most
};

// What all provers of a run look at. Outlives them.
struct ProofScene {
  const std::vector<Guest>& guests;
  const Scan& scan;
  const Candidates& candidates;
  const DigestKey& key;
  const Stop& stop;
  Counters& counters;
};

// One worker's. Not for use by two threads.
class Prover {
 public:
  Prover(const ProofScene& scene, const ProofRules& rules) : scene_(scene), rules_(rules) {}

  // inodes: at most max_open of one group. What cannot be opened, is in use, or has changed since the scan is left
  // alone; a stop leaves alone whatever is not proven yet.
  Proof prove(const std::vector<std::uint32_t>& inodes);

  // Reads one inode for its digest. Nothing where it is left alone.
  std::optional<Learnt> learn(std::uint32_t inode, std::vector<LeftAlone>& left);

  // A group too large to be held open, cut into parts that are not: by digest, which costs one more reading, then so
  // that the first copies of all guests come together, then the second ones (unify/plan links only these).
  // Inodes that no other one equals are left alone in `left`.
  std::vector<std::vector<std::uint32_t>> cut(const CandidateGroup& group, std::vector<LeftAlone>& left);

  std::uint64_t read_files() const { return read_files_; }
  std::uint64_t read_bytes() const { return read_bytes_; }

 private:
  struct Reading;  // an inode held, and where its reading stands
  struct Strand;   // readings that were equal so far

  std::unique_ptr<Reading> open(std::uint32_t inode, std::vector<LeftAlone>& left);
  Held hold(std::uint32_t inode, Verdict& verdict);
  std::vector<Strand> step(Strand strand, std::vector<LeftAlone>& left);
  bool read_chunk(Reading& reading, std::uint64_t offset, std::vector<char>& chunk, std::vector<LeftAlone>& left);
  Verdict lone_verdict(bool others_dropped_out) const;
  void part_from_the_lone(std::vector<Strand>& strands, Verdict verdict, std::vector<LeftAlone>& left) const;
  void finish(Strand strand, Proof& proof);
  void finish_lone(Strand strand, std::vector<LeftAlone>& left) const;
  bool digest_all(Reading& reading, std::vector<LeftAlone>& left);
  std::size_t chunk_bytes(std::size_t members) const;
  bool is_locked(const Guest& guest, std::uint64_t ino);
  Fd open_inode(std::uint32_t inode) const;
  bool is_as_expected(std::uint32_t inode, const Held& held) const;

  const ProofScene& scene_;
  ProofRules rules_;
  FileLocks locks_;
  std::chrono::steady_clock::time_point locks_due_{};
  std::uint64_t read_files_ = 0;
  std::uint64_t read_bytes_ = 0;
};

}  // namespace vunify
