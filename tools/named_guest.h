// SPDX-License-Identifier: Apache-2.0
// What a guest of this host is called, and which one a word means.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "host/host_guest.h"

namespace vunify {

// "name", or "provider:name" where guests of two providers have the name.
template <typename Guest>
std::string name_among(const Guest& guest, const std::vector<Guest>& all) {
  const auto uses = std::ranges::count(all, guest.name, &Guest::name);
  return uses > 1 ? guest.provider + ":" + guest.name : guest.name;
}

// "name", "provider:name", or another name that it has. Throws Failed{usage} where no guest, or more than one, is
// called so, after a line for each mistake that may be why.
const HostGuest& find_named(const std::string& word, const HostGuests& host);
// Null where none is.
const HostGuest* seek_named(const std::string& word, const HostGuests& host);

}  // namespace vunify
