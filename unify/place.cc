// SPDX-License-Identifier: Apache-2.0
#include "unify/place.h"

#include <map>
#include <tuple>

#include "survey/candidates.h"
#include "sys/clone.h"

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
void decide_without_staging(Place& place, const Guest& guest, std::optional<Protection> wanted,
                            const std::system_error& error) {
  place.on_other_mount = is_error(error, EXDEV);
  place.reason = place.no_staging = error.what();
  if (place.on_other_mount) place.reason += "; data can be shared across mounts on XFS and btrfs (--protect=reflink)";
  if (wanted && *wanted != Protection::reflink) return;
  try {
    if (!has_reflink(guest.root.fd())) return;
    place.protection = Protection::reflink;
    place.reason.clear();
  } catch (const std::system_error&) {
    return;  // read-only, say: the first reason stands
  }
}

void decide(Place& place, const std::vector<Guest>& guests, std::optional<Protection> wanted, bool dry_run) {
  const auto members = guests_of(place, guests);
  try {
    if (dry_run) {
      place.protection = guess_protection(open_staging_parent(members).get(), wanted);
    } else {
      place.staging = std::make_unique<Staging>(members);
      place.protection = choose_protection(place.staging->fd(), wanted);
    }
    if (place.protection == Protection::none) place.reason = what_would_help(members.front()->mount.type);
  } catch (const std::system_error& error) {
    if (is_error(error, EWOULDBLOCK)) throw;
    decide_without_staging(place, *members.front(), wanted, error);
  }
  if (place.staging && !place.reason.empty()) {
    place.staging->remove_if_empty();
    place.staging.reset();
  }
}

// Data is shared by descriptor: it needs neither names nor staging, and no common mount.
std::vector<Place> by_filesystem(std::vector<Place> places, const std::vector<Guest>& guests) {
  std::map<FsId, Place> merged;
  std::vector<Place> result;
  for (auto& place : places) {
    if (place.protection != Protection::reflink) {
      result.push_back(std::move(place));
      continue;
    }
    auto& target = merged[whole(guests[place.guests.front()].fs)];
    target.protection = Protection::reflink;
    target.guests.insert(target.guests.end(), place.guests.begin(), place.guests.end());
    if (!target.staging) target.staging = std::move(place.staging);
    if (place.staging) place.staging->remove_if_empty();
  }
  for (auto& [fs, place] : merged) result.push_back(std::move(place));
  return result;
}

}  // namespace

std::vector<Place> find_places(const std::vector<Guest>& guests, std::optional<Protection> wanted, bool dry_run) {
  std::map<std::tuple<FsId, std::uint64_t>, Place> by_mount;
  for (std::uint32_t i = 0; i < guests.size(); ++i) by_mount[{guests[i].fs, guests[i].mount.id}].guests.push_back(i);
  std::vector<Place> places;
  for (auto& [key, place] : by_mount) {
    decide(place, guests, wanted, dry_run);
    places.push_back(std::move(place));
  }
  return by_filesystem(std::move(places), guests);
}

std::vector<std::uint32_t> place_of_guests(const std::vector<Place>& places, std::size_t guests) {
  std::vector<std::uint32_t> place_of(guests, no_place);
  for (std::uint32_t p = 0; p < places.size(); ++p)
    for (const auto guest : places[p].guests)
      if (places[p].protection != Protection::none) place_of[guest] = p;
  return place_of;
}

void close_places(std::vector<Place>& places) {
  for (auto& place : places) {
    if (place.staging) place.staging->remove_if_empty();
    place.staging.reset();  // an open directory keeps its block, and df would miss it
  }
}

void leave_unprotected(Scan& scan, const std::vector<std::uint32_t>& place_of) {
  for (std::size_t guest = 0; guest < place_of.size(); ++guest)
    if (place_of[guest] == no_place) replace_verdict(scan.trees[guest], Verdict::shared, Verdict::no_protection);
}

void name_other_mounts(const std::vector<Guest>& guests, const std::vector<Place>& places, Scan& scan) {
  std::map<FsId, std::size_t> places_of_fs;
  for (const auto& place : places) ++places_of_fs[whole(guests[place.guests.front()].fs)];
  for (const auto& place : places) {
    if (place.on_other_mount && place.protection == Protection::none)
      for (const auto guest : place.guests)
        replace_verdict(scan.trees[guest], Verdict::no_protection, Verdict::other_mount);
    if (place.guests.size() == 1 && places_of_fs[whole(guests[place.guests.front()].fs)] > 1)
      replace_verdict(scan.trees[place.guests.front()], Verdict::no_twin, Verdict::other_mount);
  }
}

}  // namespace vunify
