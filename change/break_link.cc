// SPDX-License-Identifier: Apache-2.0
#include "change/break_link.h"

#include <algorithm>
#include <cassert>
#include <iterator>

#include "change/directory_time.h"
#include "change/last_name.h"
#include "change/protect_again.h"
#include "change/put_back.h"
#include "guest/tag.h"
#include "sys/clone.h"
#include "sys/handle.h"
#include "sys/inode_attr.h"
#include "sys/mark.h"

namespace vunify {
namespace {

// Where data is shared (reflink) the kernel takes a file's pages from it, though the two lie together already: one that
// it is still to write to for a guest is in no file then. False where somebody wrote to it since it was copied.
bool takes_pages_away(int copy, const Held& held) {
  try {
    return share_data(copy, held.fd.get(), held.seen.stamp.size);
  } catch (const std::system_error& error) {
    if (is_error(error, EOPNOTSUPP) || is_error(error, ENOTTY) || is_error(error, EINVAL) || is_error(error, EXDEV))
      return true;  // the copy lies elsewhere
    throw;
  }
}

}  // namespace

std::vector<CopyNames> copies_of(const BreakRequest& request) {
  std::vector<CopyNames> copies;
  for (std::size_t n = 0; n < request.names.size(); ++n) {
    if (request.together && n > 0 && request.names[n].root == request.names[n - 1].root)
      ++copies.back().count;
    else
      copies.push_back({n});
  }
  return copies;
}

LinkBreak::LinkBreak(const BreakRequest& request, std::vector<StagedName> staged)
    : request_(request), staged_(std::move(staged)) {
  for (const auto& names : copies_of(request)) copies_.push_back({names});
}

std::uint64_t LinkBreak::copy_at(std::size_t name) const {
  const auto next = std::ranges::upper_bound(copies_, name, {}, [](const Copy& copy) { return copy.names.first; });
  return std::prev(next)->ino;
}

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
                         .before = copy_at(n),
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
  for (const auto& [root, path, live] : request_.names) {
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
  const auto mark = mark_on(fd, request_.inode);
  const auto protection = protection_of(fd);
  is_marked_ = mark == Mark::valid || (mark == Mark::stale && protection != Protection::none);
  protection_ = is_marked_ ? protection : Protection::none;  // else its flags are its owner's
  for (auto& copy : copies_) copy.ino = make_copy(copy.names);
  is_copied_ = true;
}

// A guest may have set what a shared inode carries. In a guest that is not tagged other inodes keep theirs.
std::uint32_t LinkBreak::tag_of_copy(const CopyNames& names) const {
  const auto tag = tag_of(request_.names[names.first]);
  return tag != 0 || is_marked_ ? tag : project_id(held_.fd.get());
}

std::uint64_t LinkBreak::make_copy(const CopyNames& names) {
  const auto& first = staged_[names.first];
  prepare_copy(held_.fd.get(), first, tag_of_copy(names));
  // Of an inode that was never ours a guest may have more in its hands than a lease shows.
  if (!is_marked_ && !takes_pages_away(open_staged(first).get(), held_)) change();
  for (std::size_t i = 1; i < names.count; ++i) prepare_link(hold_staged(first).get(), staged_[names.first + i]);
  return stat_staged(first).ino;
}

// The lease keeps writers out while nothing else does.
void LinkBreak::exchange() {
  if (!is_copied_ || !result_.reason.empty()) return;
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
      lead_and_check(n);
    } catch (const std::system_error& error) {
      fail(error);
    }
  }
  protect();
}

