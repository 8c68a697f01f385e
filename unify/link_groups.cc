// SPDX-License-Identifier: Apache-2.0
#include "unify/link_groups.h"

#include <tbb/parallel_for.h>

#include <algorithm>
#include <atomic>

#include "unify/link_notes.h"
#include "unify/linker.h"
#include "unify/plan.h"
#include "unify/rounds.h"
#include "unify/sift.h"

namespace vunify {
namespace {

constexpr std::size_t least_open = 16;  // files of one group held at a time, at the least
constexpr std::size_t most_linked_open =
    4096;  // more would make the chunks smaller than a page (ProofRules::buffer_bytes)

// What all workers look at.
struct LinkWork {
  Survey& survey;
  const Places& places;
  const Run& run;
  const DigestKey key;
  const Knowledge knowledge;
  std::atomic<std::size_t> next{0};  // group to be taken
  std::atomic<bool> disk_full{false};

  bool is_over() const { return disk_full || run.stop.requested(); }
  int staging(std::uint32_t inode) const { return places.of(survey.guest_number(inode)).staging->fd(); }
};

bool makes_copies(const Run& run) { return run.fresh && !run.dry_run; }

ProofRules proof_rules(const LinkWork& work) {
  const auto& run = work.run;
  ProofRules proof;
  proof.leases = !run.dry_run;
  proof.mtime = run.mtime;
  proof.digests = run.learns();
  if (makes_copies(run)) proof.copies_in = [&work](std::uint32_t inode) { return work.staging(inode); };
  // A worker holds what it proves, half as many copies, in its batches twice as many, and the directories of one set.
  proof.max_open = std::clamp(run.open_files / run.jobs / 5, least_open, most_linked_open);
  return proof;
}

class LinkWorker {
 public:
  LinkWorker(LinkWork& work, unsigned number)
      : work_(work),
        most_open_(proof_rules(work).max_open),
        prover_(work.survey, work.key, work.run.stop, work.run.counters, proof_rules(work)),
        notes_(work.survey, work.run, work.key) {
    if (!work.run.dry_run) linker_.emplace(work.places, work.run.state_dir, std::to_string(number), 2 * most_open_);
  }

  Tally run() {
    for (std::size_t i; (i = work_.next++) < survey().candidates.groups.size();) {
      const auto& group = survey().candidates.groups[i];
      if (linker_ && linker_->broken_off()) work_.disk_full = true;
      if (work_.is_over())
        judge_all(group, Verdict::not_reached);
      else
        take(group, work_.knowledge.of_group(i));
    }
    if (linker_) end_linking();
    notes_.tally().read_files = prover_.read_files();
    notes_.tally().read_bytes = prover_.read_bytes();
    return std::move(notes_.tally());
  }

 private:
  Survey& survey() { return work_.survey; }

  void judge_all(const CandidateGroup& group, Verdict verdict) {
    for (auto i = group.first; i < group.first + group.count; ++i)
      if (!survey().inode(i).shared) survey().judge(i, verdict);
  }

  void take(const CandidateGroup& group, std::span<const Known> known) {
    const auto members = survey().candidates.members(group);
    const bool some_known = std::ranges::any_of(known, &Known::is_known);
    if (!some_known && members.size() <= most_open_) return prove(members);
    // What cannot be held open at once is first told apart by digest, which costs one more reading.
    auto knowledge = some_known ? std::vector<Known>(known.begin(), known.end()) : std::vector<Known>(members.size());
    take_known(members, std::move(knowledge));
  }

  // Only what is hoped to be linked is opened.
  void take_known(std::vector<std::uint32_t> members, std::vector<Known> known) {
    const auto rules = plan_rules(members.front());
    auto sifted = sift(survey(), members, known, rules);
    const bool all_known = std::ranges::all_of(known, &Known::is_known);
    const bool none_known = std::ranges::none_of(known, &Known::is_known);
    if (!all_known && (none_known || must_learn(known) || sifted.parts.size() != 1 || !sifted.left.empty())) {
      learn_unknown(members, known);
      sifted = sift(survey(), members, known, rules);
    }
    notes_.leave(sifted.left);
    for (const auto& part : sifted.parts) prove_in_rounds(part);
  }

  // What cannot be read is out.
  void learn_unknown(std::vector<std::uint32_t>& members, std::vector<Known>& known) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (!known[i].is_known() && !learn(members[i], known[i])) continue;
      members[kept] = members[i];
      known[kept++] = known[i];
    }
    members.resize(kept);
    known.resize(kept);
  }

