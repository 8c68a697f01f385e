// SPDX-License-Identifier: Apache-2.0
#include "tools/tagged_usage.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <csignal>
#include <filesystem>

#include "account/tagged.h"
#include "guest/adopted.h"
#include "sys/mount_tree.h"
#include "tools/numbers.h"
#include "tools/text.h"

namespace vunify {
namespace {

std::string line_of(const TaggedOptions& options, const std::string& directory, const Tagged& sum) {
  std::string line = options.script ? "" : directory;
  const auto add = [&](std::uint64_t number) { line += (line.empty() ? "" : " ") + std::to_string(number); };
  if (options.space) add(sum.blocks * 512 / options.block);
  if (options.inodes) add(sum.inodes);
  return line + "\n";
}

Tagged count_in(const std::string& directory, std::uint32_t xid, const HostGuests& host, const Stop& stop) {
  const auto mounts = read_mounts();
  const auto root = find_guest(path_beneath(directory, mounts), mounts).root;
  const Fd dir = open_host(root, O_RDONLY | O_DIRECTORY);
  const RootDir tree(root,
                     clone_tree(dir.get(), MS_NODEV | MS_NOATIME));  // guests that are mounted over themselves, too
  const auto number_at = [&](const std::string& path) -> std::uint32_t {
    const auto here = std::filesystem::path(tree.host_path()) / path;
    const auto* guest = guest_at(here, host);
    const bool is_point = guest != nullptr && here == guest->root && find_guest(here, mounts).is_adopted();
    return guest == nullptr || is_point ? 0 : guest->xid.value_or(0);
  };
  return count_tagged(tree, xid, number_at, [&] { return stop.requested(); });
}

}  // namespace

Exit tell_tagged(const TaggedOptions& options, const std::vector<std::string>& directories, const std::string& config,
                 const std::string& state_dir, const Stop& stop) {
  const auto host = find_numbered_guests(config, state_dir);
  const auto xid = xid_of(options.xid, host);
  bool is_whole = true;
  for (const auto& directory : directories) {
    try {
      const auto sum = count_in(directory, xid, host, stop);
      if (stop.signal() != 0) return stop.signal() == SIGINT ? Exit::interrupted : Exit::terminated;
      print(line_of(options, directory, sum));
      if (sum.others > 0)
        complain(printable(directory) + ": " + std::to_string(sum.others) +
                 " files or directories carry another number than their guest's: see vdu --check-tags");
      is_whole &= sum.is_whole;
    } catch (const std::system_error& error) {
      complain(printable(directory) + ": " + error.code().message());
      is_whole = false;
    }
  }
  return is_whole ? Exit::done : Exit::partial;
}

}  // namespace vunify
