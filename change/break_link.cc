// SPDX-License-Identifier: Apache-2.0
#include "change/break_link.h"

#include <cassert>

#include "change/directory_time.h"
#include "change/keeper_link.h"
#include "change/put_back.h"
#include "sys/handle.h"
#include "sys/mark.h"

namespace vunify {

JournaledSet LinkBreak::journaled(const std::string& staging, const std::string& fs) const {
  const auto& first = request_.names.front();
  JournaledSet set{.intent = Intent::copy,
                   .staging = staging,
                   .fs = fs,
                   .root = first.root->host_path(),
                   .path = first.path,
                   .keeper = request_.inode.ino,
                   .handle = held_.fd ? handle_of(held_.fd.get()) : "",
                   .size = held_.seen.stamp.size,
                   .mtime = held_.seen.stamp.mtime,
                   .protection = protection_};
  for (std::size_t n = 0; n < staged_.size(); ++n)
    set.names.push_back({.staged = staged_[n].leaf,
                         .root = request_.names[n].root->host_path(),
                         .path = request_.names[n].path,
                         .before = n < copies_.size() ? copies_[n] : 0,
                         .after = request_.inode.ino,
                         .directory_mtime = directory_time(*request_.names[n].root, request_.names[n].path)});
  return set;
}

void LinkBreak::copy() {
  assert(request_.names.size() == staged_.size());
  try {
    copy_names();
  } catch (const std::system_error& error) {
    if (!is_error(error, EINTR)) result_.reason = error.code().message();  // else the next run goes on
    result_.disk_full = is_disk_full(error);
  }
}

void LinkBreak::copy_names() {
  const auto& first = request_.names.front();
  held_.fd = first.root->open_regular(first.path);
  const int fd = held_.fd.get();
  held_.lease = Lease::take(fd);  // a writer breaks it, and the copies are not used
  held_.seen = stat_fd(fd);
  if (held_.seen.ino != request_.inode.ino) {
    held_ = {};
    result_.reason = "changed";
    return;
  }
  held_.metadata = read_metadata(fd);
  protection_ = protection_of(fd);
  for (const auto& staged : staged_) {
    prepare_copy(fd, staged);
    copies_.push_back(stat_staged(staged).ino);
  }
}

// The lease keeps writers out while nothing else does.
void LinkBreak::exchange() {
  if (!is_copied() || !result_.reason.empty()) return;
  try {
    if (held_.lease && held_.lease->pin() && stat_fd(held_.fd.get()).stamp.mtime == held_.seen.stamp.mtime)
      return lead_names();
    result_.reason = "open for writing";
  } catch (const std::system_error& error) {
    result_.reason = error.code().message();
  }
  held_.lease.reset();
}

void LinkBreak::lead_names() {
  const int fd = held_.fd.get();
  if (must_lift(protection_)) unprotect(fd);
  is_led_ = true;
  for (std::size_t n = 0; n < copies_.size(); ++n) {
    try {
      lead_name(n);
    } catch (const std::system_error& error) {
      result_.reason = error.code().message();
    }
  }
  protect_again(fd, protection_, held_.metadata, held_.seen.stamp.mtime);
}

void LinkBreak::lead_name(std::size_t n) {
  const auto name = open_name(*request_.names[n].root, request_.names[n].path);
  // Exchanged back it would show its guest the old file for a moment: better seen before.
  const auto there = stat_name(name.dir.get(), name.leaf.c_str());
  if (!there || there->ino != request_.inode.ino) return;
  const Fd ours = hold_staged(staged_[n]);
  vunify::exchange(staged_[n], name);
  const auto came_out = stat_staged(staged_[n]).ino;
  if (came_out == request_.inode.ino) {
    remove_staged(staged_[n]);
    ++result_.copied;
  } else {
    put_back(staged_[n], name, came_out, copies_[n]);
  }
}

// An inode that is left with one name is that guest's own again.
void LinkBreak::let_go() {
  if (!held_.lease) return;
  if (!held_.lease->held() && !held_.lease->turn_away()) result_.reason = "a writer could not be turned away";
  if (stat_fd(held_.fd.get()).nlink == 1) {
    unprotect(held_.fd.get());
    clear_mark(held_.fd.get());
  }
}

// Copies that no name leads to go away. What a guest's name led to instead of the inode is kept, and told.
void LinkBreak::clear_staging() {
  for (std::size_t n = 0; n < staged_.size(); ++n) {
    const auto there = stat_name(staged_[n].dir, staged_[n].leaf.c_str());
    if (!there) continue;
    if (!is_led_ || there->ino == copies_[n])
      remove_staged(staged_[n]);
    else
      result_.kept.push_back(staged_[n].leaf);
  }
}

BreakResult LinkBreak::finish() {
  try {
    let_go();
  } catch (const std::system_error& error) {
    result_.reason = error.code().message();
  }
  held_.lease.reset();
  clear_staging();
  return std::move(result_);
}

}  // namespace vunify