void LinkBreak::lead_and_check(std::size_t n) {
  try {
    lead(n);
  } catch (const std::system_error& error) {
    fail(error);
  }
  if (!led_.empty()) check(n);
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

// Those that lead to the inode still: exchanged back, another would show its guest the old file for a moment.
std::vector<Name> LinkBreak::open_names(const CopyNames& names) const {
  std::vector<Name> there;
  for (std::size_t i = 0; i < names.count; ++i) {
    const auto& [root, path, live] = request_.names[names.first + i];
    auto name = open_name(*root, path);
    const auto inode = stat_name(name.dir.get(), name.leaf.c_str());
    if (inode && inode->ino == request_.inode.ino) there.push_back(std::move(name));
  }
  return there;
}

// Empty where a vcow that shows one of them says that it is in use, or nothing.
std::vector<Hold> LinkBreak::hold_names(const CopyNames& names, const std::vector<Name>& there) {
  std::vector<Hold> holds;
  for (std::size_t i = 0; i < there.size(); ++i) {
    holds.push_back(hold_live(request_.names[names.first + i], there[i], request_.inode.ino));
    if (holds.back().state() == Hold::State::held && holds.back().is_fresh()) continue;
    result_.reason = "in use, says the vcow that shows it, or does not answer";
    return {};
  }
  return holds;
}

bool LinkBreak::lead(std::size_t n) {
  const auto& names = copies_[n].names;
  auto there = open_names(names);
  if (there.empty()) return false;
  if (there.size() != names.count || !is_as_copied()) {
    change();
    return false;
  }
  led_copy_.fd = open_staged(staged_[names.first]);
  led_copy_.lease = Lease::take(led_copy_.fd.get());
  led_copy_.metadata = read_metadata(led_copy_.fd.get());
  if (!led_copy_.lease || !led_copy_.lease->pin()) {
    change();
    return false;
  }
  const auto holds = hold_names(names, there);
  if (holds.empty()) return false;
  for (auto& name : there) {
    vunify::exchange(staged_[names.first + led_.size()], name);
    led_.push_back(std::move(name));
  }
  return true;
}

// The guest changed the copy already, by its own name: it is its file, and never goes back.
bool LinkBreak::is_in_use(const Copy& copy) const {
  const int fd = led_copy_.fd.get();
  return stat_fd(fd).nlink > copy.names.count || read_metadata(fd) != led_copy_.metadata;
}

// What came out of each of its names is the inode; where one was not led, its copy lies there still.
bool LinkBreak::is_all_led(const Copy& copy) const {
  const auto staged = std::span(staged_).subspan(copy.names.first, copy.names.count);
  return std::ranges::all_of(staged,
                             [this](const StagedName& name) { return stat_staged(name).ino == request_.inode.ino; });
}

void LinkBreak::check(std::size_t n) {
  const auto& copy = copies_[n];
  const bool as_led = is_as_led(stat_fd(held_.fd.get()));
  const bool stays = (as_led && is_all_led(copy)) || is_in_use(copy);
  if (!stays && result_.reason.empty() && !(as_led && copy.names.count == 1)) change();
  const auto before = result_.copied;
  for (std::size_t i = 0; i < led_.size(); ++i) {
    const auto& staged = staged_[copy.names.first + i];
    if (!stays || stat_staged(staged).ino != request_.inode.ino) {
      take_back(copy, i);
      continue;
    }
    remove_staged(staged);
    ++result_.copied;
    --now_.nlink;
  }
  result_.copies += result_.copied > before;
  now_.stamp = stat_fd(held_.fd.get()).stamp;
  led_copy_ = {};
  led_.clear();
}

// Who came to the copy by the guest's name, to write, looks that up again.
void LinkBreak::take_back(const Copy& copy, std::size_t name) {
  const auto& staged = staged_[copy.names.first + name];
  const auto hold = hold_live(request_.names[copy.names.first + name], led_[name], copy.ino);
  put_back(staged, led_[name], stat_staged(staged).ino, copy.ino);
  if (!led_copy_.lease->is_unwritten() && !led_copy_.lease->turn_away())
    result_.reason = "a writer could not be turned away";
}

// Of an inode that nothing protects. A copy that its guest has changed itself stays as it is.
void LinkBreak::follow_late_change() const {
  if (result_.copied == 0 || protection_ != Protection::none) return;
  const auto now = read_metadata(held_.fd.get());
  if (now == held_.metadata) return;
  for (const auto& copy : copies_) {
    const auto& [root, path, live] = request_.names[copy.names.first];
    const auto there = root->open_inode(path, copy.ino);
    if (there && read_metadata(there->get()) == held_.metadata)
      restore_metadata(there->get(), now, stat_fd(held_.fd.get()).stamp.mtime);
  }
}

// An inode that is left with one name is that guest's own again.
bool LinkBreak::release() const {
  auto names = request_.names;
  names.insert(names.end(), request_.stay.begin(), request_.stay.end());
  return is_marked_ && release_last_name(held_.fd.get(), request_.inode, names);
}

void LinkBreak::let_go() {
  if (!held_.lease) return;
  result_.links_left = stat_fd(held_.fd.get()).nlink;
  const bool is_released = release();
  if (held_.lease->is_unwritten()) return;
  // To an inode that nothing protects writers come back.
  if (!(is_released || !is_marked_ ? held_.lease->turn_away_once() : held_.lease->turn_away()))
    result_.reason = "a writer could not be turned away";
}

// Copies that no name leads to go away. What a guest's name led to instead of the inode is kept, and told.
void LinkBreak::clear_staging() {
  for (std::size_t n = 0; n < staged_.size(); ++n) {
    const auto there = stat_name(staged_[n].dir, staged_[n].leaf.c_str());
    if (!there) continue;
    if (!is_begun_ || there->ino == copy_at(n))
      remove_staged(staged_[n]);
    else
      result_.kept.push_back(staged_[n].leaf);
  }
}

BreakResult LinkBreak::finish() {
  try {
    let_go();
    follow_late_change();
  } catch (const std::system_error& error) {
    result_.reason = error.code().message();
  }
  held_.lease.reset();
  clear_staging();
  return std::move(result_);
}

}  // namespace vunify
