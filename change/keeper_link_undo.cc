// SPDX-License-Identifier: Apache-2.0
// What undoes a link that did not go as planned: by the exchange back while the victim is in staging still, by a copy
// of it once its name there is gone; and the keeper that is led to by too few is its guest's own again.
#include <fcntl.h>

#include <algorithm>
#include <optional>

#include "change/keeper_link.h"
#include "change/last_name.h"
#include "change/put_back.h"
#include "guest/tag.h"
#include "sys/inode_attr.h"
#include "sys/mark.h"
#include "sys/urgent.h"
#include "sys/write_out.h"

namespace vunify {

// Whatever of a victim was exchanged goes back, whatever was only prepared goes away; then its lease is dropped. The
// keeper is not protected meanwhile, where that has to be lifted.
void KeeperLink::undo(std::size_t i, LinkEnd end, const std::error_code& error) {
  result_.victims[i] = {end, error};
  for (std::size_t n = 0; n < passages_[i].size(); ++n)
    if (!undo_name(i, n)) result_.kept.push_back(passages_[i][n].staged.leaf);
  auto& [held, names, was_shared] = request_.victims[i];
  // Others share it: who came to its lease while it was not protected must not write to it.
  if (was_shared) {
    protect_as_proven(held);
    if (held.lease) turn_away_from(*held.lease);
  }
  held.lease.reset();
}

// False where staging is left with what is nobody's known file.
bool KeeperLink::undo_name(std::size_t i, std::size_t n) {
  auto& passage = passages_[i][n];
  const auto& staged = passage.staged;
  auto& name = passage.name;
  if (!passage.is_prepared) return true;
  try {
    const auto there = stat_name(staged.dir, staged.leaf.c_str());
    if (!there) return true;
    const auto ours = request_.keeper.seen.ino;
    if (there->ino == ours) {
      remove_staged(staged);
      return true;
    }
    const auto& guest_name = request_.victims[i].names[n];
    if (!name) name = open_name(*guest_name.root, guest_name.path);
    const auto hold = hold_live(guest_name, *name, ours);  // it goes back whether that is had or not
    return put_back(staged, *name, there->ino, ours);
  } catch (const std::system_error&) {
    return false;
  }
}

void KeeperLink::undo_protected(std::size_t i, LinkEnd end, const std::error_code& error) {
  const Urgent while_bare;
  lift();
  undo(i, end, error);
  protect_as_proven(request_.keeper);
}

void KeeperLink::undo_late(std::size_t i, LinkEnd end, const std::error_code& error) {
  undo_protected(i, end, error);
  release_unlinked_keeper();
}

bool KeeperLink::keeper_is_private() const {
  if (request_.was_shared || result_.has_linked()) return false;
  return stat_fd(keeper()).nlink <= std::max(request_.keeper.seen.nlink, 1U);
}

// That may lead to the keeper.
std::vector<GuestName> KeeperLink::names() const {
  std::vector names{request_.keeper_name};
  for (const auto& victim : request_.victims) names.insert(names.end(), victim.names.begin(), victim.names.end());
  return names;
}

// Whom nothing was led to is its guest's own again, unless a guest made a name of it meanwhile: then it stays
// protected, and the next run gives that name an inode of its own.
void KeeperLink::release_unlinked_keeper() const {
  if (!keeper_is_private()) return;
  unprotect(keeper());
  set_project_id(keeper(), tag_of_holder(request_.keeper.seen.ino, names()).value_or(0));
  clear_mark(keeper());
}

// Private copies of the removed victim, as it is now, to its names.
void KeeperLink::give_copies(std::size_t i) {
  result_.victims[i].end = LinkEnd::changed;
  lift();
  Fd copy;
  for (std::size_t n = 0; n < passages_[i].size(); ++n) {
    try {
      give_copy(i, n, copy);
    } catch (const std::system_error& error) {
      result_.disk_full |= is_disk_full(error);
      result_.victims[i] = {LinkEnd::failed, error.code()};
      const auto& staged = passages_[i][n].staged;
      if (stat_name(staged.dir, staged.leaf.c_str())) result_.kept.push_back(staged.leaf);
    }
  }
  protect_as_proven(request_.keeper);
  release_unlinked_keeper();
}

// The victim's names stay one inode.
void KeeperLink::give_copy(std::size_t i, std::size_t n, Fd& copy) {
  const auto& staged = passages_[i][n].staged;
  if (copy) {
    prepare_link(copy.get(), staged);
  } else {
    const auto tag = tag_of(request_.victims[i].names[n]);
    prepare_copy(request_.victims[i].held.fd.get(), staged, tag != 0 ? std::optional(tag) : std::nullopt);
    copy = open_host(proc_path(staged.dir) + "/" + staged.leaf, O_RDONLY | O_NOFOLLOW);
    write_out(copy.get(), staged.leaf);
  }
  const auto& guest_name = request_.victims[i].names[n];
  const auto name = open_name(*guest_name.root, guest_name.path);
  const auto hold =
      hold_live(guest_name, name, request_.keeper.seen.ino);  // the guest's file, whether it is had or not
  const auto there = stat_name(name.dir.get(), name.leaf.c_str());
  if (!there || there->ino != request_.keeper.seen.ino) return remove_staged(staged);  // it is the guest's own affair
  vunify::exchange(staged, name);
  const auto came_out = stat_staged(staged).ino;
  if (came_out == request_.keeper.seen.ino) return remove_staged(staged);
  if (!put_back(staged, name, came_out, stat_fd(copy.get()).ino)) result_.kept.push_back(staged.leaf);
}

}  // namespace vunify
