// SPDX-License-Identifier: Apache-2.0
#include "unify/adopt.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "sys/inode_attr.h"
#include "sys/mark.h"
#include "sys/wait_together.h"
#include "unify/link_notes.h"
#include "unify/linker.h"

namespace vunify {
namespace {

// Every name that was found still leads to this one inode, and it has no others, or it is marked already.
bool is_as_found(const Survey& survey, std::uint32_t index, const Inode& now) {
  const auto& inode = survey.inode(index);
  return survey.file_of(index).is_still(now, false) && (inode.shared || now.nlink == survey.names_of(index).size());
}

// By whichever of its names leads to it still: no guest decides for the others. Throws what the last name met.
Fd open_inode(const Survey& survey, std::uint32_t index, OnLease on_lease) {
  std::optional<std::system_error> met;
  for (const auto& [root, path, live] : survey.guest_names(index)) {
    try {
      if (auto fd = root->open_inode(path, survey.file_of(index).ino, on_lease)) return std::move(*fd);
    } catch (const std::system_error& error) {
      met = error;
    }
  }
  if (met) throw *met;
  throw std::system_error(ENOENT, std::generic_category());
}

// Marks and protects under a lease: false where somebody writes to it, or changed it since the scan.
bool protect_shared(const Survey& survey, std::uint32_t index, Protection protection) {
  const bool marked = survey.inode(index).shared;
  const Fd fd = open_inode(survey, index, OnLease::fail);
  auto lease = Lease::take(fd.get());
  if (!lease || !lease->pin() || !is_as_found(survey, index, stat_fd(fd.get()))) return false;
  const auto tag = project_id(fd.get());
  if (!marked) set_mark(fd.get(), survey.id_of(index));
  set_project_id(fd.get(), 0);
  protect(fd.get(), protection);
  if (lease->is_unwritten()) return true;
  unprotect(fd.get());
  if (marked) return false;
  set_project_id(fd.get(), tag);
  clear_mark(fd.get());
  return false;
}

class Adoption {
 public:
  Adoption(Survey& survey, const Places& places, const Run& run, Outcome& outcome)
      : survey_(survey),
        places_(places),
        run_(run),
        outcome_(outcome),
        key_(run.key()),
        prover_(survey, key_, run.stop, run.counters, {.copies_in = [this](std::uint32_t i) { return staging(i); }}),
        notes_(survey, run, key_) {}

  Tally run() {
    std::vector<std::uint32_t> leased;
    for (const auto index : survey_.candidates.unprotected)
      if (!adopt(index)) leased.push_back(index);
    adopt_leased(leased);
    if (linker_) end_linking();
    notes_.tally().read_files = prover_.read_files();
    notes_.tally().read_bytes = prover_.read_bytes();
    return std::move(notes_.tally());
  }

 private:
  const Place& place_of(std::uint32_t index) const { return places_.of(survey_.guest_number(index)); }
  int staging(std::uint32_t index) const { return place_of(index).staging->fd(); }

  // A name that this run does not know of would stay with the old inode.
  bool takes_copy(std::uint32_t index) const {
    return run_.fresh && place_of(index).sharing() == Sharing::inodes && survey_.inode(index).complete;
  }

  bool is_live(std::uint32_t index) const {
    return std::ranges::any_of(survey_.names_of(index),
                               [this](NameRef name) { return survey_.guest(name).live != nullptr; });
  }

  void adopted(std::uint32_t index) {
    survey_.inode(index).shared = true;
    outcome_.adopted_files += survey_.names_of(index).size();
  }

  // False where a guest's lease is in the way.
  bool adopt(std::uint32_t index) {
    try {
      adopt_in_its_way(index);
      return true;
    } catch (const std::system_error& error) {
      survey_.judge(index, Verdict::shared_unprotected);
      if (is_error(error, EWOULDBLOCK)) return false;
      // Gone, or replaced: the next run looks at it again.
      if (!is_error(error, ENOENT))
        outcome_.failed.push_back(failure_at(survey_, survey_.names_of(index).front(), error.code().message()));
      return true;
    }
  }

