// SPDX-License-Identifier: Apache-2.0
#include "unify/link_groups.h"

#include <tbb/parallel_for.h>

#include <atomic>
#include <chrono>
#include <map>

#include "sys/handle.h"
#include "unify/batch.h"
#include "unify/plan.h"
#include "unify/sift.h"

namespace vunify {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t batch_names = 4096;  // between two records of a journal
constexpr std::size_t least_open = 16;     // files of one group held at a time, at the least
constexpr std::size_t most_open = 4096;    // more would make the chunks smaller than a page (ProofRules::buffer_bytes)

struct Work {
  const std::vector<Guest>& guests;
  Scan& scan;
  Candidates& candidates;
  const std::vector<Place>& places;
  const std::vector<std::uint32_t>& place_of;
  const LinkRules& rules;
  const Stop& stop;
  Counters& counters;
  const DigestKey key;
  const Knowledge knowledge;
  std::atomic<std::size_t> next{0};  // group to be taken
  std::atomic<bool> disk_full{false};

  bool is_over() const { return disk_full || stop.requested(); }
};

ProofRules proof_rules(const LinkRules& rules) {
  ProofRules proof;
  proof.leases = !rules.dry_run;
  proof.mtime = rules.mtime;
  proof.digests = rules.learns();
  // A worker holds what it proves, in its batch twice as many, and the directories of one set.
  proof.max_open = std::clamp(rules.open_files / rules.jobs / 4, least_open, most_open);
  return proof;
}

class Worker {
 public:
  Worker(Work& work, unsigned number)
      : work_(work),
        scene_{work.guests, work.scan, work.candidates, work.key, work.stop, work.counters},
        most_open_(proof_rules(work.rules).max_open),
        prover_(scene_, proof_rules(work.rules)),
        name_(std::to_string(number)),
        tally_(work.guests.size()) {
    if (!work.rules.dry_run) journal_.emplace(work.rules.state_dir, name_);
  }

  Tally run() {
    for (std::size_t i; (i = work_.next++) < work_.candidates.groups.size();) {
      const auto& group = work_.candidates.groups[i];
      if (work_.is_over())
        judge_all(group, Verdict::not_reached);
      else
        take(group, work_.knowledge.of_group(i));
    }
    apply_all();
    end_journal();
    tally_.read_files = prover_.read_files();
    tally_.read_bytes = prover_.read_bytes();
    return std::move(tally_);
  }

 private:
  Candidate& inode(std::uint32_t index) { return work_.candidates.inodes[index]; }
  std::span<const NameRef> names_of(std::uint32_t index) { return work_.candidates.names_of(inode(index)); }

  void judge_all(const CandidateGroup& group, Verdict verdict) {
    for (auto i = group.first; i < group.first + group.count; ++i)
      if (!inode(i).shared) judge(work_.scan, names_of(i), verdict);
  }

  void take(const CandidateGroup& group, std::span<const Known> known) {
    const auto inodes = work_.candidates.members(group);
    if (std::ranges::any_of(known, &Known::is_known)) return take_known(inodes, {known.begin(), known.end()});
    if (group.count > most_open_) return take_in_parts(group);
    prove(inodes);
  }

  // Only what the index lets one hope to link is opened.
  void take_known(std::vector<std::uint32_t> inodes, std::vector<Known> known) {
    const auto rules = plan_rules(inodes.front());
    auto sifted = sift(work_.scan, work_.candidates, inodes, known, rules);
    const bool all_known = std::ranges::all_of(known, &Known::is_known);
    if (!all_known && (must_learn(known) || sifted.parts.size() != 1 || !sifted.left.empty())) {
      learn_unknown(inodes, known);
      sifted = sift(work_.scan, work_.candidates, inodes, known, rules);
    }
    leave_all(sifted.left);
    for (const auto& part : sifted.parts) prove_in_rounds(part);
  }

  // What cannot be read is out.
  void learn_unknown(std::vector<std::uint32_t>& inodes, std::vector<Known>& known) {
    std::vector<LeftAlone> left;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < inodes.size(); ++i) {
      if (!known[i].is_known()) {
        const auto learnt = prover_.learn(inodes[i], left);
        if (!learnt) continue;
        note_learnt(inodes[i], *learnt);
        known[i] = {learnt->digest, learnt->policy};
      }
      inodes[kept] = inodes[i];
      known[kept++] = known[i];
    }
    inodes.resize(kept);
    known.resize(kept);
    leave_all(left);
  }

