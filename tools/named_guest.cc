// SPDX-License-Identifier: Apache-2.0
#include "tools/named_guest.h"

#include <algorithm>

#include "tools/choose.h"
#include "tools/text.h"

namespace vunify {
namespace {

// name: "provider:name".
bool is_name(const std::string& word, const std::string& name) { return name == word || name.ends_with(":" + word); }

}  // namespace

const HostGuest* seek_named(const std::string& word, const HostGuests& host) {
  const auto is_so_named = [&](const HostGuest& guest) {
    return name_among(guest, host.guests) == word || guest.provider + ":" + guest.name == word ||
           std::ranges::any_of(guest.also_known, [&](const std::string& other) { return is_name(word, other); });
  };
  const auto found = std::ranges::find_if(host.guests, is_so_named);
  return found != host.guests.end() ? &*found : nullptr;
}

const HostGuest& find_named(const std::string& word, const HostGuests& host) {
  if (const auto* found = seek_named(word, host)) return *found;
  for (const auto& mistake : host.mistakes) complain(printable(place_of(mistake)) + ": " + one_line(mistake.reason));
  const bool is_ambiguous = std::ranges::find(host.guests, word, &HostGuest::name) != host.guests.end();
  throw Failed(Exit::usage,
               printable(word) + (is_ambiguous ? ": several providers have such a guest: see vunify --list"
                                               : ": no guest of this name (vunify --list); a directory has a slash"));
}

}  // namespace vunify
