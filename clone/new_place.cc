// SPDX-License-Identifier: Apache-2.0
#include "clone/new_place.h"

#include <fcntl.h>

#include "guest/adopt.h"
#include "guest/adopted.h"
#include "guest/trusted_directory.h"
#include "sys/beneath.h"
#include "sys/directory.h"

namespace vunify {
namespace {

std::string parent_of(const std::string& path) {
  const std::string parent(split_path(path).parent);
  return parent.empty() ? "/" : parent;
}

// The nearest directory that is above both.
std::string common_ancestor(const std::string& one, const std::string& other) {
  auto ancestor = parent_of(one);
  while (ancestor != "/" && !is_beneath(other, ancestor)) ancestor = parent_of(ancestor);
  return ancestor;
}

bool is_there(const std::string& path) { return stat_name(AT_FDCWD, path.c_str()).has_value(); }

}  // namespace

std::optional<Refusal> expect_new(const std::string& path, const Guest& guest) {
  if (split_path(path).leaf.starts_with('.'))
    return refusal(path, "begins with a dot: such names beside guests are ours");
  if (is_there(path)) return refusal(path, "is there already");
  if (is_there(adopted_path(path))) return refusal(path, "is there already: an adopted guest");
  if (is_beneath(path, guest.path()) || is_beneath(path, guest.root.host_path()))
    return refusal(path, "is inside " + guest.path() + ", the guest itself");
  if (auto refusal = expect_no_other_guest(guest.path())) return refusal;
  return expect_no_other_guest(path);
}

NewPlace::NewPlace(const std::string& path, const Guest& guest)
    : path_(path),
      leaf_(split_path(path).leaf),
      staging_parent_(common_ancestor(guest.root.host_path(), guest.is_adopted() ? adopted_path(path) : path)),
      is_adopted_(guest.is_adopted()),
      above_(open_trusted(parent_of(path))) {
  const Fd way = open_trusted(staging_parent_);
  for (const int dir : {above_.get(), way.get()})
    if (mount_id(dir) != guest.mount.id)
      throw std::system_error(EXDEV, std::generic_category(), path_ + " is on another mount than " + guest.path());
  if (stat_fd(above_.get()).dev != stat_fd(way.get()).dev)
    throw std::system_error(EXDEV, std::generic_category(), path_ + " is in another subvolume than " + staging_parent_);
}

std::unique_ptr<Staging> NewPlace::make_staging() const {
  const Fd parent = open_trusted(staging_parent_);
  make_private_directory(parent.get(), staging_leaf);
  return std::make_unique<Staging>((staging_parent_ == "/" ? "" : staging_parent_) + "/" + staging_leaf);
}

bool NewPlace::put(int from, const std::string& leaf) const {
  if (!is_adopted_) {
    const bool moved = move_directory(from, leaf, above_.get(), leaf_);
    if (moved) sync_filesystem(above_.get(), path_);
    return moved;
  }
  make_private_directory(above_.get(), adopted_leaf);
  const Fd kept = open_private(above_.get(), adopted_leaf, adopted_path(path_));
  if (!move_directory(from, leaf, kept.get(), leaf_)) return false;
  adopt(path_);  // its mount point
  return true;
}

}  // namespace vunify