  bool learn(std::uint32_t inode, Known& known) {
    const auto learning = prover_.learn(inode);
    if (const auto* left = std::get_if<LeftAlone>(&learning)) {
      notes_.leave({*left});
      return false;
    }
    const auto& learnt = std::get<Learnt>(learning);
    notes_.learn(inode, learnt);
    known = {learnt.digest, learnt.match};
    return true;
  }

  void prove_in_rounds(const std::vector<std::uint32_t>& part) {
    const auto rounds = in_rounds(part, most_open_);
    for (const auto& round : rounds) {
      prove(round);
      if (linker_ && rounds.size() > 1) linker_->apply_all();  // the next one goes on with this keeper
    }
  }

  void prove(const std::vector<std::uint32_t>& members, bool is_again = false) {
    auto proof = prover_.prove(members);
    notes_.leave(proof.left);
    std::vector<std::uint32_t> again;
    for (auto& proven : proof.classes) {
      if (is_again || !(lacks_room(proven) || lacks_copy(proven))) {
        plan(proven);
        continue;
      }
      for (const auto& member : proven.members) again.push_back(member.inode);
    }
    if (again.empty()) return;
    proof.classes.clear();
    linker_->apply_all();  // which frees what its victims take
    prove(again, true);
  }

  bool lacks_room(const ProvenClass& proven) const {
    return is_disk_full(proven.copied.error) && linker_->has_pending();
  }

  // It was read beside a shared inode that has the same bytes and other metadata.
  bool lacks_copy(const ProvenClass& proven) {
    const auto guest_of = [this](const Member& member) { return survey().guest_number(member.inode); };
    const auto& members = proven.members;
    return makes_copies(work_.run) && !proven.copied.copy && !proven.copied.error &&
           std::ranges::none_of(members, [this](const Member& member) { return is_shared(member); }) &&
           std::ranges::any_of(members, [&](const Member& member) { return guest_of(member) != guest_of(members[0]); });
  }

  void plan(ProvenClass& proven) {
    auto& members = proven.members;
    if (work_.run.fresh) leave_uncopied(members);
    std::vector<Copy> copies;
    for (const auto& member : members) copies.push_back(copy_of(member));
    if (copies.empty()) return;
    const auto plan = plan_links(copies, plan_rules(members.front().inode));
    for (const auto alone : plan.alone) notes_.leave(members[alone].inode, Verdict::second_copy);
    if (!work_.run.dry_run) link(proven, plan);
    if (work_.run.dry_run)
      for (const auto& set : plan.sets) notes_.foresee(members, set);
    for (const auto& member : members)  // those to be linked were moved from
      if (member.held.fd && work_.run.learns()) notes_.learn(member.inode, learnt_of(member, work_.key));
  }

  // An inode of a guest's own never becomes the keeper, and what has names that nobody knows cannot be led elsewhere.
  void leave_uncopied(std::vector<Member>& members) {
    std::erase_if(members, [this](const Member& member) {
      const auto known = survey().names_of(member.inode).size();
      if (is_shared(member) || member.held.seen.nlink == known) return false;
      notes_.leave(member.inode, Verdict::hard_linked);
      return true;
    });
  }

  bool is_shared(const Member& member) const { return notes_.is_shared(member.inode); }

  // As it was seen by the proof.
  Copy copy_of(const Member& member) {
    auto copy = vunify::copy_of(survey(), member.inode);
    copy.nlink = member.held.seen.nlink;
    copy.mtime = member.held.seen.stamp.mtime;
    return copy;
  }

  PlanRules plan_rules(std::uint32_t inode) {
    return {link_limit(survey().guest_of(inode).mount.type), !work_.run.mtime};
  }

  void link(ProvenClass& proven, const LinkPlan& plan) {
    auto copy = makes_copies(work_.run) ? copy_of_class(proven, plan) : Copied();  // before any member is moved from
    for (std::size_t i = 0; i < plan.sets.size(); ++i) {
      Copied own;
      if (wants_copy(proven, plan.sets[i])) own = i + 1 == plan.sets.size() ? std::exchange(copy, {}) : another(copy);
      link(proven.members, plan.sets[i], own);
    }
  }

  // A keeper that nobody shares yet.
  bool wants_copy(const ProvenClass& proven, const LinkSet& set) {
    return makes_copies(work_.run) && !is_shared(proven.members[set.keeper]);
  }

