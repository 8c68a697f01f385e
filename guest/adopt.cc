// SPDX-License-Identifier: Apache-2.0
#include "guest/adopt.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>

#include "guest/adopted.h"
#include "guest/marked_file.h"
#include "guest/staging.h"
#include "guest/trusted_directory.h"
#include "sys/directory.h"
#include "sys/inode_attr.h"
#include "sys/process_roots.h"

namespace vunify {
namespace {

std::string parent_of(const std::string& path) {
  const std::string parent(split_path(path).parent);
  return parent.empty() ? "/" : parent;
}

// The two directories that a guest moves between, held open.
struct Doors {
  explicit Doors(const std::string& path)
      : leaf(split_path(path).leaf), outer(open_trusted(parent_of(path))), inner(open_inner(path)) {}
  // Where no guest is left in it, the directory that they are kept in goes.
  ~Doors() {
    try {
      remove_empty_directory(outer.get(), adopted_leaf);
    } catch (const std::system_error&) {  // the next one to adopt a guest takes it
    }
  }
  Doors(const Doors&) = delete;

  void exchange() const { exchange_directories(outer.get(), leaf, inner.get(), leaf); }
  void sync() const { sync_filesystem(outer.get(), leaf); }
  void remove_prepared() const { remove_empty_directory(inner.get(), leaf); }

  std::string leaf;
  Fd outer, inner;

