// SPDX-License-Identifier: Apache-2.0
#include "change/undo_link.h"

#include <fcntl.h>

#include <mutex>
#include <vector>

#include "change/metadata.h"
#include "change/put_back.h"
#include "sys/same_bytes.h"
#include "sys/walk.h"

namespace vunify {
namespace {

// The guest's name, where its directory is still there.
std::optional<Name> open_guest_name(const JournaledName& name) {
  try {
    return open_name(RootDir(name.root), name.path);
  } catch (const std::system_error& error) {
    if (is_error(error, ENOENT) || is_error(error, ENOTDIR) || is_error(error, ELOOP)) return std::nullopt;
    throw;
  }
}

bool leads_to(const std::optional<Name>& name, std::uint64_t ino) {
  if (!name) return false;
  const auto now = stat_name(name->dir.get(), name->leaf.c_str());
  return now && now->ino == ino;
}

// Every name of the inode in a guest's tree, wherever the guest has moved it.
std::vector<std::string> names_of(std::uint64_t ino, const RootDir& root) {
  std::vector<std::string> names;
  std::mutex finding;  // guards names
  Visitor visitor;
  visitor.visit = [&](const Listing& listing) {
    for (auto& entry : listing.entries) {
      entry.enter = entry.inode.is_directory();
      if (entry.inode.ino != ino || !entry.inode.is_regular()) continue;
      const std::lock_guard lock(finding);
      names.push_back(join_path(listing.path, entry.leaf));
    }
  };
  visitor.failed = [](const std::string&, const std::system_error&) {};  // what is not found is kept
  visitor.stop = [] { return false; };
  const RootVisit visit{&root, std::move(visitor)};
  walk({&visit, 1});
  return names;
}

}  // namespace

LinkUndo::LinkUndo(const JournaledSet& set, int keeper) : set_(set), keeper_(keeper) {
  if (keeper_ < 0) return;
  lease_ = Lease::take(keeper_);
  if (lease_ && !lease_->pin()) lease_.reset();
}

void LinkUndo::let_go() {
  if (lease_ && !lease_->held()) lease_->turn_away();
  lease_.reset();
}

bool LinkUndo::is_as_journalled() const {
  const auto stamp = stat_fd(keeper_).stamp;
  return lease_ && stamp.size == set_.size && stamp.mtime == set_.mtime;
}

// The lease says that nobody is writing now, the bytes that nobody has.
bool LinkUndo::holds_what(int victim) const {
  return keeper_ >= 0 && is_as_journalled() && agree(read_metadata(victim), read_metadata(keeper_), false) &&
         same_bytes(victim, keeper_);
}

// Under a name of its own, which a recovery that was interrupted may have made: then what that kept is older, and
// nearer to what was written.
void LinkUndo::keep_newer(const StagedName& staged) const {
  const StagedName copy{staged.dir, staged.leaf + std::string(newer_suffix)};
  if (!stat_name(copy.dir, copy.leaf.c_str())) prepare_copy(keeper_, copy);
}

LinkUndo::End LinkUndo::undo(const StagedName& staged, const JournaledName& name) {
  const auto came_out = stat_staged(staged);
  const auto guest = open_guest_name(name);
  const bool linked = keeper_ >= 0 && leads_to(guest, set_.keeper);
  const auto put_back_here = [&] {
    return put_back(staged, *guest, came_out.ino, set_.keeper) ? End::done : End::restless;
  };
  // The guest had replaced its file already: what it put there is its newest.
  if (came_out.ino != name.after) return linked ? put_back_here() : End::unproven;
  const Fd victim = open_staged(staged);
  if (!holds_what(victim.get())) return put_back_everywhere(staged, name, victim);
  if (linked) return put_back_here();
  remove_staged(staged);
  return End::done;
}

// The first of the names takes what came out, the others, of which the guest made one inode, are linked to it.
LinkUndo::End LinkUndo::put_back_everywhere(const StagedName& staged, const JournaledName& name, const Fd& victim) {
  if (keeper_ < 0) return End::unproven;
  const RootDir root(name.root);
  auto end = End::unproven;
  for (const auto& path : names_of(set_.keeper, root)) {
    if (end == End::unproven)
      keep_newer(staged);
    else
      prepare_link(victim.get(), staged);
    const auto guest = open_name(root, path);
    if (!put_back(staged, guest, stat_fd(victim.get()).ino, set_.keeper)) return End::restless;
    end = End::newer;
  }
  return end;
}

}  // namespace vunify
