// SPDX-License-Identifier: Apache-2.0
#include "unify/place.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <set>
#include <tuple>

#include "change/choose_protection.h"
#include "guest/adopted.h"
#include "sys/clone.h"
#include "sys/swap_files.h"

namespace vunify {
namespace {

std::vector<const Guest*> guests_of(const Place& place, const std::vector<Guest>& guests) {
  std::vector<const Guest*> members;
  for (const auto i : place.guests) members.push_back(&guests[i]);
  return members;
}

// Without the subvolume: data can be shared across them, names cannot.
FsId whole(FsId fs) {
  fs.subvolume = 0;
  return fs;
}

void replace_verdict(Tree& tree, Verdict from, Verdict to) {
  for (std::uint32_t i = 0; i < tree.files().size(); ++i)
    if (tree.file(i).verdict == from) tree.file(i).verdict = to;
}

// Links need a directory beside the guests on their mount; shared data does not.
void decide_without_staging(Place& place, const Guest& guest, const std::system_error& error) {
  const auto wanted = guest.rules.protect;
  place.on_other_mount = is_error(error, EXDEV);
  place.reason = place.no_staging = error.what();
  if (place.on_other_mount) place.reason += "; data can be shared across mounts on XFS and btrfs (--protect=reflink)";
  if (place.is_adopted || (wanted && *wanted != Protection::reflink)) return;
  try {
    if (!has_reflink(guest.root.fd())) return;
    place.protection = Protection::reflink;
    place.reason.clear();
  } catch (const std::system_error&) {
    return;  // read-only, say: the first reason stands
  }
}

bool is_one(const Inode& one, const Inode& other) { return one.dev == other.dev && one.ino == other.ino; }

// The place that came first to the directory which staging is made in. Through another mount that is the same, and
// names cannot be moved there: only guests of one mount can have it.
const Place* find_first(const Place& place, const std::vector<Place>& earlier, const std::vector<Guest>& guests) {
  for (const auto& other : earlier) {
    if (!other.above || !is_one(*other.above, *place.above)) continue;
    const auto &one = guests[place.guests.front()], &first = guests[other.guests.front()];
    if (one.mount.id == first.mount.id) return &other;
    const auto &here = one.root, &there = first.root;
    throw std::system_error(EXDEV, std::generic_category(),
                            here.host_path() + " is on the filesystem of " + there.host_path() +
                                ", by another mount: name both by one of them");
  }
  return nullptr;
}

// Nothing has to be found out: no native path leads to them.
Protection protection_of_adopted(int dir, std::optional<Protection> wanted) {
  if (!wanted || wanted == Protection::cow) return Protection::cow;
  return wanted == Protection::reflink && has_reflink(dir) ? Protection::reflink : Protection::none;
}

std::string what_would_help(const Place& place, std::optional<Protection> wanted) {
  if (!place.is_adopted || wanted == Protection::reflink) return what_would_help(place.mount.type, wanted);
  return "it is adopted: vcow keeps it apart, and --protect=cow or auto shares what it has";
}

Protection find_protection(const Place& place, int above, std::optional<Protection> wanted) {
  if (place.is_adopted) return protection_of_adopted(above, wanted);
  return place.staging ? choose_protection(place.staging->fd(), wanted) : guess_protection(above, wanted);
}

// What no other place has of it goes.
void give_up_staging(Place& place) {
  if (place.staging && place.staging.use_count() == 1) place.staging->remove_if_empty();
  place.staging.reset();  // an open directory keeps its block, and df would miss it
}

void decide(Place& place, const std::vector<Place>& earlier, const std::vector<Guest>& guests, bool dry_run) {
  const auto members = guests_of(place, guests);
  const auto wanted = members.front()->rules.protect;
  try {
    const Fd above = open_staging_parent(members);
    place.above = stat_fd(above.get());
    if (const auto* first = find_first(place, earlier, guests)) place.staging = first->staging;
    if (!dry_run && !place.staging) place.staging = std::make_shared<Staging>(members);
    place.protection = find_protection(place, above.get(), wanted);
    if (place.protection == Protection::none) place.reason = what_would_help(place, wanted);
  } catch (const StagingInUse&) {
    throw;
  } catch (const std::system_error& error) {
    decide_without_staging(place, *members.front(), error);
  }
  if (!place.reason.empty()) give_up_staging(place);
}

bool is_left_alone(const Place& place, const std::vector<Guest>& guests) {
  return guests[place.guests.front()].is_left_alone();
}

// Of guests between which names could be linked, those of one group that keep apart what they share in one way.
std::vector<Place> places_of(const std::vector<std::uint32_t>& members, const std::vector<Guest>& guests) {
  const auto kind_of = [](const Guest& guest) {
    return std::tuple(guest.is_adopted(), guest.is_left_alone(), guest.rules.protect, guest.rules.group);
  };
  std::map<decltype(kind_of(guests[0])), std::vector<std::uint32_t>> kinds;
  for (const auto member : members) kinds[kind_of(guests[member])].push_back(member);
  std::vector<Place> places;
  for (auto& [kind, of_kind] : kinds) {
    const auto& mount = guests[of_kind.front()].mount;
    places.push_back({.guests = std::move(of_kind), .mount = mount, .is_adopted = std::get<0>(kind)});
  }
  return places;
}

// Data is shared by descriptor: it needs neither names nor staging, and no common mount.
std::vector<Place> by_filesystem(std::vector<Place> places, const std::vector<Guest>& guests) {
  std::map<std::pair<FsId, std::string>, Place> merged;
  std::vector<Place> result;
  for (auto& place : places) {
    if (place.protection != Protection::reflink) {
      result.push_back(std::move(place));
      continue;
    }
    const auto& first = guests[place.guests.front()];
    auto& target = merged[{whole(first.fs), first.rules.group}];
    target.protection = Protection::reflink;
    target.guests.insert(target.guests.end(), place.guests.begin(), place.guests.end());
    if (!target.staging) target.staging = std::move(place.staging);
    give_up_staging(place);
  }
  for (auto& [key, place] : merged) result.push_back(std::move(place));
  return result;
}

}  // namespace

Places::Places(const std::vector<Guest>& guests, bool dry_run) : number_of_(guests.size(), no_place) {
  std::vector<Place> places;
  for (const auto& members : guests_by_mount(guests))
    for (auto& place : places_of(members, guests)) {
      if (is_left_alone(place, guests))
        place.reason = mounted_reason;
      else
        decide(place, places, guests, dry_run);
      places.push_back(std::move(place));
    }
  places_ = by_filesystem(std::move(places), guests);
  for (std::uint32_t number = 0; number < places_.size(); ++number)
    for (const auto guest : places_[number].guests) number_of_[guest] = number;
  assert(std::ranges::none_of(number_of_, [](std::uint32_t number) { return number == no_place; }));
}

std::vector<std::uint32_t> Places::where() const {
  auto where = number_of_;
  for (auto& number : where)
    if (places_[number].protection == Protection::none) number = no_place;
  return where;
}

std::vector<std::uint32_t> Places::where(Sharing sharing) const {
  auto numbers = where();
  for (auto& number : numbers)
    if (number != no_place && places_[number].sharing() != sharing) number = no_place;
  return numbers;
}

void Places::close() {
  for (auto& place : places_) give_up_staging(place);
}

bool Places::shares_staging(std::uint32_t place) const { return places_[place].staging.use_count() > 1; }

void leave_unprotected(Trees& trees, const Places& places) {
  for (const auto& place : places.all())
    if (place.protection == Protection::none)
      for (const auto guest : place.guests)
        replace_verdict(trees[guest], Verdict::open,
                        place.reason == mounted_reason ? Verdict::mounted : Verdict::no_protection);
}

void name_swap_files(const std::vector<Guest>& guests, Trees& trees) {
  const auto swaps = active_swap_files();
  for (std::size_t guest = 0; !swaps.empty() && guest < guests.size(); ++guest) {
    const auto dev = stat_fd(guests[guest].root.fd()).dev;
    for (std::uint32_t i = 0; i < trees[guest].files().size(); ++i) {
      auto& file = trees[guest].file(i);
      const auto is_it = [&](const Inode& swap) { return swap.dev == dev && swap.ino == file.ino; };
      if (file.verdict == Verdict::open && std::ranges::any_of(swaps, is_it)) file.verdict = Verdict::swap_file;
    }
  }
}

void name_other_mounts(const std::vector<Guest>& guests, const Places& places, Trees& trees) {
  std::map<FsId, std::set<std::uint64_t>> mounts_of_fs;
  for (const auto& guest : guests) mounts_of_fs[whole(guest.fs)].insert(guest.mount.id);
  for (const auto& place : places.all()) {
    if (place.on_other_mount && place.protection == Protection::none)
      for (const auto guest : place.guests) replace_verdict(trees[guest], Verdict::no_protection, Verdict::other_mount);
    if (place.guests.size() == 1 && mounts_of_fs[whole(guests[place.guests.front()].fs)].size() > 1)
      replace_verdict(trees[place.guests.front()], Verdict::no_twin, Verdict::other_mount);
  }
}

}  // namespace vunify
