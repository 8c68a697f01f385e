// SPDX-License-Identifier: Apache-2.0
// Where names can be linked: the guests of one filesystem and one mount, their common staging directory, and what
// protects the inodes they share.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "guest/guest.h"
#include "guest/staging.h"
#include "survey/scan.h"
#include "unify/protection.h"

namespace vunify {

struct Place {
  std::vector<std::uint32_t> guests;
  Protection protection = Protection::none;
  bool on_other_mount = false;       // no directory beside the guests is on their mount
  std::unique_ptr<Staging> staging;  // absent in a dry run, where there is no protection, and maybe under reflink
  std::string no_staging;            // why it is absent
  std::string reason;                // why the guests are left alone, where they are
};

// What guests of a place come to share.
enum class Sharing { inodes, data };
inline Sharing sharing_of(const Place& place) {
  return place.protection == Protection::reflink ? Sharing::data : Sharing::inodes;
}

// Every guest is in one place. Under reflink the places of one filesystem become one, whatever the mount or the
// subvolume. In a dry run nothing is made. Throws EWOULDBLOCK where another run holds a staging directory.
std::vector<Place> find_places(const std::vector<Guest>& guests, std::optional<Protection> wanted, bool dry_run);

// place_of[i]: index of guest i's place, or no_place (survey/candidates.h) where it is left alone.
std::vector<std::uint32_t> place_of_guests(const std::vector<Place>& places, std::size_t guests);

// Removes the staging directories, where nothing had to be kept in them.
void close_places(std::vector<Place>& places);

// Verdicts that follow from a guest's place: no_protection for files that could be candidates otherwise; other_mount,
// in place of no_twin, for a guest that is alone in its place while others are on the same filesystem.
void leave_unprotected(Scan& scan, const std::vector<std::uint32_t>& place_of);
void name_other_mounts(const std::vector<Guest>& guests, const std::vector<Place>& places, Scan& scan);

}  // namespace vunify