  // The keeper is the first, and comes again in each round.
  void prove_in_rounds(const std::vector<std::uint32_t>& part) {
    for (std::size_t at = 1; at < part.size(); at += most_open_ - 1) {
      const auto end = std::min(part.size(), at + most_open_ - 1);
      std::vector<std::uint32_t> round{part.front()};
      round.insert(round.end(), part.begin() + static_cast<std::ptrdiff_t>(at),
                   part.begin() + static_cast<std::ptrdiff_t>(end));
      prove(round);
      if (end < part.size()) apply_all();
    }
  }

  void take_in_parts(const CandidateGroup& group) {
    std::vector<LeftAlone> left;
    const auto parts = prover_.cut(group, left);
    leave_all(left);
    for (const auto& part : parts) {
      prove(part);
      apply_all();  // the next part may go on with this one's keeper
    }
  }

  void prove(const std::vector<std::uint32_t>& inodes) {
    auto proof = prover_.prove(inodes);
    leave_all(proof.left);
    for (auto& proven : proof.classes) plan(proven);
  }

  void leave_all(const std::vector<LeftAlone>& left) {
    for (const auto& one : left) {
      leave(one.inode, one.verdict, one.reason);
      if (one.learnt) note_learnt(one.inode, *one.learnt);
    }
  }

  void note_learnt(std::uint32_t index, const Learnt& learnt) {
    if (!work_.rules.learns()) return;
    const auto guest = work_.candidates.guest_of(index);
    if (inode(index).shared)
      work_.rules.index->learn_shared(guest, learnt);
    else
      work_.rules.index->learn_private(guest, learnt);
  }

  void note_learnt(const Held& held) {
    if (work_.rules.learns()) note_learnt(held.inode, learnt_of(held, work_.key));
  }

  void forget(std::uint32_t index, std::uint64_t ino) {
    if (work_.rules.learns()) work_.rules.index->forget(work_.candidates.guest_of(index), ino);
  }

  // A shared inode stays shared, whatever was found beside it.
  void leave(std::uint32_t index, Verdict verdict, const std::string& reason) {
    const auto names = names_of(index);
    if (verdict == Verdict::unreadable && !names.empty()) note_failure(names.front(), reason);
    if (!inode(index).shared) judge(work_.scan, names, verdict);
  }

  void note_failure(NameRef name, const std::string& reason) {
    tally_.failed.push_back({work_.guests[name.guest].name, work_.scan.trees[name.guest].path(name.file), reason});
  }

  void plan(ProvenClass& proven) {
    std::vector<Copy> copies;
    for (const auto& held : proven) copies.push_back(copy_of(held));
    const auto plan = plan_links(copies, plan_rules(proven.front().inode));
    for (const auto alone : plan.alone) leave(proven[alone].inode, Verdict::second_copy, {});
    for (const auto& set : plan.sets) {
      if (work_.rules.dry_run)
        count(proven, set);
      else
        gather(proven, set);
    }
    for (const auto& held : proven)  // gathered ones were moved from
      if (held.fd) note_learnt(held);
  }

  Copy copy_of(const Held& held) {
    auto copy = vunify::copy_of(work_.scan, work_.candidates, held.inode);
    copy.nlink = held.seen.nlink;
    copy.mtime = held.seen.stamp.mtime;
    return copy;
  }

  PlanRules plan_rules(std::uint32_t index) {
    const auto& guest = work_.guests[work_.candidates.guest_of(index)];
    return {link_limit(guest.mount.type.c_str()), !work_.rules.mtime};
  }

  void count(const ProvenClass& proven, const LinkSet& set) {
    became_keeper(proven[set.keeper].inode);
    for (const auto victim : set.victims) {
      const auto& held = proven[victim];
      inode(held.inode).given_up = true;
      tally_.count_link(names_of(held.inode), held.seen.bytes_on_disk());
    }
  }

  void became_keeper(std::uint32_t index) {
    inode(index).is_keeper = true;
    inode(index).shared = true;
  }

  std::vector<GuestName> guest_names(std::uint32_t index) {
    std::vector<GuestName> names;
    for (const auto name : names_of(index))
      names.push_back({name, &work_.guests[name.guest].root, work_.scan.trees[name.guest].path(name.file)});
    return names;
  }

  Batch& batch_at(std::uint32_t place) {
    const auto& staging = *work_.places[place].staging;
    return batches_.try_emplace(place, *journal_, staging.fd(), staging.path(), name_).first->second;
  }

