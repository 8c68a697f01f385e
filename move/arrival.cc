// SPDX-License-Identifier: Apache-2.0
#include "move/arrival.h"

#include <fcntl.h>

#include <algorithm>

#include "change/clear_tree.h"
#include "guest/trusted_directory.h"
#include "sys/directory.h"
#include "sys/inode.h"
#include "sys/inode_attr.h"

namespace vunify {
namespace {

constexpr auto first_attempt = 1UL;

std::string parent_of(const std::string& path) {
  const std::string parent(split_path(path).parent);
  return parent.empty() ? "/" : parent;
}

std::string attempts_path(const std::string& path) {
  return join_path(join_path(parent_of(path), arrivals_leaf), split_path(path).leaf);
}

// Zero: it is none of ours.
unsigned long number_of(const std::string& leaf) {
  const bool is_number = !leaf.empty() && leaf.size() < 9 && leaf.find_first_not_of("0123456789") == std::string::npos;
  return is_number ? std::stoul(leaf) : 0;
}

Fd open_parent_of(const std::string& path) {
  Fd parent = open_trusted(parent_of(path));
  if (stat_name(parent.get(), std::string(split_path(path).leaf).c_str()))
    throw std::system_error(EEXIST, std::generic_category(), path);
  return parent;
}

Fd open_attempts(int arrivals, const std::string& leaf, const std::string& path) {
  make_private_directory(arrivals, leaf);
  Fd attempts = open_private(arrivals, leaf, path);
  if (!lock_exclusively(attempts.get())) throw PlaceInUse(path + ": another vreceive is at work there");
  return attempts;
}

Fd open_arrivals(int parent, const std::string& path) {
  make_private_directory(parent, arrivals_leaf);
  return open_private(parent, arrivals_leaf, path);
}

// Nobody else has ever had them: flags that its owner set where it came from.
void take_flags(const RootDir& attempt, const std::vector<NotCleared>& left) {
  for (const auto& one : left)
    if (one.protected_file)
      change_inode_flags(attempt.open(one.path, O_RDONLY | O_NOFOLLOW).get(), 0, FS_IMMUTABLE_FL | FS_APPEND_FL);
}

void clear(int attempts, const RootDir& attempt) {
  const auto never = [] { return false; };
  take_flags(attempt, clear_tree(attempt, never));
  for (const auto& left : clear_tree(attempt, never))
    throw std::system_error(EBUSY, std::generic_category(), attempt.host_path() + "/" + left.path);
  remove_empty_directory(attempts, std::string(split_path(attempt.host_path()).leaf));
}

std::vector<RootDir> attempts_in(int dir, const std::string& path) {
  std::vector<RootDir> attempts;
  for (const auto& leaf : list_names(dir))
    if (number_of(leaf) != 0) attempts.emplace_back(join_path(path, leaf), open_directory_at(dir, leaf, path));
  return attempts;
}

}  // namespace

Arrival::Arrival(const std::string& path)
    : path_(path),
      leaf_(split_path(path).leaf),
      here_(attempts_path(path)),
      parent_(open_parent_of(path)),
      arrivals_(open_arrivals(parent_.get(), parent_of(here_))),
      attempts_(open_attempts(arrivals_.get(), leaf_, here_)),
      earlier_(attempts_in(attempts_.get(), here_)) {
  auto next = first_attempt;
  for (const auto& attempt : earlier_)
    next = std::max(next, number_of(std::string(split_path(attempt.host_path()).leaf)) + 1);
  tree_leaf_ = std::to_string(next);
  make_private_directory(attempts_.get(), tree_leaf_);
  tree_.emplace_back(join_path(here_, tree_leaf_), open_directory_at(attempts_.get(), tree_leaf_, here_));
}

Arrival::~Arrival() {
  try {
    remove_empty_directory(attempts_.get(), tree_leaf_);
    remove_empty_directory(arrivals_.get(), leaf_);
    remove_empty_directory(parent_.get(), arrivals_leaf);
  } catch (const std::system_error&) {  // it was put in its place
  }
}

void Arrival::put() {
  for (const auto& attempt : earlier_) clear(attempts_.get(), attempt);
  sync_filesystem(attempts_.get(), here_);
  if (!move_directory(attempts_.get(), tree_leaf_, parent_.get(), leaf_))
    throw std::system_error(EEXIST, std::generic_category(), path_);
  sync_filesystem(attempts_.get(), path_);
  remove_empty_directory(arrivals_.get(), leaf_);
  remove_empty_directory(parent_.get(), arrivals_leaf);
}

std::vector<RootDir> earlier_arrivals(const std::string& path) {
  const auto here = attempts_path(path);
  if (!stat_name(AT_FDCWD, here.c_str())) return {};
  return attempts_in(open_trusted(here).get(), here);
}

bool give_up_arrival(const std::string& path) {
  const auto here = attempts_path(path);
  if (!stat_name(AT_FDCWD, here.c_str())) return false;
  const Fd parent = open_trusted(parent_of(path)), arrivals = open_arrivals(parent.get(), parent_of(here));
  const std::string leaf(split_path(path).leaf);
  const Fd attempts = open_attempts(arrivals.get(), leaf, here);
  const auto earlier = attempts_in(attempts.get(), here);
  for (const auto& attempt : earlier) clear(attempts.get(), attempt);
  remove_empty_directory(arrivals.get(), leaf);
  remove_empty_directory(parent.get(), arrivals_leaf);
  return !earlier.empty();
}

std::vector<std::string> arrivals_left_in(const std::string& directory) {
  std::vector<std::string> left;
  const auto path = join_path(directory, arrivals_leaf);
  try {
    if (!stat_name(AT_FDCWD, path.c_str())) return left;
    const Fd arrivals = open_trusted(path);
    for (const auto& leaf : list_names(arrivals.get())) {
      const Fd attempts = open_directory_at(arrivals.get(), leaf, path);
      if (lock_shared(attempts.get()) && !list_names(attempts.get()).empty()) left.push_back(leaf);
    }
  } catch (const std::system_error&) {  // somebody else's, or gone by now
  }
  return left;
}

}  // namespace vunify
