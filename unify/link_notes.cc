// SPDX-License-Identifier: Apache-2.0
#include "unify/link_notes.h"

#include <algorithm>
#include <utility>

namespace vunify {
namespace {

Verdict verdict_of(const LinkedVictim& victim) {
  switch (victim.end) {
    case LinkEnd::linked:
      return Verdict::shared;
    case LinkEnd::changed:
      return Verdict::changed;
    case LinkEnd::locked:
      return Verdict::locked;
    case LinkEnd::in_use:
      return Verdict::open_for_writing;
    case LinkEnd::unanswered:
      return Verdict::no_answer;
    case LinkEnd::not_reached:
      return Verdict::not_reached;
    case LinkEnd::left_alone:
      return Verdict::twin_busy;
    case LinkEnd::unmarked:
      return Verdict::not_shareable;
    case LinkEnd::failed:
      break;
  }
  return verdict_of(victim.error, Attempt::link);
}

// What the keeper takes more is paid by those that go, the first ones first.
std::vector<std::uint64_t> less(std::vector<std::uint64_t> freed, std::uint64_t taken) {
  for (auto& bytes : freed) {
    const auto paid = std::min(bytes, taken);
    bytes -= paid;
    taken -= paid;
  }
  return freed;
}

// Of each victim; nothing of those that stay.
std::vector<std::uint64_t> freed_of(const Decision& decision, const LinkResult& result) {
  std::vector<const OnDisk*> gone, left{&decision.keeper_on_disk};
  std::vector<std::size_t> linked;
  for (std::size_t i = 0; i < result.victims.size(); ++i) {
    const bool is_linked = result.victims[i].end == LinkEnd::linked;
    if (is_linked) linked.push_back(i);
    (is_linked ? gone : left).push_back(&decision.victims_on_disk[i]);
  }
  const auto bytes = less(freed_by(gone, left), result.grown_bytes);
  std::vector<std::uint64_t> freed(result.victims.size());
  for (std::size_t n = 0; n < linked.size(); ++n) freed[linked[n]] = bytes[n];
  return freed;
}

// The victim that stands for a fresh keeper: its guest's names are counted for that, not as given up.
std::size_t first_linked(const LinkResult& result) {
  const auto first = std::ranges::find(result.victims, LinkEnd::linked, &LinkedVictim::end);
  return static_cast<std::size_t>(first - result.victims.begin());
}

}  // namespace

void LinkNotes::leave(std::uint32_t inode, Verdict verdict, const std::string& reason) {
  const auto names = survey_.names_of(inode);
  if (verdict == Verdict::unreadable && !names.empty())
    tally_.failed.push_back(failure_at(survey_, names.front(), reason));
  if (!is_shared(inode)) survey_.judge(names, verdict);
}

void LinkNotes::leave(const std::vector<LeftAlone>& left) {
  for (const auto& one : left) {
    leave(one.inode, one.verdict, one.reason);
    if (one.learnt) learn(one.inode, *one.learnt);
  }
}

void LinkNotes::leave_set(const std::vector<Member>& members, const LinkSet& set, const std::error_code& error) {
  if (is_disk_full(error)) tell_no_room();
  const auto verdict = is_disk_full(error)                  ? Verdict::not_reached
                       : error == std::errc::text_file_busy ? Verdict::changed
                                                            : vunify::verdict_of(error, Attempt::link);
  leave(members[set.keeper].inode, verdict, error.message());
  for (const auto victim : set.victims) leave(members[victim].inode, verdict, error.message());
}

void LinkNotes::tell_no_room() {
  if (!std::exchange(tally_.disk_full, true))
    tally_.failed.push_back({"", "",
                             "no room for the copy that all would share; where all guests are stopped, "
                             "--sledgehammer needs none"});
}

void LinkNotes::learn(std::uint32_t inode, const Learnt& learnt) {
  if (!run_.learns()) return;
  const auto guest = survey_.guest_number(inode);
  if (is_shared(inode))
    run_.index->learn_shared(guest, learnt);
  else
    run_.index->learn_private(guest, learnt);
}

OnDisk LinkNotes::place_of(const Member& member) const {
  return on_disk(member.held.fd.get(), member.held.seen, survey_.guest_of(member.inode).mount);
}

void LinkNotes::foresee(const std::vector<Member>& members, const LinkSet& set) {
  const auto& keeper = members[set.keeper];
  const bool replaced = run_.fresh && !is_shared(keeper.inode);
  const auto keeper_on_disk = place_of(keeper);
  std::vector<OnDisk> victims;
  for (const auto victim : set.victims) victims.push_back(place_of(members[victim]));
  std::vector<const OnDisk*> gone, left;
  (replaced ? gone : left).push_back(&keeper_on_disk);
  for (const auto& victim : victims) gone.push_back(&victim);
  const auto freed = less(freed_by(gone, left), replaced ? keeper.held.seen.bytes_on_disk() : 0);
  became_keeper(keeper.inode);
  if (replaced) tally_.freed_bytes[survey_.guest_number(keeper.inode)] += freed.front();
  for (std::size_t i = 0; i < set.victims.size(); ++i)
    gave_up(members[set.victims[i]].inode, keeper.inode, freed[i + replaced]);
}

void LinkNotes::became_keeper(std::uint32_t inode) {
  if (run_.linked != nullptr && !is_shared(inode)) run_.linked->note(survey_.names_of(inode), std::nullopt);
  survey_.inode(inode).is_keeper = true;
  survey_.inode(inode).shared = true;
  survey_.judge(inode, Verdict::shared);
}

void LinkNotes::was_replaced(std::uint32_t inode, std::uint64_t ino, std::uint64_t bytes) {
  for (const auto name : survey_.names_of(inode)) survey_.file(name).ino = ino;
  tally_.freed_bytes[survey_.guest_number(inode)] += bytes;
  became_keeper(inode);
}

void LinkNotes::gave_up(std::uint32_t inode, std::uint32_t keeper, std::uint64_t bytes) {
  if (run_.linked != nullptr) run_.linked->note(survey_.names_of(inode), walked_guest_of(keeper));
  tally_.count_link(survey_.names_of(inode), bytes);
  survey_.inode(inode).given_up = true;
  survey_.judge(inode, Verdict::shared);
}

void LinkNotes::note(const Decision& decision, const LinkRequest& request, const LinkResult& result) {
  const auto freed = note_victims(decision, request, result);
  request.is_fresh ? note_fresh(decision, request, result) : note_keeper(decision, request, result);
  for (const auto& leaf : result.kept)
    tally_.failed.push_back({"", leaf, "left in staging: it is not the file that was planned for"});
  if (result.has_writer_left)
    tally_.failed.push_back({survey_.guest_of(decision.keeper).name, request.keeper_name.path,
                             "a writer could not be turned away from it or from one of its twins"});
  tally_.freed_when_closed += std::min(result.freed_when_closed, freed);
  tally_.disk_full |= result.disk_full;
}

// Returns the bytes that are free.
std::uint64_t LinkNotes::note_victims(const Decision& decision, const LinkRequest& request, const LinkResult& result) {
  const auto stays = request.is_fresh && result.has_linked() ? first_linked(result) : decision.victims.size();
  const auto freed = freed_of(decision, result);
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < decision.victims.size(); ++i) {
    const auto inode = decision.victims[i];
    const auto& victim = result.victims[i];
    if (victim.end != LinkEnd::linked) {
      leave(inode, verdict_of(victim), victim.error.message());
      continue;
    }
    i == stays ? was_replaced(inode, request.keeper_id.ino, freed[i]) : gave_up(inode, decision.keeper, freed[i]);
    total += freed[i];
    if (run_.learns()) run_.index->forget(survey_.guest_number(inode), request.victims[i].held.seen.ino);
  }
  return total;
}

void LinkNotes::note_fresh(const Decision& decision, const LinkRequest& request, const LinkResult& result) {
  if (!run_.learns() || !result.has_linked()) return;
  learn(decision.victims[first_linked(result)], learnt_of(request.keeper, decision.digest, decision.reading, key_));
}

void LinkNotes::note_keeper(const Decision& decision, const LinkRequest& request, const LinkResult& result) {
  if (result.has_linked()) became_keeper(decision.keeper);
  if (run_.learns()) learn(decision.keeper, learnt_of(request.keeper, decision.digest, decision.reading, key_));
  if (result.has_linked() || request.was_shared) return;
  leave(decision.keeper, verdict_of(result.victims.front()), result.victims.front().error.message());
}

}  // namespace vunify
