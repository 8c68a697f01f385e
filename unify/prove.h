// SPDX-License-Identifier: Apache-2.0
// The proof: which of these inodes hold the same bytes, shown now, byte for byte. Every file is read once. The members
// of a group are opened together under read leases and read in step, chunk by chunk; the first chunk that differs
// splits the group (unify/refine), and what reaches the end together is equal. The leases are still held when the proof
// is returned: as long as Lease::held() says so, the proof is true.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <variant>
#include <vector>

#include "change/fresh_copy.h"
#include "change/held.h"
#include "hashindex/digest.h"
#include "hashindex/record.h"
#include "survey/survey.h"
#include "sys/file_locks.h"
#include "unify/reading.h"
#include "unify/run.h"

namespace vunify {

// Of flags and xattrs: what a stat does not tell. Keyed, so that no guest can make two of one hash.
std::uint64_t metadata_hash(const DigestKey& key, const InodeMetadata& metadata);
Learnt learnt_of(const Held& held, const Digest& digest, Timestamp reading, const DigestKey& key);
inline Learnt learnt_of(const Member& member, const DigestKey& key) {
  return learnt_of(member.held, member.digest, member.reading, key);
}

// Of the bytes of several members, written while they were compared.
struct Copied {
  std::optional<FreshCopy> copy{};
  std::error_code error{};  // why there is none, where there should be
};
Copied duplicate(const Copied& copied);

// Equal in bytes and in inode metadata.
struct ProvenClass {
  std::vector<Member> members;  // two or more
  Copied copied{};              // where they are to be shared, and nothing is shared yet
};

struct LeftAlone {
  std::uint32_t inode = 0;
  Verdict verdict = Verdict::unreadable;
  std::string reason{};            // of the kernel, where it is unreadable
  std::optional<Learnt> learnt{};  // where it was read to its end all the same
};

struct Proof {
  std::vector<ProvenClass> classes;
  std::vector<LeftAlone> left;
};

struct ProofRules {
  bool leases = true;    // false in a dry run, which must not disturb anyone
  bool metadata = true;  // inode metadata has to agree
  bool mtime = true;     // and mtime with it
  // A directory of its filesystem, where what is shared is to be a fresh copy; negative where this one needs none.
  std::function<int(std::uint32_t inode)> copies_in{};
  bool digests = false;                 // wanted: then what differs from all others is read to its end, too
  std::size_t max_open = 1024;          // files held open at a time
  std::size_t buffer_bytes = 16 << 20;  // for chunks, at most
};

// One worker's. Not for use by two threads. Outlived by survey, key, stop and counters.
class Prover {
 public:
  Prover(const Survey& survey, const DigestKey& key, const Stop& stop, Counters& counters, const ProofRules& rules)
      : survey_(survey), key_(key), stop_(stop), counters_(counters), rules_(rules) {}

  // inodes: at most max_open of one group. What cannot be opened, is in use, or has changed since the scan is left
  // alone; a stop leaves alone whatever is not proven yet.
  Proof prove(const std::vector<std::uint32_t>& inodes);

  // Reads one inode for its digest, which proves nothing: its lease is gone when this returns.
  std::variant<Learnt, LeftAlone> learn(std::uint32_t inode);

  // Reads one inode, which was opened by any of its names, into a copy. A class of one member.
  std::variant<ProvenClass, LeftAlone> copy(std::uint32_t inode, Fd opened);

  std::uint64_t read_files() const { return read_files_; }
  std::uint64_t read_bytes() const { return read_bytes_; }

 private:
  struct Block;  // of the partition: readings that were equal so far

  void leave(std::uint32_t inode, Verdict verdict) { left_.push_back({inode, verdict}); }
  void leave_for(std::uint32_t inode, const std::system_error& error);

  Fd open_inode(std::uint32_t inode) const;
  bool carries_other_tag(const Member& member) const;
  Member hold(std::uint32_t inode, Fd opened) const;
  bool is_as_expected(const Member& member) const;
  std::optional<Verdict> what_forbids(const Member& member);
  std::unique_ptr<Reading> open(std::uint32_t inode, Fd opened = {});
  std::vector<std::unique_ptr<Reading>> open_all(const std::vector<std::uint32_t>& inodes);

  std::vector<Block> step(Block block);
  bool wants_copy(const Block& block) const;
  FreshCopy begin_copy(const Reading& original) const;
  Block copy_on(Block next, const Block& before, const std::vector<char>& chunk);
  bool read_chunk(Reading& reading, std::uint64_t offset, std::size_t size, std::vector<char>& chunk);
  bool read_to_end(Reading& reading, std::uint64_t offset, ContentDigest& digest, Verdict if_stopped,
                   FreshCopy* copy = nullptr);
  Verdict verdict_of_single(bool others_dropped_out) const;
  void leave_single(Block block, Verdict verdict);
  void finish(Block block, std::vector<ProvenClass>& classes);
  bool see_metadata(Member& member);

  const Survey& survey_;
  const DigestKey& key_;
  const Stop& stop_;
  Counters& counters_;
  ProofRules rules_;
  RecentLocks locks_;
  std::vector<LeftAlone> left_;  // by the proof at hand
  std::uint64_t read_files_ = 0;
  std::uint64_t read_bytes_ = 0;
};

}  // namespace vunify