 private:
  Fd open_inner(const std::string& path) const {
    make_private_directory(outer.get(), adopted_leaf);
    return open_private(outer.get(), adopted_leaf, std::string(split_path(adopted_path(path)).parent));
  }
};

void set_immutable(const Doors& doors, bool immutable) {
  const Fd point = open_directory_at(doors.outer.get(), doors.leaf, doors.leaf);
  change_inode_flags(point.get(), immutable ? FS_IMMUTABLE_FL : 0, immutable ? 0 : FS_IMMUTABLE_FL);
}

std::optional<Refusal> expect_nobody(const std::string& tree, const std::string& path) {
  const auto process = process_beneath(tree);
  if (!process) return std::nullopt;
  return refusal(path, "process " + std::to_string(*process) + " lives or works in it: stop the guest first");
}

std::optional<Refusal> expect_no_mounts(const std::string& path, const std::vector<Mount>& mounts) {
  for (const auto& mount : mounts) {
    if (mount.point == path) return refusal(path, "is a mount point: name a directory of the filesystem itself");
    if (mount.point.starts_with(path + "/")) return refusal(path, mount.point + " is mounted in it: unmount it first");
  }
  return std::nullopt;
}

std::optional<Refusal> expect_adoptable(const std::string& path, const std::vector<Mount>& mounts) {
  const auto leaf = split_path(path).leaf;
  if (leaf.empty()) return refusal(path, "is the host's root");
  if (leaf.starts_with('.')) return refusal(path, "begins with a dot: such names beside adopted guests are ours");
  if (auto refusal = expect_no_mounts(path, mounts)) return refusal;
  if (auto refusal = expect_no_other_guest(path)) return refusal;
  return expect_nobody(path, path);
}

// What would change places with the root: nothing but an empty directory.
std::optional<Refusal> prepare(const Doors& doors, const std::string& path) {
  make_private_directory(doors.inner.get(), doors.leaf);
  const auto there = stat_name(doors.inner.get(), doors.leaf.c_str());
  const bool is_ours = there && there->is_directory() &&
                       list_names(open_directory_at(doors.inner.get(), doors.leaf, path).get()).empty();
  return is_ours ? std::nullopt : refusal(adopted_path(path), "is in the way: it is not an empty directory");
}

void take_back(const Doors& doors) {
  doors.exchange();
  doors.remove_prepared();
}

// Somebody may have put something else there, or started the guest, in the last moment.
std::optional<Refusal> settle(const Doors& doors, const std::string& path, std::uint64_t root) {
  const auto moved = stat_name(doors.inner.get(), doors.leaf.c_str());
  if (!moved || moved->ino != root) return refusal(path, "was replaced meanwhile");
  auto refusal = expect_nobody(adopted_path(path), path);
  if (!refusal) set_immutable(doors, true);
  return refusal;
}

std::optional<Refusal> move_in(const Doors& doors, const std::string& path, std::uint64_t root) {
  try {
    doors.exchange();
  } catch (const std::system_error&) {
    doors.remove_prepared();
    throw;
  }
  try {
    auto refusal = settle(doors, path, root);
    if (refusal) take_back(doors);
    return refusal;
  } catch (const std::system_error&) {
    take_back(doors);
    throw;
  }
}

bool is_there(const std::string& named, const GuestPlace& place) {
  std::error_code unseen;
  return std::filesystem::equivalent(named, place.root, unseen);
}

// What a killed call left: the step was made.
void finish_adopting(const GuestPlace& place) {
  const Doors doors(place.path);
  make_private_directory(doors.outer.get(), doors.leaf);
  set_immutable(doors, true);
  doors.sync();
}

std::optional<Refusal> expect_releasable(const GuestPlace& place, const RootDir& root) {
  if (place.is_mounted) return refusal(place.path, "is mounted: unmount it first");
  if (!lock_root(root.fd(), lock_exclusively)) return refusal(place.path, "is in use by a vcow or by vunify");
  if (auto refusal = expect_nobody(place.root, place.path)) return refusal;
  const auto marked = find_marked_file(root);
  if (!marked) return std::nullopt;
  return refusal(place.path, "/" + *marked + " is shared with other guests: vunify -R " + place.path + " first");
}

void move_out(const Doors& doors) {
  if (!stat_name(doors.outer.get(), doors.leaf.c_str())) {
    move_directory(doors.inner.get(), doors.leaf, doors.outer.get(), doors.leaf);
    return;
  }
  set_immutable(doors, false);
  doors.exchange();
  doors.remove_prepared();
}

// Prepared, and not moved: nothing of the guest lies there. With the doors what they stand in goes.
std::optional<Refusal> clear_prepared(const std::string& path) {
  const std::string kept_in(split_path(adopted_path(path)).parent);
  if (!stat_name(AT_FDCWD, kept_in.c_str())) return refusal(path, "is not adopted");
  const Doors doors(path);
  if (!stat_name(doors.inner.get(), doors.leaf.c_str())) return refusal(path, "is not adopted");
  doors.remove_prepared();
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> expect_no_other_guest(const std::string& path) {
  const ProcessRoots roots;
  for (auto above = parent_of(path); above != "/"; above = parent_of(above)) {
    const auto leaf = split_path(above).leaf;
    if (leaf == adopted_leaf || leaf == staging_leaf) return refusal(path, "is in " + above + ", which is ours");
    if (stat_name(AT_FDCWD, adopted_path(above).c_str()))
      return refusal(path, "is inside " + above + ", an adopted guest");
    if (!roots.processes_in(above).empty())
      return refusal(path, "is inside " + above + ", where process " + std::to_string(roots.processes_in(above)[0]) +
                               " lives: that is the guest");
  }
  for (const std::string leaf : {adopted_leaf, staging_leaf})
    if (stat_name(AT_FDCWD, join_path(path, leaf).c_str()))
      return refusal(path, "has " + leaf + " in it: guests lie beneath it");
  return std::nullopt;
}

std::optional<Refusal> adopt(const std::string& named) {
  const auto mounts = read_mounts();
  const auto place = find_guest(named, mounts);
  if (place.is_mounted) return refusal(place.path, "is mounted: it is adopted, or unmount it first");
  if (place.is_adopted()) {
    if (is_there(named, place)) return refusal(place.path, "is adopted already: this is where its tree lies");
    finish_adopting(place);
    return std::nullopt;
  }
  if (auto refusal = expect_adoptable(place.path, mounts)) return refusal;
  const RootDir root(place.path);
  if (list_names(root.fd()).empty()) return refusal(place.path, "is empty: no guest is there");
  const Doors doors(place.path);
  auto refusal = prepare(doors, place.path);
  if (!refusal) refusal = move_in(doors, place.path, stat_fd(root.fd()).ino);
  if (!refusal) doors.sync();
  return refusal;
}

std::optional<Refusal> release(const std::string& named) {
  const auto place = find_guest(named, read_mounts());
  if (!place.is_adopted()) return clear_prepared(place.path);
  const RootDir root(place.root);
  if (auto refusal = expect_releasable(place, root)) return refusal;
  const Doors doors(place.path);
  move_out(doors);
  doors.sync();
  return std::nullopt;
}

void remove_mount_point(const std::string& path) {
  const Doors doors(path);
  if (stat_name(doors.outer.get(), doors.leaf.c_str())) {
    set_immutable(doors, false);
    remove_empty_directory(doors.outer.get(), doors.leaf);
  }
}

}  // namespace vunify
