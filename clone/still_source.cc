// SPDX-License-Identifier: Apache-2.0
#include "clone/still_source.h"

#include <filesystem>

#include "guest/adopted.h"
#include "sys/process_roots.h"

namespace vunify {
namespace {

// systemd-nspawn takes two locks (image_path_lock() of systemd's discover-image.c), and begins with neither missing:
// this one leaves nothing beside the guest.
constexpr auto nspawn_locks = "/run/systemd/nspawn/locks";

std::optional<LockFile> take_nspawn_lock(const Inode& root) {
  std::filesystem::create_directories(nspawn_locks);
  return LockFile::take(std::string(nspawn_locks) + "/inode-" + std::to_string(root.dev) + ":" +
                        std::to_string(root.ino));
}

}  // namespace

StillSource::StillSource(const Guest& guest, bool runs, bool lock)
    : guest_(guest),
      runs_(runs),
      lock_(lock ? take_nspawn_lock(stat_fd(guest.root.fd())) : std::nullopt),
      is_locked_elsewhere_(lock && !lock_) {}

std::string StillSource::why_not() const {
  if (guest_.is_mounted) return "a vcow shows it";
  if (const auto process = process_beneath(guest_.root.host_path()))
    return "process " + std::to_string(*process) + " lives or works in it";
  if (runs_) return "it runs, or is mounted elsewhere";
  return is_locked_elsewhere_ ? "systemd-nspawn has it locked" : "";
}

}  // namespace vunify
