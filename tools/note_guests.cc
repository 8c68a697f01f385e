// SPDX-License-Identifier: Apache-2.0
#include "tools/note_guests.h"

#include <algorithm>

#include "host/off_list.h"
#include "host/xids.h"
#include "tools/cli.h"
#include "tools/text.h"

namespace vunify {
namespace {

// Of the roots that were chosen by name, whose they are; nullptr for a directory.
const HostGuest* guest_of(const GuestRoot& root, const HostGuests& host) {
  const auto found = std::ranges::find(host.guests, root.path, &HostGuest::root);
  return root.name.empty() || found == host.guests.end() ? nullptr : &*found;
}

void leave_out_refused(Choice& choice, std::size_t mistakes_before, Outcome& outcome) {
  for (auto i = mistakes_before; i < choice.host.mistakes.size(); ++i)
    outcome.failed.push_back({"", place_of(choice.host.mistakes[i]), choice.host.mistakes[i].reason});
  std::erase_if(choice.roots,
                [&](const GuestRoot& root) { return !root.name.empty() && guest_of(root, choice.host) == nullptr; });
}

OffList read_off_list(const StateDir& state) {
  try {
    return OffList(state.path());
  } catch (const std::runtime_error& damage) {
    throw Failed(Exit::fatal, one_line(damage.what()));
  }
}

}  // namespace

void give_numbers(const Options& options, Choice& choice, const StateDir* state, Outcome& outcome) {
  if (choice.host.guests.empty()) return;
  const auto mistakes = choice.host.mistakes.size();
  try {
    if (state != nullptr)
      give_xids(*state, options.config, choice.host);
    else
      show_xids(options.state_dir, choice.host);
  } catch (const std::runtime_error& damage) {
    throw Failed(Exit::fatal, one_line(damage.what()));
  }
  leave_out_refused(choice, mistakes, outcome);
  for (auto& root : choice.roots)
    if (const auto* guest = guest_of(root, choice.host)) root.xid = guest->xid;
}

void note_who_is_off(const Options& options, const Choice& choice, const std::vector<Guest>& guests,
                     const StateDir* state) {
  if (state == nullptr || choice.host.guests.empty()) return;
  auto off = read_off_list(*state);
  for (const auto& root : choice.roots) {
    const auto* known = guest_of(root, choice.host);
    const auto is_it = [&root](const Guest& guest) { return guest.path() == root.path; };
    if (known == nullptr || std::ranges::none_of(guests, is_it)) continue;
    options.verb == Verb::deunify ? off.set_off(*known) : off.set_on(*known);
  }
  off.keep(*state);
}

}  // namespace vunify
