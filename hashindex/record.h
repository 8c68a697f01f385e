// SPDX-License-Identifier: Apache-2.0
// What the index knows of one inode, and when that may be trusted. It is a hint: wrong, old or forged it wastes work,
// it never makes a link.
//
//   private   size, mtime and ctime must be as they were. A ctime too young when the file was read is not recorded: in
//             the same tick of the clock it may have been written again (git's rule for racily clean entries).
//   shared    size, mtime and birth must be as they were, and it must be immutable, or guarded. Its ctime moves with
//             each name that another guest removes; the birth tells it from a later inode of the same number. Under
//             cow no flag says that it is marked still: there the walk believes no record (survey/scan).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "hashindex/digest.h"
#include "sys/inode.h"

namespace vunify {

// An inode as the index numbers it: filesystems are numbered in the order they were met (hashindex/store.h).
struct InodeKey {
  std::uint32_t fs = 0;
  std::uint64_t ino = 0;
  auto operator<=>(const InodeKey&) const = default;
};

struct Record {
  std::uint64_t size = 0;
  Timestamp mtime;
  Timestamp changed;        // ctime of a private inode, birth of a shared one
  Digest digest;            // of its content; all zero: not known
  std::uint64_t match = 0;  // hash of what else must match: the metadata that a stat does not tell
  std::uint32_t guest = 0;  // a private inode's, as the index numbers guests
  bool shared = false;
  bool by_layout = false;  // learnt under reflink: match is a hash of where it lies on disk (unify/layouts.h)
  bool guarded = false;    // a shared inode that was under the guard (sys/guard.h) when it was learnt

  bool operator==(const Record&) const = default;
  bool has_digest() const { return digest != Digest{}; }
};

// What was found out about an inode that was read to its end.
struct Learnt {
  Digest digest;
  std::uint64_t match = 0;  // as in Record
  Inode seen;
  Timestamp reading;       // when it was opened
  std::string handle;      // sys/handle.h
  bool by_layout = false;  // as in Record
  bool guarded = false;    // likewise
};

// May what was recorded be said of the inode as it is now?
bool is_trusted(const Record& record, const Stamp& now);
bool is_trusted_shared(const Record& record, const Inode& now);

// May a private inode be recorded that was seen so, and read from `reading` on?
bool is_old_enough(const Stamp& seen, Timestamp reading);

// Keys compare as their bytes do: big endian, 12 bytes. A record takes 61.
std::string to_bytes(const InodeKey& key);
std::string to_bytes(const Record& record);
InodeKey key_from(std::string_view bytes);
Record record_from(std::string_view bytes);

// Shared inodes are of one kind or the other, for what keeps their guests apart does not mix.
enum class KeptBy : bool { flag, cow };

// Of what candidates must agree in beside the size. Keyed, so that no guest can make two of one hash.
std::uint64_t stat_hash(const DigestKey& key, std::uint32_t mode, std::uint32_t uid, std::uint32_t gid,
                        std::int64_t mtime, KeptBy kept);

}  // namespace vunify
