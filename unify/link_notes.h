// SPDX-License-Identifier: Apache-2.0
// What became of files, told to all who want to know: their verdicts in the survey, what was freed in the tally, what
// was learnt in the index.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "change/keeper_link.h"
#include "unify/freed.h"
#include "unify/plan.h"
#include "unify/prove.h"
#include "unify/run.h"
#include "unify/tally.h"

namespace vunify {

// The inodes of a request, and what its keeper's reading told.
struct Decision {
  std::uint32_t keeper = 0;              // the inode that stays; under a fresh copy the one that it was planned to be
  std::vector<std::uint32_t> victims{};  // as in the request
  Digest digest{};
  Timestamp reading{};
  OnDisk keeper_on_disk{};
  std::vector<OnDisk> victims_on_disk{};
};

// One worker's; outlived by all that it is made of.
class LinkNotes {
 public:
  LinkNotes(Survey& survey, const Run& run, const DigestKey& key) : survey_(survey), run_(run), key_(key) {}

  Tally& tally() { return tally_; }

  // A shared inode stays shared, whatever was found beside it.
  void leave(std::uint32_t inode, Verdict verdict, const std::string& reason = {});
  void leave(const std::vector<LeftAlone>& left);
  // Of a full disk the others may free some.
  void leave_set(const std::vector<Member>& members, const LinkSet& set, const std::error_code& error);
  void learn(std::uint32_t inode, const Learnt& learnt);

  // In a dry run.
  void foresee(const std::vector<Member>& members, const LinkSet& set);
  void note(const Decision& decision, const LinkRequest& request, const LinkResult& result);

  OnDisk place_of(const Member& member) const;
  bool is_shared(std::uint32_t inode) const { return survey_.inode(inode).shared; }
  // Nothing of an unwalked keeper.
  std::optional<std::uint32_t> walked_guest_of(std::uint32_t inode) const {
    if (survey_.names_of(inode).empty()) return std::nullopt;
    return survey_.guest_number(inode);
  }

 private:
  void became_keeper(std::uint32_t inode);
  void was_replaced(std::uint32_t inode, std::uint64_t ino, std::uint64_t bytes);
  void gave_up(std::uint32_t inode, std::uint32_t keeper, std::uint64_t bytes);
  std::uint64_t note_victims(const Decision& decision, const LinkRequest& request, const LinkResult& result);
  void note_keeper(const Decision& decision, const LinkRequest& request, const LinkResult& result);
  void note_fresh(const Decision& decision, const LinkRequest& request, const LinkResult& result);
  void tell_no_room();

  Survey& survey_;
  const Run& run_;
  const DigestKey& key_;
  Tally tally_{survey_.guests.size()};
};

}  // namespace vunify
