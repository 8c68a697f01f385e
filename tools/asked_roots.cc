// SPDX-License-Identifier: Apache-2.0
#include "tools/asked_roots.h"

#include <fcntl.h>

#include "guest/adopted.h"
#include "host/xids.h"
#include "tools/choose.h"
#include "tools/cli.h"
#include "tools/named_guest.h"
#include "tools/text.h"

namespace vunify {
namespace {

// What vcow shows is a filesystem of its own, and its sums are nobody's.
HeldInode inode_of(const GuestRoot& root, const std::vector<Mount>& mounts) {
  const Fd dir = open_host(find_guest(root.path, mounts).root, O_RDONLY | O_DIRECTORY);
  const auto mount = find_mount(mounts, dir.get());
  if (is_directory_word(root.name) && mount && mount->type == vcow_type)
    throw Failed(Exit::usage,
                 printable(root.name) + ": vcow shows it here, and its tree lies elsewhere: name the guest");
  const auto inode = stat_fd(dir.get());
  return {inode.dev, inode.ino};
}

GuestRoot root_of(const HostGuest& guest, const HostGuests& host) {
  return {.path = guest.root, .name = name_among(guest, host.guests), .xid = guest.xid, .rules = {}};
}

GuestRoot asked_root(const std::string& word, const HostGuests& host, const std::vector<Mount>& mounts) {
  if (!is_directory_word(word)) return root_of(find_named(word, host), host);
  return {.path = path_beneath(word, mounts), .name = word, .xid = {}, .rules = {}};
}

HostGuests find_known(const UsageOptions& options, bool& is_whole) {
  auto host = find_host_guests(options.config);
  show_xids(options.state_dir, host);
  for (const auto& mistake : host.mistakes) {
    if (!options.all) continue;
    complain(printable(place_of(mistake)) + ": " + one_line(mistake.reason));
    is_whole = false;
  }
  return host;
}

}  // namespace

AskedRoots find_asked_roots(const UsageOptions& options) {
  AskedRoots roots;
  const auto host = find_known(options, roots.is_whole);
  for (const auto& guest : host.guests)
    if (!guest.root.empty()) roots.known.push_back(root_of(guest, host));
  if (options.all) roots.asked = roots.known;
  const auto mounts = read_mounts();
  for (const auto& word : options.guests) {
    try {
      const auto root = asked_root(word, host, mounts);
      roots.inodes.push_back(inode_of(root, mounts));
      if (is_directory_word(word)) roots.known.push_back(root);
      roots.asked.push_back(root);
    } catch (const std::system_error& error) {
      throw Failed(Exit::usage, printable(word) + ": " + error.code().message());
    }
  }
  return roots;
}

}  // namespace vunify
