// SPDX-License-Identifier: Apache-2.0
#include "unify/place.h"

#include <fcntl.h>

#include <map>
#include <tuple>

#include "hashindex/candidates.h"

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

Protection guess(const std::vector<const Guest*>& members, std::optional<Protection> wanted) {
  const auto parent = std::string(split_path(staging_path(members)).parent);
  return guess_protection(open_host(parent.empty() ? "/" : parent, O_RDONLY | O_DIRECTORY).get(), wanted);
}

void settle(Place& place, const std::vector<Guest>& guests, std::optional<Protection> wanted, bool dry_run) {
  const auto members = guests_of(place, guests);
  try {
    if (dry_run) {
      place.protection = guess(members, wanted);
    } else {
      place.staging = std::make_unique<Staging>(members);
      place.protection = choose_protection(place.staging->fd(), wanted);
    }
    if (place.protection == Protection::none) place.reason = what_would_help(members.front()->mount.type);
  } catch (const std::system_error& error) {
    if (is_error(error, EWOULDBLOCK)) throw;
    place.reason = error.what();
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
    settle(place, guests, wanted, dry_run);
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
  for (auto& place : places)
    if (place.staging) place.staging->remove_if_empty();
}

void leave_unprotected(Scan& scan, const std::vector<std::uint32_t>& place_of) {
  for (std::size_t guest = 0; guest < place_of.size(); ++guest)
    if (place_of[guest] == no_place) replace_verdict(scan.trees[guest], Verdict::shared, Verdict::no_protection);
}

void name_other_mounts(const std::vector<Guest>& guests, const std::vector<Place>& places, Scan& scan) {
  std::map<FsId, std::size_t> places_of_fs;
  for (const auto& place : places) ++places_of_fs[whole(guests[place.guests.front()].fs)];
  for (const auto& place : places)
    if (place.guests.size() == 1 && places_of_fs[whole(guests[place.guests.front()].fs)] > 1)
      replace_verdict(scan.trees[place.guests.front()], Verdict::no_twin, Verdict::other_mount);
}

}  // namespace vunify
