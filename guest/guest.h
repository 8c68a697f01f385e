// SPDX-License-Identifier: Apache-2.0
// A guest: its number, its tree, the filesystem the tree lies on, and the rules by which it is unified.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "guest/guest_rules.h"
#include "sys/inode.h"
#include "sys/mount.h"
#include "sys/root_dir.h"

namespace vunify {

class LiveGuest;

// Where a guest is said to be.
struct GuestRoot {
  std::string path;
  std::string name{};  // as its configuration has it; empty: a directory given by hand
  std::optional<std::uint32_t> xid{};
  GuestRules rules{};
};

struct Guest {
  std::string name;  // where it was told none: the last component of its path, or all of it where two would be alike
  std::optional<std::uint32_t> xid;
  RootDir root;
  FsId fs;
  Mount mount;
  std::string
      adopted_from{};       // where vcow shows it (guest/adopted.h); empty: it is not adopted, its root is what it is
  bool is_mounted = false;  // vcow shows it now: its files are not ours to touch
  std::shared_ptr<const LiveGuest> live{};  // but by asking its daemon, where there is one to be asked
  GuestRules rules{};
  std::uint32_t root_tag = 0;  // what its root carries (guest/tag.h)

  bool is_left_alone() const { return is_mounted && !live; }
  bool is_adopted() const { return !adopted_from.empty(); }
  // What its own files may carry; 0: none. A root that carries another number than the guest's is not believed.
  std::uint32_t tag() const { return xid.value_or(root_tag) == root_tag ? root_tag : 0; }
  // As its admin knows it.
  const std::string& path() const { return is_adopted() ? adopted_from : root.host_path(); }
};

// Why a directory cannot be a guest of this run.
struct Refusal {
  std::string path;
  std::string reason;
  bool unknown = false;  // whether it can be one is not to be known from here
  bool for_now = false;  // what is mounted now stands against it: others need not wait for it
};

std::optional<Refusal> refusal(const std::string& path, std::string reason);

struct OpenedGuests {
  std::vector<Guest> guests;  // in the order of their paths
  std::vector<Refusal> refused;
};

// Opens each path, resolved once on the host's side, as a guest's root; of an adopted guest, the root that lies
// elsewhere (guest/adopted.h), locked against a vcow that would begin meanwhile. Refused are: what is no directory or
// cannot be opened, a root whose mount is not told (sys/mount.h), or not enough of it to compare it with the others, a
// root whose filesystem has the UUID of another that is mounted and named (a cloned disk), a root named twice (also
// through a bind mount), a root inside another, and an overlay mount or a layer of a mounted one, in whichever mount
// namespace, whose files the kernel expects to stay as they are (Documentation/filesystems/overlayfs.rst, "Changes to
// underlying filesystems"). Nothing is changed.
OpenedGuests open_guests(std::vector<GuestRoot> roots);
OpenedGuests open_guests(const std::vector<std::string>& paths);

// For what no guest may reach: refused where path, or a directory on the way to it, is one of the roots or inside it,
// also by way of a symlink or a bind mount. path need not be there yet.
std::optional<Refusal> expect_outside(const std::string& path, const std::vector<std::string>& roots);

// The guests between which names can be linked: of one filesystem, seen through one mount. Indices into guests. Where
// most are comes first, and of as many the first path: of a filesystem's mounts only one can have its staging.
std::vector<std::vector<std::uint32_t>> guests_by_mount(const std::vector<Guest>& guests);

}  // namespace vunify
