// SPDX-License-Identifier: Apache-2.0
// Which inodes of a group lie at the same places on disk: as the index has it, and as FIEMAP says of those that the
// index does not know. What lies at the same places is shared already, and one of it stands for all.
//
// Places known from another night are a hint: the filesystem may move data (balance, defragment) and no ctime tells.
// Then a file is opened in vain, or is not shared until it changes; nothing is shared that was not compared.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "hashindex/knowledge.h"
#include "sys/clone.h"
#include "unify/prove.h"

namespace vunify {

struct Layout {
  std::uint64_t hash = 0;          // of its extents
  Digest digest;                   // zero: nobody has read it yet
  std::optional<Verdict> refused;  // its inodes have no place that could be shared
  std::vector<std::uint32_t> inodes;
  bool is_seen = false;  // tonight, by FIEMAP
  bool is_busy = false;  // who stood for it could not be read tonight

  bool is_read() const { return digest != Digest{}; }
};

// Keyed, so that no guest can make two of one hash. The file ends at size.
std::uint64_t layout_hash(const DigestKey& key, const std::vector<Extent>& extents, std::uint64_t size);

// Those of the group at hand. One worker's.
class Layouts {
 public:
  // flush: what is not written yet gets its places now.
  Layouts(const Survey& survey, const DigestKey& key, bool flush);

  // known: of each inode of the group, or nothing. Who cannot be looked at is left alone.
  std::vector<LeftAlone> sort(const CandidateGroup& group, std::span<const Known> known);

  std::vector<Layout*> all();
  std::vector<Layout*> sharable();  // those that are not refused
  Layout& refused(Verdict verdict);

  // Opened for a look; where it lies now.
  Fd open(std::uint32_t inode) const;
  std::vector<Extent> extents(int fd) const { return extents_of(fd, flush_); }
  std::uint64_t hash(const std::vector<Extent>& extents) const { return layout_hash(key_, extents, size_); }

 private:
  Layout& at(std::uint64_t hash);
  bool add_known(std::uint32_t inode, const Known& known);
  void add_unknown(std::uint32_t inode);
  bool is_confirmed(Layout& layout);
  std::optional<std::uint64_t> look(std::uint32_t inode);

  const Survey& survey_;
  const DigestKey& key_;
  bool flush_;
  std::array<std::pair<std::uint64_t, Verdict>, 2> refusals_;  // what is recorded in place of extents
  std::uint64_t size_ = 0;                                     // of the group's files
  std::map<std::uint64_t, Layout> layouts_;                    // by hash
  std::vector<std::uint32_t> unknown_;                         // to be looked at
  std::vector<LeftAlone> left_;
};

}  // namespace vunify
