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

void LinkBreak::fail(const std::system_error& error) {
  if (!is_error(error, EINTR)) result_.reason = error.code().message();  // else the next run goes on
  result_.disk_full |= is_disk_full(error);
}

void LinkBreak::change() {
  result_.reason = "changed";
  result_.changed = true;
}

bool LinkBreak::open(OnLease on_lease) {
  change();
  for (const auto& [root, path] : request_.names) {
    try {
      auto fd = root->open_inode(path, request_.inode.ino, on_lease);
      if (!fd) continue;
      held_.fd = std::move(*fd);
      result_ = {};
      return true;
    } catch (const std::system_error& error) {
      if (on_lease == OnLease::fail && is_error(error, EWOULDBLOCK)) return false;
      if (!is_error(error, ENOENT)) fail(error);
    }
  }
  return true;
}

void LinkBreak::copy() {
  assert(request_.names.size() == staged_.size());
  if (!held_.fd) return;
  try {
    copy_names();
  } catch (const std::system_error& error) {
    fail(error);
  }
}

void LinkBreak::copy_names() {
  const int fd = held_.fd.get();
  held_.lease = Lease::take(fd);  // a writer breaks it, and the copies are not used
  held_.seen = now_ = stat_fd(fd);
  if (now_.nlink > request_.links) return change();
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
    if (!held_.lease || !held_.lease->pin())
      result_.reason = "open for writing";
    else if (!is_as_copied())
      change();
    else
      return lead_names();
  } catch (const std::system_error& error) {
    fail(error);
  }
  held_.lease.reset();
}

void LinkBreak::lead_names() {
  lift();
  for (std::size_t n = 0; n < copies_.size(); ++n) {
    try {
      if (lead(n)) check(n);
    } catch (const std::system_error& error) {
      fail(error);
    }
  }
  protect();
}

void LinkBreak::lift() {
  is_begun_ = true;
  if (!must_lift(protection_)) return;
  unprotect(held_.fd.get());
  now_ = stat_fd(held_.fd.get());
}

void LinkBreak::protect() { protect_again(held_.fd.get(), protection_, held_.metadata, held_.seen.stamp.mtime); }

// Its metadata is, and no guest made a name of it. By ctime, too, but where the others who share it may remove theirs.
bool LinkBreak::is_as_copied() const {
  const auto now = stat_fd(held_.fd.get());
  if (!row_of(protection_).may_remove && now.stamp.ctime != now_.stamp.ctime) return false;
  return is_as_led(now);
}

// Between the exchange and now: our own move has changed its ctime.
bool LinkBreak::is_as_led(const Inode& now) const {
  return now.stamp.mtime == held_.seen.stamp.mtime && now.nlink <= now_.nlink &&
         read_metadata(held_.fd.get()) == held_.metadata;
}

bool LinkBreak::lead(std::size_t n) {
  auto name = open_name(*request_.names[n].root, request_.names[n].path);
  // Exchanged back it would show its guest the old file for a moment: better seen before.
  const auto there = stat_name(name.dir.get(), name.leaf.c_str());
  if (!there || there->ino != request_.inode.ino) return false;
  if (!is_as_copied()) {
    change();
    return false;
  }
  led_copy_.fd = open_staged(staged_[n]);
  led_copy_.lease = Lease::take(led_copy_.fd.get());
  led_copy_.metadata = read_metadata(led_copy_.fd.get());
  if (!led_copy_.lease || !led_copy_.lease->pin()) {
    change();
    return false;
  }
  vunify::exchange(staged_[n], name);
  led_ = std::move(name);
  return true;
}

// The guest changed the copy already, by its own name: it is its file, and never goes back.
bool LinkBreak::copy_is_in_use() const {
  return stat_fd(led_copy_.fd.get()).nlink > 1 || read_metadata(led_copy_.fd.get()) != led_copy_.metadata;
}

void LinkBreak::check(std::size_t n) {
  const auto came_out = stat_staged(staged_[n]).ino;
  if (came_out != request_.inode.ino) {
    take_back(n, came_out);
  } else if (!is_as_led(stat_fd(held_.fd.get())) && !copy_is_in_use()) {
    change();
    take_back(n, came_out);
  } else {
    remove_staged(staged_[n]);
    ++result_.copied;
    --now_.nlink;
  }
  now_.stamp = stat_fd(held_.fd.get()).stamp;
  led_copy_ = {};
  led_.reset();
}

// Who came to the copy by the guest's name, to write, looks that up again.
void LinkBreak::take_back(std::size_t n, std::uint64_t came_out) {
  put_back(staged_[n], *led_, came_out, copies_[n]);
  if (!led_copy_.lease->is_unwritten() && !led_copy_.lease->turn_away())
    result_.reason = "a writer could not be turned away";
}

// An inode that is left with one name is that guest's own again.
void LinkBreak::let_go() {
  if (!held_.lease) return;
  result_.is_alone = stat_fd(held_.fd.get()).nlink == 1;
  if (result_.is_alone) {
    unprotect(held_.fd.get());
    clear_mark(held_.fd.get());
  }
  if (held_.lease->is_unwritten()) return;
  if (!(result_.is_alone ? held_.lease->turn_away_once() : held_.lease->turn_away()))
    result_.reason = "a writer could not be turned away";
}

// Copies that no name leads to go away. What a guest's name led to instead of the inode is kept, and told.
void LinkBreak::clear_staging() {
  for (std::size_t n = 0; n < staged_.size(); ++n) {
    const auto there = stat_name(staged_[n].dir, staged_[n].leaf.c_str());
    if (!there) continue;
    if (!is_begun_ || there->ino == copies_[n])
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
