// SPDX-License-Identifier: Apache-2.0
// Which inodes may hold the same bytes: those that agree in everything a stat tells. Nothing is opened for it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "survey/tree.h"

namespace vunify {

// One name of an inode: trees[guest].file(file).
struct NameRef {
  std::uint32_t guest = 0;
  std::uint32_t file = 0;
};

// One inode with every name of it that the scan found, in the order of the guests; an unwalked keeper has none.
struct Candidate {
  std::uint32_t first_name = 0;
  std::uint32_t name_count = 0;
  bool shared : 1 = false;             // marked: it is one inode for several guests already
  bool complete : 1 = false;           // all its names were found and asked for, and no two in one guest
  bool is_keeper : 1 = false;          // this run led names to it
  bool given_up : 1 = false;           // this run led its names to another
  bool lies_with_another : 1 = false;  // its data is another's, which stands for both
};
static_assert(sizeof(Candidate) == 12);

// Inodes of one filesystem, equal in size and, where links are to be made, in owner, mode and mtime.
struct CandidateGroup {
  std::uint32_t first = 0;  // index into Candidates::inodes
  std::uint32_t count = 0;
  std::uint64_t saving = 0;          // bytes on disk, if all of it were one
  std::uint32_t first_unwalked = 0;  // index into Candidates::unwalked
  std::uint32_t unwalked_count = 0;
};

// A shared inode none of whose guests is walked by this run: it was found in the index, and is opened by its handle.
// file is the one it was looked up for, with the keeper's inode number.
struct UnwalkedKeeper {
  std::uint32_t guest = 0;  // for whom it was looked up: its filesystem and mount are the keeper's
  File file;
  std::string handle;  // sys/handle.h
};

struct Candidates {
  std::vector<NameRef> names;
  std::vector<Candidate> inodes;           // those with names; then one for each of `unwalked`
  std::vector<CandidateGroup> groups;      // those worth opening, largest saving first
  std::vector<std::uint32_t> last_names;   // shared inodes that have but one name left
  std::vector<std::uint32_t> unprotected;  // one inode for several guests: unmarked, or not protected, or stale

  std::vector<UnwalkedKeeper> unwalked;

  std::span<const NameRef> names_of(const Candidate& inode) const {
    return std::span(names).subspan(inode.first_name, inode.name_count);
  }
  // Nothing for an inode with names.
  const UnwalkedKeeper* unwalked_at(std::uint32_t inode) const {
    const auto named = inodes.size() - unwalked.size();
    return inode < named ? nullptr : &unwalked[inode - named];
  }
  // Indices into inodes.
  std::vector<std::uint32_t> members(const CandidateGroup& group) const;
};

// Keepers for a private file of this guest that the scan did not find.
using FindUnwalked = std::function<std::vector<UnwalkedKeeper>(std::uint32_t guest, const FsId& fs, const File& file)>;

// What has to agree.
struct GroupRules {
  bool metadata = true;          // owner and mode; false where data is shared and inodes are not (reflink)
  bool mtime = true;             // to the second
  FindUnwalked find_unwalked{};  // asked once a group with private inodes; empty: there are none
};

// Sets the verdict of every file that needs no proof (no_twin, second_copy, outside_names), after judge_hard_links()
// (survey/hard_links.h). place[i] is a number for where guest i's
// names can be linked: equal for guests of one filesystem and mount. Guests whose place is no_place are passed over.
inline constexpr std::uint32_t no_place = ~std::uint32_t{0};
Candidates find_candidates(Trees& trees, const std::vector<std::uint32_t>& place, const GroupRules& rules);

// Sets the verdict of all these names.
void judge(Trees& trees, std::span<const NameRef> names, Verdict verdict);

}  // namespace vunify