  // What is shared already is ours, and holds what all of them do.
  Copied copy_of_class(ProvenClass& proven, const LinkPlan& plan) {
    if (std::ranges::none_of(plan.sets, [&](const LinkSet& set) { return wants_copy(proven, set); })) return {};
    const auto shared =
        std::ranges::find_if(proven.members, [this](const Member& member) { return is_shared(member); });
    if (shared == proven.members.end()) return std::move(proven.copied);
    try {
      FreshCopy copy(work_.staging(shared->inode), shared->held.seen, false);
      copy.write_all_of(shared->held.fd.get());
      if (!shared->held.lease->is_unwritten()) return {{}, std::make_error_code(std::errc::text_file_busy)};
      return {std::move(copy)};
    } catch (const std::system_error& error) {
      return {{}, error.code()};
    }
  }

  // Where there is no room for it, what is pending is linked first.
  Copied another(const Copied& copy) {
    auto other = duplicate(copy);
    if (!is_disk_full(other.error) || !linker_->has_pending()) return other;
    linker_->apply_all();
    return duplicate(copy);
  }

  void link(std::vector<Member>& members, const LinkSet& set, Copied& copied) {
    auto& keeper = members[set.keeper];
    const auto place = work_.places.number_of(survey().guest_number(keeper.inode));
    Decision decision{.keeper = keeper.inode, .digest = keeper.digest, .reading = keeper.reading};
    LinkRequest request{.keeper_name = first_name(keeper.inode),
                        .was_shared = is_shared(keeper),
                        .is_fresh = copied.copy.has_value(),
                        .is_cold = copied.copy && copied.copy->is_cold(),
                        .protection = work_.places.all()[place].protection};
    try {
      if (copied.error) throw std::system_error(copied.error);
      if (makes_copies(work_.run) && !copied.copy && !request.was_shared)
        throw std::system_error(EOPNOTSUPP, std::generic_category());
      if (!copied.copy) decision.keeper_on_disk = notes_.place_of(keeper);
      request.keeper = copied.copy ? copied.copy->finish(keeper.held) : std::move(keeper.held);
    } catch (const std::system_error& error) {
      return notes_.leave_set(members, set, error.code());
    }
    request.keeper_id = {survey().guest_of(keeper.inode).fs, request.keeper.seen.ino};
    if (request.is_fresh) add_victim(keeper, decision, request);
    for (const auto i : set.victims) add_victim(members[i], decision, request);
    linker_->add(place, std::move(request), [this, decision](const LinkRequest& asked, const LinkResult& result) {
      notes_.note(decision, asked, result);
      if (result.disk_full) work_.disk_full = true;
    });
  }

  void add_victim(Member& member, Decision& decision, LinkRequest& request) {
    decision.victims.push_back(member.inode);
    decision.victims_on_disk.push_back(notes_.place_of(member));
    request.victims.push_back(
        {.held = std::move(member.held), .names = survey().guest_names(member.inode), .was_shared = is_shared(member)});
  }

  GuestName first_name(std::uint32_t inode) {
    auto names = survey().guest_names(inode);
    return names.empty() ? GuestName{&survey().guest_of(inode).root} : std::move(names.front());
  }

  void end_linking() {
    linker_->end();
    auto& tally = notes_.tally();
    tally.linking_nanoseconds = linker_->nanoseconds();
    if (const auto& error = linker_->broken_off()) {
      tally.has_broken_off = tally.disk_full = true;  // nothing more can be journalled or synced
      tally.failed.push_back({"", "", error->what()});
    }
  }

  LinkWork& work_;
  std::size_t most_open_;
  Prover prover_;
  LinkNotes notes_;
  std::optional<Linker> linker_;  // absent in a dry run
};

// What a linker was in the middle of when it broke off: the journal tells the next start.
void judge_unfinished(Survey& survey) {
  for (const auto name : survey.candidates.names)
    if (auto& verdict = survey.file(name).verdict; verdict == Verdict::open) verdict = Verdict::not_reached;
}

void begin_counting(const Survey& survey, Counters& counters) {
  std::uint64_t files = 0, bytes = 0;
  for (const auto& group : survey.candidates.groups) {
    files += group.count;
    bytes += survey.file_of(group.first).stamp.size * group.count;
  }
  counters.begin(Phase::prove, files, bytes);
}

}  // namespace

Tally link_groups(Survey& survey, const Places& places, const Run& run) {
  LinkWork work{survey, places, run, run.key(), run.look_up(survey, false)};
  begin_counting(survey, run.counters);
  std::vector<Tally> tallies(run.jobs, Tally(survey.guests.size()));
  tbb::parallel_for(0U, run.jobs, [&](unsigned i) { tallies[i] = LinkWorker(work, i).run(); });
  Tally total(survey.guests.size());
  for (const auto& tally : tallies) total.add(tally);
  if (total.has_broken_off) judge_unfinished(survey);
  return total;
}

}  // namespace vunify
