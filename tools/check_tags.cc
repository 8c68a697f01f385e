// SPDX-License-Identifier: Apache-2.0
#include "tools/check_tags.h"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>

#include "account/wrong_tags.h"
#include "guest/adopted.h"
#include "sys/terminal.h"
#include "tools/named_guest.h"
#include "tools/numbers.h"
#include "tools/text.h"

namespace vunify {
namespace {

std::string reason_of(const WrongTag& wrong, const HostGuest& guest, const HostGuests& host) {
  if (wrong.is_passed_on) return "passes it on: chxid --repair";
  if (wrong.is_shared) return "is shared, and nobody's: vunify takes it off";
  if (wrong.project == 0) return "carries none";
  const auto whose = name_of(wrong.project, host);
  return whose == name_among(guest, host.guests) ? "its root carries none" : "is " + whose + "'s";
}

}  // namespace

Exit check_tags(const std::string& name, const std::string& config, const std::string& state_dir, const Stop& stop) {
  const auto host = find_numbered_guests(config, state_dir);
  const auto& guest = find_named(name, host);
  if (!guest.xid) throw Failed(Exit::usage, printable(name) + ": has no number yet");
  const RootDir tree(find_guest(guest.root, read_mounts()).root);
  const auto found = find_wrong_tags(tree, *guest.xid, [&] { return stop.requested(); });
  if (stop.signal() != 0) return stop.signal() == SIGINT ? Exit::interrupted : Exit::terminated;
  for (const auto& wrong : found.wrong) {
    const auto path = wrong.path.empty() ? guest.root : join_path(guest.root, wrong.path);
    print(fmt::format("{:>10}  {}  {}\n", wrong.project, terminal_columns(STDOUT_FILENO) ? printable(path) : path,
                      reason_of(wrong, guest, host)));
  }
  if (!found.is_whole) complain(printable(guest.root) + ": not all of it could be read");
  return found.wrong.empty() && found.is_whole ? Exit::done : Exit::partial;
}

}  // namespace vunify