  void gather(ProvenClass& proven, const LinkSet& set) {
    LinkTask task;
    const auto keeper = proven[set.keeper].inode;
    const auto guest = work_.candidates.guest_of(keeper);
    task.keeper = std::move(proven[set.keeper]);
    task.keeper_id = {work_.guests[guest].fs, task.keeper.seen.ino};
    if (const auto names = guest_names(keeper); !names.empty())
      task.keeper_name = names.front();
    else
      task.keeper_name.root = &work_.guests[guest].root;
    task.was_shared = inode(keeper).shared;
    task.protection = work_.places[work_.place_of[guest]].protection;
    for (const auto victim : set.victims) {
      const auto index = proven[victim].inode;
      task.victims.push_back({std::move(proven[victim]), guest_names(index), {}, inode(index).shared, {}, {}});
    }
    auto& batch = batch_at(work_.place_of[guest]);
    batch.add(std::move(task));
    if (batch.names() >= batch_names) return apply(batch);
    if (open_files() >= 2 * most_open_) apply_all();
  }

  std::size_t open_files() const {
    std::size_t files = 0;
    for (const auto& [place, batch] : batches_) files += batch.open_files();
    return files;
  }

  void apply_all() {
    for (auto& [place, batch] : batches_) apply(batch);
  }

  void apply(Batch& batch) {
    commit([&] { batch.apply([this](LinkTask& task, const Finished& finished) { note(task, finished); }); });
  }

  void end_journal() {
    commit([this] {
      if (journal_) journal_->end();
    });
  }

  // A batch that broke off lies in the journal and in staging until the next start: nothing may be written over it.
  template <typename Step>
  void commit(const Step& step) {
    if (broken_off_) return;
    const auto start = Clock::now();
    try {
      step();
    } catch (const std::system_error& error) {
      broken_off_ = true;
      work_.disk_full = true;  // nothing more can be journalled or synced, and so nothing more is begun
      tally_.disk_full = true;
      tally_.failed.push_back({"", "", std::string(error.what())});
    }
    tally_.linking_nanoseconds += static_cast<std::uint64_t>((Clock::now() - start).count());
  }

  void note(LinkTask& task, const Finished& finished) {
    bool linked = false;
    std::uint64_t grown = task.grown_bytes;
    for (const auto& victim : task.victims) {
      if (victim.verdict == Verdict::shared) {
        const auto bytes = victim.held.seen.bytes_on_disk();
        tally_.count_link(names_of(victim.held.inode), bytes - std::min(bytes, std::exchange(grown, 0)));
        inode(victim.held.inode).given_up = true;
        forget(victim.held.inode, victim.held.seen.ino);
        linked = true;
      } else {
        leave(victim.held.inode, victim.verdict, victim.reason);
      }
    }
    if (linked) became_keeper(task.keeper.inode);
    note_learnt(task.keeper);
    if (!linked && !task.was_shared)
      leave(task.keeper.inode, task.victims.front().verdict, task.victims.front().reason);
    for (const auto& leaf : task.kept)
      tally_.failed.push_back({"", leaf, "left in staging: it is not the file that was planned for"});
    tally_.freed_when_closed += finished.freed_when_closed;
    if (task.disk_full) work_.disk_full = tally_.disk_full = true;
  }

  Work& work_;
  ProofScene scene_;
  std::size_t most_open_;
  Prover prover_;
  std::string name_;
  std::optional<Journal> journal_;
  std::map<std::uint32_t, Batch> batches_;  // by place
  bool broken_off_ = false;
  Tally tally_;
};

}  // namespace

Tally link_groups(const std::vector<Guest>& guests, Scan& scan, Candidates& candidates,
                  const std::vector<Place>& places, const std::vector<std::uint32_t>& place_of, const LinkRules& rules,
                  const Stop& stop, Counters& counters) {
  Work work{guests, scan, candidates, places,      place_of,
            rules,  stop, counters,   rules.key(), rules.look_up(scan, candidates)};
  std::uint64_t files = 0, bytes = 0;
  for (const auto& group : candidates.groups) {
    files += group.count;
    bytes += scan.trees[candidates.names[candidates.inodes[group.first].first_name].guest]
                 .file(candidates.names[candidates.inodes[group.first].first_name].file)
                 .stamp.size *
             group.count;
  }
  counters.begin(Phase::prove, files, bytes);
  std::vector<Tally> tallies(rules.jobs, Tally(guests.size()));
  tbb::parallel_for(0U, rules.jobs, [&](unsigned i) { tallies[i] = Worker(work, i).run(); });
  Tally total(guests.size());
  for (const auto& tally : tallies) total.add(tally);
  return total;
}

}  // namespace vunify
