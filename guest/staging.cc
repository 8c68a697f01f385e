// SPDX-License-Identifier: Apache-2.0
#include "guest/staging.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "guest/lost_and_found.h"
#include "guest/trusted_directory.h"
#include "sys/beneath.h"
#include "sys/directory.h"
#include "sys/inode_attr.h"

namespace vunify {
namespace {

std::string directory_above(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

// The nearest directory that is above every root, and none of them. Adopted guests lie in directories that are root's
// alone: the first one's will do.
std::string common_ancestor(const std::vector<const Guest*>& guests) {
  std::string ancestor = directory_above(guests.front()->root.host_path());
  if (std::ranges::all_of(guests, &Guest::is_adopted)) return ancestor;
  const auto is_above = [&](const Guest* guest) {
    const auto& root = guest->root.host_path();
    return root != ancestor && is_or_is_beneath(root, ancestor);
  };
  while (ancestor != "/" && !std::ranges::all_of(guests, is_above)) ancestor = directory_above(ancestor);
  return ancestor;
}

void check_same_mount(int parent, const std::string& path, const Guest& guest) {
  const int root = guest.root.fd();
  if (stat_fd(parent).dev == stat_fd(root).dev && mount_id(parent) == mount_id(root)) return;
  throw_of(EXDEV, guest.path(), "is on another mount than " + path + ", the directory above it");
}

// A run that ends removes the directory: one that waited for its lock may hold a directory without a name.
bool still_named(int parent, int dir) {
  const auto named = stat_name(parent, staging_leaf);
  return named && named->ino == stat_fd(dir).ino;
}

bool is_directory(int dir, const std::string& leaf) {
  const auto inode = stat_name(dir, leaf.c_str());
  return inode && inode->is_directory();
}

// Where the filesystem has no room for a directory, one that it has.
void make_staging(int parent, const std::string& path) {
  try {
    make_private_directory(parent, staging_leaf);
  } catch (const std::system_error& error) {
    if (!is_disk_full(error)) throw;
    if (!borrow_lost_and_found(parent, staging_leaf))
      throw_of(error.code().value(), path, "has no room, nor is there an empty lost+found to borrow: remove one file");
  }
}

// False where its place is taken. Where that has no room, it stays for now: a run frees some.
bool give_back_or_leave(int parent) {
  try {
    return give_back_lost_and_found(parent, staging_leaf);
  } catch (const std::system_error& error) {
    if (!is_disk_full(error)) throw;
    return true;
  }
}

void lock(int parent, int dir, const std::string& path) {
  if (lock_exclusively(dir) && still_named(parent, dir)) return;
  throw StagingInUse(EWOULDBLOCK, std::generic_category(), path + " is in use by another run");
}

// What is nobody's is named here: with no project, as the directory above may have one, and of no guest that looked a
// name up before it came here. lost+found, borrowed, stays what it is.
void set_apart(int dir) {
  end_project_inheritance(dir);
  if (!is_lost_and_found(dir)) make_barrier(dir);
}

}  // namespace

std::string staging_path(const std::vector<const Guest*>& guests) {
  const auto parent = common_ancestor(guests);
  return (parent == "/" ? parent : parent + "/") + staging_leaf;
}

Fd open_staging_parent(const std::vector<const Guest*>& guests) {
  const auto path = common_ancestor(guests);
  Fd parent = open_trusted(path);
  for (const Guest* guest : guests) check_same_mount(parent.get(), path, *guest);
  return parent;
}

Staging::Staging(const std::vector<const Guest*>& guests) : path_(staging_path(guests)) {
  parent_ = open_staging_parent(guests);
  make_staging(parent_.get(), path_);
  fd_ = open_private(parent_.get(), staging_leaf, path_);
  lock(parent_.get(), fd_.get(), path_);
  set_apart(fd_.get());
}

Staging::Staging(const std::string& path) : path_(path) {
  if (split_path(path).leaf != staging_leaf) throw_of(EINVAL, path, "is no staging directory");
  parent_ = open_trusted(directory_above(path));
  fd_ = open_private(parent_.get(), staging_leaf, path_);
  lock(parent_.get(), fd_.get(), path_);
  set_apart(fd_.get());
}

Staging::~Staging() {
  try {
    remove_if_empty();
  } catch (const std::system_error&) {  // it is met by the next run
  }
}

std::vector<std::string> Staging::names() const {
  std::vector<std::string> names;
  for (const auto& leaf : list_names(fd_.get())) {
    if (!is_directory(fd_.get(), leaf)) {
      names.push_back(leaf);
      continue;
    }
    const Fd inner = open_directory_at(fd_.get(), leaf, path_);
    for (const auto& name : list_names(inner.get())) names.push_back(join_path(leaf, name));
  }
  return names;
}

void Staging::remove_if_empty() {
  for (const auto& leaf : list_names(fd_.get()))
    if (is_directory(fd_.get(), leaf)) remove_empty_directory(fd_.get(), leaf);
  if (!still_named(parent_.get(), fd_.get())) return;
  const bool is_borrowed = is_lost_and_found(fd_.get()) && list_names(fd_.get()).empty();
  if (is_borrowed && give_back_or_leave(parent_.get())) return;
  remove_empty_directory(parent_.get(), staging_leaf);
}

}  // namespace vunify
