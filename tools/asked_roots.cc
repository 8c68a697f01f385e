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

HeldInode inode_of(const std::string& path, const std::vector<Mount>& mounts) {
  const auto inode = stat_fd(open_host(find_guest(path, mounts).root, O_RDONLY | O_DIRECTORY).get());
  return {inode.dev, inode.ino};
}

GuestRoot root_of(const HostGuest& guest, const HostGuests& host) {
  return {.path = guest.root, .name = name_among(guest, host.guests), .xid = guest.xid, .rules = {}};
}

HostGuests find_known(const UsageOptions& options, bool& is_whole) {
  Options where;
  where.config = options.config;
  auto host = find_host_guests(where);
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
    const bool is_directory = is_directory_word(word);
    auto root = is_directory ? GuestRoot{.path = word, .name = word, .xid = {}, .rules = {}}
                             : root_of(find_named(word, host), host);
    try {
      roots.inodes.push_back(inode_of(root.path, mounts));
    } catch (const std::system_error& error) {
      throw Failed(Exit::usage, printable(word) + ": " + error.code().message());
    }
    if (is_directory) roots.known.push_back(root);
    roots.asked.push_back(std::move(root));
  }
  return roots;
}

}  // namespace vunify
