// SPDX-License-Identifier: Apache-2.0
#include "fuse/name_hold.h"

#include <thread>

#include "fuse/changing.h"
#include "fuse/files.h"
#include "fuse/log.h"
#include "sys/mark.h"

namespace vunify {
namespace {

// Who has closed it is on his way still (RELEASE), or an open is answered just now: some 10 ms are waited.
constexpr int most_looks = 10;
constexpr std::chrono::milliseconds between_tries{1};

struct stat inode_of(std::uint64_t dev, std::uint64_t ino, mode_t type) {
  struct stat inode {};
  inode.st_dev = dev;
  inode.st_ino = ino;
  inode.st_mode = type;
  return inode;
}

bool is_marked(At at) { return mark_at(at.dir, at.leaf, {}) != Mark::none; }

bool is_inode(const struct stat& seen, std::uint64_t dev, std::uint64_t ino) {
  return seen.st_dev == dev && seen.st_ino == ino;
}

}  // namespace

NameHold::NameHold(Served& served, LiveName name) : served_(served), name_(std::move(name)) {
  turn_.emplace(served.held_names, name_);
  is_held_ = turn_->has_it() && (!find_directory() || take());
  if (is_held_) return;
  claim_.reset();
  turn_.reset();
}

// What the kernel does not know it has no names of either.
bool NameHold::find_directory() {
  directory_ = served_.nodes.find(0, {}, inode_of(name_.dev, name_.directory, S_IFDIR));
  if (directory_ == 0) return false;
  address_ = served_.addresses.of(directory_, name_.leaf.c_str());
  return is_inode(stat_at({address_->at().dir, ""}), name_.dev, name_.directory);
}

// Locked, the node is nobody else's; before that it may have become so. A lease tells who writes, too, but not of one
// who was answered just now: the kernel opens the file for him a moment later (passthrough).
bool NameHold::take() {
  for (int looks = 1;; ++looks) {
    node_ = served_.nodes.find(directory_, name_.leaf, inode_of(name_.dev, name_.ino, S_IFREG));
    if (node_ == 0) return true;
    claim_.emplace(served_.nodes, node_);
    if (*claim_ && served_.nodes.at(node_).writers == 0) return is_its_place() && hold_inode();
    claim_.reset();
    if (looks == most_looks) return false;
    std::this_thread::sleep_for(between_tries);
  }
}

// Of names that the guest linked itself a node goes by one.
bool NameHold::is_its_place() const {
  const auto place = served_.nodes.place_of(node_);
  return place.node.ino == name_.ino && place.node.parent == directory_ && place.name == name_.leaf;
}

// By which it is reached as long as its name may lead elsewhere.
bool NameHold::hold_inode() {
  const auto node = served_.nodes.at(node_);
  was_held_ = node.is_held();
  was_own_ = served_.allowance.is_limited() && node.owner != Owner::shared && !is_marked(address_->at());
  if (!was_held_ && !hold_by_name()) return false;
  served_.nodes.set_breaking(node_, true);
  return true;
}

bool NameHold::hold_by_name() {
  Fd inode = hold_at(address_->at());
  if (!is_inode(stat_at({inode.get(), ""}), name_.dev, name_.ino)) return false;
  served_.addresses.hold(node_, std::move(inode));
  return true;
}

void NameHold::let_go(bool is_late) noexcept {
  if (!std::exchange(is_held_, false)) return;
  try {
    if (node_ != 0) settle(is_late);
  } catch (const std::exception& error) {
    tell(name_.leaf + ": " + error.what());
  }
  claim_.reset();
  turn_.reset();
  count_name();
  tell_kernel();
}

void NameHold::settle(bool is_late) {
  const std::lock_guard nobody_looks(served_.nodes.breaking());
  const auto seen = find_at(address_->at());
  if (seen && is_inode(*seen, name_.dev, name_.ino)) {
    if (is_late) served_.nodes.set_owner(node_, Owner::shared);
    served_.nodes.set_breaking(node_, false);
    if (!is_late && !was_held_) served_.addresses.drop_hold(node_);
  } else if (seen && S_ISREG(seen->st_mode)) {
    lead_to(*seen);
  } else {
    served_.nodes.unname(node_, false);
    end_ = End::gone;
  }
}

// Undone, an own inode comes back to its name; whoever has it from before then may be counted by what he has.
void NameHold::lead_to(const struct stat& seen) {
  const auto owner = is_marked(address_->at()) ? Owner::shared : Owner::unknown;
  const auto before = served_.nodes.at(node_);
  const bool is_counted_alone = before.uses != 0 && !served_.allowance.counts_shared();  // by a detached one
  if (!was_own_ && owner != Owner::shared && is_counted_alone) name_takes_ = takes_of(seen);
  end_ = End::led;
  if (before.opens == 0 && served_.addresses.rebind(node_, seen, {}, owner))
    return served_.backing.forget(before.backing);
  detach(seen, owner);
}

// Who had it open may have closed it meanwhile.
void NameHold::detach(const struct stat& seen, Owner owner) {
  const auto old = was_own_ ? takes_now(served_, node_) : std::nullopt;
  served_.addresses.detach(node_, seen, {}, owner);
  if (old) served_.allowance.outlive(node_, *old);
  const bool counts = owner != Owner::shared || served_.allowance.counts_shared();
  if (old && counts) name_takes_ = takes_of(seen);
  if (!try_attach(served_, node_)) end_ = End::detached;
}

// What the account has of it goes with what is held. Nobody waits for us here: a count of all may be under way.
void NameHold::count_name() noexcept {
  if (!name_takes_) return;
  Taking taking(served_.allowance);
  if (taking.counts()) taking.came_to(name_takes_->owners, {static_cast<std::int64_t>(name_takes_->bytes), 1});
}

// Attributes alone of what somebody has open: its pages are what they were.
void NameHold::tell_kernel() const {
  if (directory_ == 0 || served_.session == nullptr) return;
  if (end_ != End::same) fuse_lowlevel_notify_inval_inode(served_.session, node_, end_ == End::led ? 0 : -1, 0);
  if (end_ == End::gone)
    fuse_lowlevel_notify_inval_entry(served_.session, directory_, name_.leaf.c_str(), name_.leaf.size());
  fuse_lowlevel_notify_inval_inode(served_.session, directory_, 0, 0);
}

ControlAnswer serve_hold(Served& served, const std::string& name, const ControlLine& line) {
  NameHold hold(served, live_name_from(name));
  if (!hold) return {ControlWord::in_use};
  line.answer({ControlWord::done});
  const bool in_time = line.has_question(longest_hold);
  if (in_time) line.next();
  hold.let_go(!in_time);
  if (!in_time) line.next();
  return {in_time ? ControlWord::done : ControlWord::ran_out};
}

}  // namespace vunify
