// SPDX-License-Identifier: Apache-2.0
#include "tools/tagged_usage.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <filesystem>

#include "account/tagged.h"
#include "guest/adopted.h"
#include "host/xids.h"
#include "tools/choose.h"
#include "tools/named_guest.h"
#include "tools/text.h"

namespace vunify {
namespace {

std::uint32_t xid_of(const std::string& word, const HostGuests& host) {
  std::uint32_t xid = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), xid);
  if (error == std::errc() && end == word.data() + word.size()) return xid;
  if (word == "self") return 0;
  const auto& guest = find_named(word.starts_with(':') ? word.substr(1) : word, host);
  if (!guest.xid) throw Failed(Exit::usage, printable(word) + ": has no number yet");
  return *guest.xid;
}

bool is_in(const std::string& path, const std::string& root) { return path == root || path.starts_with(root + "/"); }

// Of the guest in whose tree it lies; 0 for the host's.
std::uint32_t place_of(const std::string& path, const HostGuests& host) {
  const HostGuest* innermost = nullptr;
  for (const auto& guest : host.guests) {
    const bool is_nearer = innermost == nullptr || guest.root.size() > innermost->root.size();
    if (!guest.root.empty() && is_in(path, guest.root) && is_nearer) innermost = &guest;
  }
  return innermost != nullptr ? innermost->xid.value_or(0) : 0;
}

std::string line_of(const TaggedOptions& options, const std::string& directory, const Tagged& sum) {
  std::string line = options.script ? "" : directory;
  const auto add = [&](std::uint64_t number) { line += (line.empty() ? "" : " ") + std::to_string(number); };
  if (options.space) add(sum.blocks * 512 / options.block);
  if (options.inodes) add(sum.inodes);
  return line + "\n";
}

}  // namespace

Exit tell_tagged(const TaggedOptions& options, const std::vector<std::string>& directories, const std::string& config,
                 const std::string& state_dir, const Stop& stop) {
  Options where;
  where.config = config;
  auto host = find_host_guests(where);
  show_xids(state_dir, host);
  const auto xid = xid_of(options.xid, host);
  bool is_whole = true;
  for (const auto& directory : directories) {
    try {
      const auto place = find_guest(directory, read_mounts());
      const auto sum =
          count_tagged(RootDir(place.root), xid, place_of(place.path, host), [&] { return stop.requested(); });
      if (stop.signal() != 0) return stop.signal() == SIGINT ? Exit::interrupted : Exit::terminated;
      print(line_of(options, directory, sum));
      is_whole &= sum.is_whole;
    } catch (const std::system_error& error) {
      complain(printable(directory) + ": " + error.code().message());
      is_whole = false;
    }
  }
  return is_whole ? Exit::done : Exit::partial;
}

}  // namespace vunify
