// SPDX-License-Identifier: Apache-2.0
// A file that is read, with its holes, so that the page cache stays as it was.
#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "change/fresh_copy.h"
#include "change/held.h"
#include "hashindex/digest.h"
#include "sys/quiet_read.h"

namespace vunify {

// An inode of a group, held open since before its bytes were read.
struct Member {
  std::uint32_t inode = 0;  // index into Candidates::inodes
  Held held;
  std::uint32_t flags = 0;  // inode_flags(), as seen
  Timestamp reading;        // when it was opened
  Digest digest;            // of its bytes, once they were all read; zero where nobody asked
};

// Holes are told in these: no filesystem has smaller ones.
inline constexpr std::size_t smallest_chunk = 4 << 10;

struct Reading {
  // look: to know was_absent() of the reader.
  Reading(Member m, bool look) : member(std::move(m)), reader(fd(), look) {}

  int fd() const { return member.held.fd.get(); }
  std::uint64_t size() const { return member.held.seen.stamp.size; }
  bool is_sparse() const { return member.held.seen.bytes_on_disk() < size(); }
  // Where there may be data, at offset or after it. Whose holes cannot be told is read: that tells whose error it is.
  std::uint64_t next_data(std::uint64_t offset) const;
  // What of chunk, which was read at offset, is no hole of the file.
  void write_to(FreshCopy& copy, std::uint64_t offset, std::span<const char> chunk) const;

  Member member;
  QuietReader reader;
};

}  // namespace vunify
