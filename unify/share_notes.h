// SPDX-License-Identifier: Apache-2.0
// What became of files whose data is shared, told to all who want to know: their verdicts in the survey, what was freed
// in the tally, what was learnt in the index.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "hashindex/knowledge.h"
#include "unify/layouts.h"
#include "unify/run.h"
#include "unify/tally.h"

namespace vunify {

// One worker's; outlived by all that it is made of.
class ShareNotes {
 public:
  ShareNotes(Survey& survey, const Run& run) : survey_(survey), run_(run) {}

  Tally& tally() { return tally_; }

  // Tells the kernel's reason where it is a failure.
  void leave(std::uint32_t inode, Verdict verdict, const std::string& reason = {});
  // One of several inodes stays shared, whatever else differs from it.
  void leave(const Layout& layout, Verdict verdict);
  // Anew: its data lies where that of a guest does.
  void shared(std::uint32_t inode, std::optional<std::uint32_t> guest);
  // Nothing that was known of it is true any more.
  void forget(std::uint32_t inode);
  // What lies together is shared; all of it is learnt but what is known already, of each inode of the group, or
  // nothing. reading: a time before it began.
  void settle(const Layout& layout, const CandidateGroup& group, std::span<const Known> known, Timestamp reading);

 private:
  void learn(std::uint32_t inode, const Layout& layout, Timestamp reading);

  Survey& survey_;
  const Run& run_;
  Tally tally_{survey_.guests.size()};
};

}  // namespace vunify
