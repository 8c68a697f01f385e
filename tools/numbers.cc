// SPDX-License-Identifier: Apache-2.0
#include "tools/numbers.h"

#include <algorithm>
#include <charconv>

#include "guest/adopted.h"
#include "host/xids.h"
#include "tools/choose.h"
#include "tools/named_guest.h"
#include "tools/text.h"

namespace vunify {
namespace {

bool is_in(const std::string& path, const std::string& root) { return path == root || path.starts_with(root + "/"); }

}  // namespace

HostGuests find_numbered_guests(const std::string& config, const std::string& state_dir) {
  auto host = find_host_guests(config);
  try {
    show_xids(state_dir, host);
  } catch (const std::system_error& error) {
    if (!is_error(error, EACCES)) throw;
    throw Failed(Exit::refused, printable(error.what()) + ": guests' numbers are root's to read");
  }
  return host;
}

std::uint32_t xid_of(const std::string& word, const HostGuests& host) {
  std::uint32_t xid = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), xid);
  if (error == std::errc() && end == word.data() + word.size()) return xid;
  if (word == "self") return 0;
  const auto& guest = find_named(word.starts_with(':') ? word.substr(1) : word, host);
  if (!guest.xid) throw Failed(Exit::usage, printable(word) + ": has no number yet");
  return *guest.xid;
}

const HostGuest* guest_at(const std::string& path, const HostGuests& host) {
  const HostGuest* innermost = nullptr;
  for (const auto& guest : host.guests) {
    if (guest.root.empty() || !(is_in(path, guest.root) || is_in(path, adopted_path(guest.root)))) continue;
    if (innermost == nullptr || guest.root.size() > innermost->root.size()) innermost = &guest;
  }
  return innermost;
}

std::string name_of(std::uint32_t xid, const HostGuests& host) {
  const auto found = std::ranges::find(host.guests, xid, &HostGuest::xid);
  return found != host.guests.end() ? name_among(*found, host.guests) : std::to_string(xid);
}

}  // namespace vunify
