// SPDX-License-Identifier: Apache-2.0
// Who has names on a filesystem: its guests, all that are known, and "(host)": whatever lies on it and in none of them,
// `.vunify` and what is beneath a mount point included. Each is seen through a mount of its own, on which nothing else
// is mounted and no device is opened.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "account/usage.h"
#include "guest/guest.h"
#include "sys/mount.h"
#include "sys/root_dir.h"

namespace vunify {

struct Holder {
  std::string name;
  std::optional<std::uint32_t> xid;
  std::string path;  // where its admin sees it; of "(host)", where the filesystem is mounted
  RootDir tree;
  Inode root;
};

struct HeldFilesystem {
  FsId fs;                      // of btrfs all subvolumes are one: subvolume is 0
  Mount mount;                  // of its topmost directory that is mounted anywhere
  std::vector<Holder> holders;  // guests by xid, those without behind them, by name; then "(host)"

  bool shares_data() const { return mount.type == "xfs" || mount.type == "btrfs"; }
};

struct OpenedHolders {
  std::vector<HeldFilesystem> filesystems;  // in the order of their mount points
  std::vector<Refusal> refused;             // those that cannot be opened: their names count as the host's
};

// Guests with one root, by whatever path, are one: the first. Needs CAP_SYS_ADMIN.
OpenedHolders open_holders(const std::vector<GuestRoot>& guests);

}  // namespace vunify
