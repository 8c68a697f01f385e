// SPDX-License-Identifier: Apache-2.0
// vcow umount: what umount(8) calls for a mount of vcow, which is busy for the kernel as long as it has islands.
#include <sys/mount.h>

#include <filesystem>

#include "fuse/unmount.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "tools/one_guest.h"
#include "tools/text.h"
#include "tools/vcow.h"
#include "tools/vcow_all.h"

namespace vunify {
namespace {

struct UmountOptions {
  std::string point;
  std::string config = "/etc/vservers";
  bool force = false, lazy = false, all = false;

  // For each of all.
  std::vector<std::string> words() const {
    std::vector<std::string> words = {"--config", config};
    if (force) words.emplace_back("--force");
    if (lazy) words.emplace_back("--lazy");
    return words;
  }
  int flags() const { return (force ? MNT_FORCE : 0) | (lazy ? MNT_DETACH : 0); }
};

UmountOptions parse_umount(int argc, char** argv) {
  UmountOptions options;
  std::vector<std::string> operands;
  CommandLine line("umount [options] GUEST|MOUNTPOINT | --all",
                   "Ends a mount of vcow, and what it shows natively; nothing while that is in use.");
  line.flag("--all", options.all, "every guest of this host that is adopted, or that fstab mounts with vcow");
  line.flag("-f,--force", options.force, "though the daemon does not answer");
  line.flag("-l,--lazy", options.lazy, "who has files open on vcow keeps them; natively nobody may be left");
  line.option("--config", "DIR", path_into(options.config),
              "where this host's guests are configured (default: /etc/vservers)");
  line.operands("GUEST|MOUNTPOINT", operands, "its name, or where it is seen");
  line.parse(argc, argv);
  if (options.all && !operands.empty()) throw Failed(Exit::usage, "--all takes no GUEST (see vcow umount --help)");
  if (options.all) return options;
  if (operands.size() != 1) throw Failed(Exit::usage, "umount takes GUEST or MOUNTPOINT (see vcow umount --help)");
  options.point =
      std::filesystem::absolute(root_named(operands.front(), options.config) + "/.").lexically_normal().parent_path();
  return options;
}

}  // namespace

Exit vcow_umount(int argc, char** argv) {
  const auto options = parse_umount(argc, argv);
  if (!is_root()) throw Failed(Exit::refused, "unmounting needs root");
  if (options.all) return umount_all({options.config, "/etc/fstab", options.words()});
  if (!is_vcow(options.point)) throw Failed(Exit::refused, printable(options.point) + ": not a mount of vcow");
  try {
    unmount_guest(options.point, options.flags());
  } catch (const std::system_error& error) {
    throw Failed(is_error(error, EBUSY) ? Exit::locked : Exit::refused, printable(error.what()));
  }
  return Exit::done;
}

}  // namespace vunify
