// SPDX-License-Identifier: Apache-2.0
#include "tools/list_guests.h"

#include <map>

#include "host/off_list.h"
#include "host/who_runs.h"
#include "host/xids.h"
#include "tools/choose.h"
#include "tools/list.h"
#include "tools/text.h"
#include "unify/place.h"

namespace vunify {
namespace {

struct Protected {
  std::string how;
  std::string why;
};

std::string why_protected(const Place& place, const Guest& guest) {
  if (!place.reason.empty()) return place.reason;
  return guest.rules.protect ? "configured" : "auto";
}

// By their roots: what would keep them apart now. Those that cannot be opened are told why.
std::map<std::string, Protected> find_protections(const Options& options, const HostGuests& host) {
  std::map<std::string, Protected> found;
  auto opened = open_guests(roots_of_all(options, host));
  for (const auto& refusal : opened.refused) found[refusal.path] = {"", refusal.reason};
  if (opened.guests.empty()) return found;
  const Places places(opened.guests, true);
  for (std::uint32_t i = 0; i < opened.guests.size(); ++i) {
    const auto& place = places.of(i);
    found[opened.guests[i].path()] = {std::string(name_of(place.protection)), why_protected(place, opened.guests[i])};
  }
  return found;
}

std::vector<ListedGuest> gather(const Options& options, const HostGuests& host) {
  std::vector<std::string> roots;
  for (const auto& guest : host.guests) roots.push_back(guest.root);
  const auto runs = who_runs(roots);
  const OffList off(options.state_dir);
  const auto protections = find_protections(options, host);
  std::vector<ListedGuest> listed;
  for (std::size_t i = 0; i < host.guests.size(); ++i) {
    const auto& guest = host.guests[i];
    ListedGuest one{.provider = guest.provider, .name = guest.name, .root = guest.root, .xid = guest.xid};
    one.is_running = runs[i];
    one.is_off = off.is_off(guest);
    one.left_alone = guest.left_alone;
    one.no_links = guest.no_links;
    one.also_known = guest.also_known;
    const auto protection = protections.find(guest.root);
    if (protection != protections.end() && guest.left_alone.empty())
      one.protection = protection->second.how, one.protection_reason = protection->second.why;
    listed.push_back(std::move(one));
  }
  return listed;
}

}  // namespace

Exit tell_guests(const Options& options) {
  auto host = find_host_guests(options);
  show_xids(options.state_dir, host);
  const auto listed = gather(options, host);
  print(options.json ? list_json(listed) : list_text(listed));
  for (const auto& mistake : host.mistakes) complain(printable(place_of(mistake)) + ": " + one_line(mistake.reason));
  return host.mistakes.empty() ? Exit::done : Exit::partial;
}

}  // namespace vunify
