// SPDX-License-Identifier: Apache-2.0
#include "tools/clone_names.h"

#include <filesystem>
#include <stdexcept>

#include "tools/cli.h"
#include "tools/one_guest.h"
#include "tools/options.h"
#include "tools/text.h"

namespace vunify {
namespace {

// Beside the first, as its provider keeps guests.
NewGuest place_by_name(const CloneNames& names) {
  if (!names.known)
    throw Failed(Exit::usage, printable(names.name) +
                                  ": a guest that is named by its directory is cloned to a directory: it has a slash");
  try {
    return place_new_guest(*names.known, names.name);
  } catch (const std::invalid_argument& error) {
    throw Failed(Exit::refused, printable(names.name) + ": " + error.what());
  }
}

// Another guest's root is no place that a guest could write to, but one that is taken.
std::string place_by_path(const std::string& word) {
  auto path = resolve_new(word);
  if (std::filesystem::exists(std::filesystem::symlink_status(path)))
    throw Failed(Exit::refused, printable(path) + ": is there already");
  return path;
}

}  // namespace

CloneNames find_clone_names(const std::string& guest, const std::string& fresh, const std::string& config) {
  CloneNames names;
  if (!is_directory_word(guest)) names.known = find_host_guest(guest, config);
  names.root = names.known ? names.known->root : guest;
  if (is_directory_word(fresh)) {
    names.fresh.path = place_by_path(fresh);
    return names;
  }
  names.name = fresh;
  names.fresh = place_by_name(names);
  return names;
}

}  // namespace vunify
