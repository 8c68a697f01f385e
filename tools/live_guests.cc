// SPDX-License-Identifier: Apache-2.0
#include "tools/live_guests.h"

#include <sstream>

#include "guest/live_guest.h"

namespace vunify {
namespace {

// fnmatch(3) takes what follows a backslash as it is.
std::string literal(const std::string& path) {
  std::string pattern;
  for (const char byte : path) {
    if (std::string_view("*?[\\").find(byte) != std::string_view::npos) pattern += '\\';
    pattern += byte;
  }
  return pattern;
}

// In front of the guest's own rules: none of them brings it back.
void leave_out_native(const std::string& native, GuestRules& rules) {
  auto exclude = std::make_shared<ExcludeList>();
  std::istringstream paths(native);
  for (std::string path; std::getline(paths, path, ',');) exclude->add("-" + literal(path), "native");
  if (rules.exclude) exclude->add(*rules.exclude);
  rules.exclude = std::move(exclude);
}

}  // namespace

void find_live(std::vector<Guest>& guests) {
  for (auto& guest : guests) {
    if (!guest.is_mounted || !guest.is_adopted()) continue;
    guest.live = LiveGuest::find(guest.root.fd());
    if (guest.live && !guest.live->native().empty()) leave_out_native(guest.live->native(), guest.rules);
  }
}

void tell_silent(const std::vector<Guest>& guests, Outcome& outcome) {
  for (const auto& guest : guests)
    if (guest.live && !guest.live->silence().empty()) outcome.failed.push_back({guest.name, "", guest.live->silence()});
}

}  // namespace vunify
