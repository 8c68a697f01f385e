// SPDX-License-Identifier: Apache-2.0
// Where names can be linked: the guests of one filesystem and one mount, their common staging directory, and what
// protects the inodes they share.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "change/protection.h"
#include "guest/guest.h"
#include "guest/staging.h"
#include "survey/candidates.h"

namespace vunify {

// What guests of a place come to share.
enum class Sharing { inodes, data };

struct Place {
  std::vector<std::uint32_t> guests;
  Mount mount{};  // of its guests and its staging, as it was when they were opened; none where data is shared
  Protection protection = Protection::none;
  bool is_adopted = false;             // its guests are: they share with none that are not, but under reflink
  bool on_other_mount = false;         // no directory beside the guests is on their mount
  std::optional<Inode> above{};        // the directory that staging is made in, where there is one
  std::shared_ptr<Staging> staging{};  // also of other places in the same directory; absent in a dry run, where there
                                       // is no protection, and maybe under reflink
  std::string no_staging{};            // why it is absent
  std::string reason{};                // why the guests are left alone, where they are

  Sharing sharing() const { return protection == Protection::reflink ? Sharing::data : Sharing::inodes; }
};

// Every guest is in one place, with others of its group that are to be protected as it is. Adopted ones
// (guest/adopted.h) are in places of their own, where `auto` is cow, and those that are left alone because a vcow shows
// them in others, where nothing is shared. Under reflink the places of one group and filesystem become one, whatever
// the mount or the subvolume.
class Places {
 public:
  // In a dry run nothing is made. Throws StagingInUse where another run holds a staging directory.
  Places(const std::vector<Guest>& guests, bool dry_run);

  std::vector<Place>& all() { return places_; }
  const std::vector<Place>& all() const { return places_; }
  std::uint32_t number_of(std::uint32_t guest) const { return number_of_[guest]; }
  const Place& of(std::uint32_t guest) const { return places_[number_of_[guest]]; }
  // Another place has its staging directory.
  bool shares_staging(std::uint32_t place) const;
  // For find_candidates(): the numbers of the guests' places, but no_place for guests that share nothing, or otherwise.
  std::vector<std::uint32_t> where(Sharing sharing) const;
  std::vector<std::uint32_t> where() const;  // of guests that share anything

  // Removes the staging directories, where nothing had to be kept in them.
  void close();

 private:
  std::vector<Place> places_;
  std::vector<std::uint32_t> number_of_;  // of each guest's
};

// Verdicts that follow from a guest's place: no_protection, or mounted, for files that could be candidates otherwise;
// other_mount,
// in place of no_twin, for a guest that is alone in its place while others are on the same filesystem.
void leave_unprotected(Trees& trees, const Places& places);
void name_other_mounts(const std::vector<Guest>& guests, const Places& places, Trees& trees);
// swap_file, for what could be a candidate otherwise: a lease is refused, but nobody has it open.
void name_swap_files(const std::vector<Guest>& guests, Trees& trees);

}  // namespace vunify