  void adopt_in_its_way(std::uint32_t index) {
    if (run_.stop.requested() || (linker_ && linker_->broken_off())) return survey_.judge(index, Verdict::not_reached);
    if (!run_.dry_run && takes_copy(index)) return lead_to_copy(index);
    // In place it would become shared without its guest's vcow.
    if (is_live(index)) return survey_.judge(index, Verdict::shared_unprotected);
    if (!run_.dry_run && !protect_shared(survey_, index, place_of(index).protection))
      return survey_.judge(index, Verdict::shared_unprotected);
    survey_.judge(index, Verdict::open);
    adopted(index);
  }

  // As long as we have an inode open, no guest can lease it again.
  void adopt_leased(const std::vector<std::uint32_t>& leased) {
    std::vector<Fd> open(leased.size());
    wait_together(leased.size(), [&](std::size_t i) {
      try {
        open[i] = open_inode(survey_, leased[i], OnLease::wait);
      } catch (const std::system_error&) {
        return;  // adopt() meets it again
      }
    });
    for (const auto index : leased)
      if (!adopt(index))
        outcome_.failed.push_back(failure_at(survey_, survey_.names_of(index).front(), "is leased by a guest"));
  }

  void lead_to_copy(std::uint32_t index) {
    auto read = copy(index);
    if (lacks_room(read)) {
      linker_->apply_all();
      read = copy(index);
    }
    if (auto* proven = std::get_if<ProvenClass>(&read)) return link(index, *proven);
    const auto& left = std::get<LeftAlone>(read);
    notes_.leave({left});
    leave(index, left.verdict == Verdict::not_reached);
  }

  std::variant<ProvenClass, LeftAlone> copy(std::uint32_t index) {
    return prover_.copy(index, open_inode(survey_, index, OnLease::fail));
  }

  // And what is pending, once it is linked, frees some.
  bool lacks_room(const std::variant<ProvenClass, LeftAlone>& read) const {
    const auto* proven = std::get_if<ProvenClass>(&read);
    return proven != nullptr && is_disk_full(proven->copied.error) && linker_ && linker_->has_pending();
  }

  // Its guests share it still, and nothing protects it.
  void leave(std::uint32_t index, bool is_not_reached) {
    survey_.judge(index, is_not_reached ? Verdict::not_reached : Verdict::shared_unprotected);
  }

  void link(std::uint32_t index, ProvenClass& proven) {
    auto& member = proven.members.front();
    auto& [copy, error] = proven.copied;
    const auto place = places_.number_of(survey_.guest_number(index));
    LinkRequest request{.keeper_name = survey_.guest_name(survey_.names_of(index).front()),
                        .is_fresh = true,
                        .is_cold = copy && copy->is_cold(),
                        .protection = places_.all()[place].protection};
    Decision decision{.keeper = index, .victims = {index}, .digest = member.digest, .reading = member.reading};
    try {
      if (error) throw std::system_error(error);
      decision.victims_on_disk.push_back(notes_.place_of(member));
      request.keeper = copy->finish(member.held);
    } catch (const std::system_error& failed) {
      notes_.leave_set(proven.members, {}, failed.code());
      return leave(index, is_disk_full(failed));
    }
    request.keeper_id = {survey_.guest_of(index).fs, request.keeper.seen.ino};
    request.victims.push_back({.held = std::move(member.held), .names = survey_.guest_names(index)});
    if (!linker_) linker_.emplace(places_, run_.state_dir, "adopt", run_.open_files / 2);
    linker_->add(place, std::move(request), [this, decision](const LinkRequest& asked, const LinkResult& result) {
      note(decision, asked, result);
    });
  }

  void note(const Decision& decision, const LinkRequest& request, const LinkResult& result) {
    notes_.note(decision, request, result);
    if (result.has_linked()) return adopted(decision.keeper);
    leave(decision.keeper, result.victims.front().end == LinkEnd::not_reached);
  }

  void end_linking() {
    linker_->end();
    auto& tally = notes_.tally();
    tally.linking_nanoseconds = linker_->nanoseconds();
    if (const auto& error = linker_->broken_off()) {
      tally.has_broken_off = tally.disk_full = true;
      tally.failed.push_back({"", "", error->what()});
    }
  }

  Survey& survey_;
  const Places& places_;
  const Run& run_;
  Outcome& outcome_;
  const DigestKey key_;
  Prover prover_;
  LinkNotes notes_;
  std::optional<Linker> linker_;  // once there is something for it
};

}  // namespace

Tally adopt_unprotected(Survey& survey, const Places& places, const Run& run, Outcome& outcome) {
  return Adoption(survey, places, run, outcome).run();
}

}  // namespace vunify
