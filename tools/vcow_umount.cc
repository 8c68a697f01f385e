// SPDX-License-Identifier: Apache-2.0
// vcow umount: what umount(8) calls for a mount of vcow, which is busy for the kernel as long as it has islands.
#include <sys/mount.h>

#include <filesystem>

#include "fuse/unmount.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "tools/text.h"
#include "tools/vcow.h"

namespace vunify {
namespace {

struct Options {
  std::string point;
  bool force = false, lazy = false;

  int flags() const { return (force ? MNT_FORCE : 0) | (lazy ? MNT_DETACH : 0); }
};

Options parse(int argc, char** argv) {
  Options options;
  std::vector<std::string> operands;
  CommandLine line("umount [options] MOUNTPOINT",
                   "Ends a mount of vcow, and what it shows natively; nothing while that is in use.");
  line.flag("-f,--force", options.force, "though the daemon does not answer");
  line.flag("-l,--lazy", options.lazy, "who has files open on vcow keeps them; natively nobody may be left");
  line.operands("MOUNTPOINT", operands, "where the guest is seen");
  line.parse(argc, argv);
  if (operands.size() != 1) throw Failed(Exit::usage, "umount takes MOUNTPOINT (see vcow umount --help)");
  options.point = std::filesystem::absolute(operands.front() + "/.").lexically_normal().parent_path();
  return options;
}

}  // namespace

Exit vcow_umount(int argc, char** argv) {
  const auto options = parse(argc, argv);
  if (!is_root()) throw Failed(Exit::refused, "unmounting needs root");
  if (!is_vcow(options.point)) throw Failed(Exit::refused, printable(options.point) + ": not a mount of vcow");
  try {
    unmount_guest(options.point, options.flags());
  } catch (const std::system_error& error) {
    throw Failed(is_error(error, EBUSY) ? Exit::locked : Exit::refused, printable(error.what()));
  }
  return Exit::done;
}

}  // namespace vunify
