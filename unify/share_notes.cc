// SPDX-License-Identifier: Apache-2.0
#include "unify/share_notes.h"

namespace vunify {

void ShareNotes::leave(std::uint32_t inode, Verdict verdict, const std::string& reason) {
  survey_.judge(inode, verdict);
  if (verdict == Verdict::unreadable && !reason.empty())
    tally_.failed.push_back(failure_at(survey_, survey_.names_of(inode).front(), reason));
}

void ShareNotes::leave(const Layout& layout, Verdict verdict) {
  if (layout.inodes.size() == 1) leave(layout.inodes.front(), verdict);
}

void ShareNotes::shared(std::uint32_t inode, std::optional<std::uint32_t> guest) {
  if (run_.linked != nullptr) run_.linked->note(survey_.names_of(inode), guest);
}

void ShareNotes::forget(std::uint32_t inode) {
  if (run_.learns()) run_.index->forget(survey_.guest_number(inode), survey_.file_of(inode).ino);
}

void ShareNotes::settle(const Layout& layout, const CandidateGroup& group, std::span<const Known> known,
                        Timestamp reading) {
  const auto otherwise = layout.inodes.size() > 1 ? Verdict::shared : Verdict::not_reached;
  bool is_counted = false;
  for (const auto inode : layout.inodes) {
    if (layout.refused) leave(inode, *layout.refused);
    for (const auto name : survey_.names_of(inode))
      if (auto& verdict = survey_.file(name).verdict; verdict == Verdict::open) verdict = otherwise;
    survey_.inode(inode).lies_with_another = is_counted;
    is_counted |= survey_.file_of(inode).verdict == Verdict::shared;
    if (known.empty() || known[inode - group.first] != Known{layout.digest, layout.hash}) learn(inode, layout, reading);
  }
}

// As the walk saw it, before the reading: whatever changed it since has moved its ctime on, so that this is never taken
// for what it is then. That goes for sharing, too, should a filesystem move a ctime for it (XFS and btrfs do not):
// nobody can tell then whether a writer used the same tick, and the file is looked at once more.
void ShareNotes::learn(std::uint32_t inode, const Layout& layout, Timestamp reading) {
  if (!run_.learns() || survey_.inode(inode).shared) return;
  const auto& file = survey_.file_of(inode);
  Learnt learnt;
  learnt.digest = layout.digest;
  learnt.match = layout.hash;
  learnt.by_layout = true;
  learnt.seen.ino = file.ino;
  learnt.seen.stamp = file.stamp.full();
  learnt.reading = reading;
  run_.index->learn_private(survey_.guest_number(inode), learnt);
}

}  // namespace vunify
