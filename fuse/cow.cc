// SPDX-License-Identifier: Apache-2.0
#include "fuse/cow.h"

#include <fcntl.h>

#include <optional>

#include "fuse/lifted_flag.h"
#include "fuse/log.h"
#include "fuse/wire.h"
#include "fuse/workers.h"
#include "sys/clone.h"
#include "sys/mark.h"
#include "sys/thread_ids.h"

namespace vunify {
namespace {

constexpr std::uint64_t soon_copied = 256 << 10;  // bytes: sooner than another thread takes over

std::uint64_t bytes_of(int fd) { return stat_fd(fd).bytes_on_disk(); }

Takes takes_of_file(int fd) {
  const auto inode = stat_fd(fd);
  return {inode.bytes_on_disk(), {inode.uid, inode.gid}};
}

// On nobody's account, as all that is written for guests. True where nothing is left to be written to the disk.
bool copy_as_nobody(int from, int to, const GivenUp& given_up) {
  const FileUser nobody(nobodys_id);
  return copy_contents(from, to, given_up);
}

// What came out of the guest has to be what was copied.
void exchange_checked(const StagedName& staged, At name, int old) {
  exchange(staged, name, stat_fd(name.dir));
  if (stat_staged(staged).ino == stat_fd(old).ino) return;
  exchange(staged, name, stat_fd(name.dir));
  throw std::system_error(ESTALE, std::generic_category(), name.leaf);
}

// The link is broken whether this goes well or not; the next mount sweeps staging.
void remove_old(const BreakStaging& staging, const StagedName& staged, const Fd& old) {
  try {
    with_flags_lifted(staging, std::span(&old, 1), [&] { remove_staged(staged); });
  } catch (const std::system_error& error) {
    tell(staged.leaf + " is left in staging: " + error.code().message());
  }
}

}  // namespace

NodeId Cow::before_write(NodeId id, Keep keep, const GivenUp& given_up) {
  id = nodes_.current(id);
  return owner_of(id) == Owner::shared ? break_link(id, keep, given_up) : id;
}

Owner Cow::owner_of(NodeId id) {
  const auto node = nodes_.at(id);
  if (node.owner != Owner::unknown || !node.is_regular()) return node.owner;
  return owner_of(id, addresses_.open(id, O_RDONLY | O_NOATIME).get());
}

Owner Cow::owner_of(NodeId id, int file) {
  const auto known = nodes_.at(id).owner;
  if (known != Owner::unknown) return known;
  const auto owner = has_mark(file) ? Owner::shared : Owner::guest;
  nodes_.set_owner(id, owner);
  return owner;
}

NodeId Cow::break_link(NodeId id, Keep keep, const GivenUp& given_up) {
  const Fd old = addresses_.open(id, O_RDONLY | O_NOATIME);
  const auto takes = takes_of_file(old.get());
  Taking taking(allowance_);
  taking.take(allowance_.counts_shared() ? Most{} : most_for(takes.owners, {keep == Keep::all ? takes.bytes : 0, 1}));
  const Fd made = copy(old.get(), keep, given_up);
  std::unique_lock nobody_looks(nodes_.breaking());
  if (nodes_.at(id).has_name()) lead_name(id, old, made.get());
  taking.came_to(takes.owners, cost_of(old.get(), made.get()));
  const bool has_name = nodes_.at(id).has_name();
  const auto settled = settle(id, made.get(), Owner::guest);
  if (!has_name && taking.counts()) allowance_.outlive(settled, takes_of_file(made.get()));
  nobody_looks.unlock();
  if (breaks_ != nullptr) breaks_->count(asking_process(), settled, bytes_of(made.get()));
  return settled;
}

// A file that counted for the guest while it was shared costs what the copy is larger.
Growth Cow::cost_of(int old, int copy) const {
  const auto bytes = static_cast<std::int64_t>(bytes_of(copy));
  if (allowance_.counts_shared()) return {bytes - static_cast<std::int64_t>(bytes_of(old)), 0};
  return {bytes, 1};
}

// No signal ends an open natively: here one does, where the copy takes long.
Fd Cow::copy(int old, Keep keep, const GivenUp& given_up) {
  const bool is_soon = bytes_of(old) <= soon_copied;
  std::optional<Workers::Away> away;
  if (!is_soon) away.emplace();
  Fd made = births_.make_unnamed();
  if (keep == Keep::all && !copy_as_nobody(old, made.get(), is_soon ? GivenUp{} : given_up))
    staging_.write_out(made.get());
  copy_metadata(old, made.get());
  births_.tag(made.get());
  return made;
}

// What did not go well leaves the copy unnamed again, and the guest's name where it led. The kernel moves and removes
// no name of an immutable inode: its flag is lifted for the moment.
void Cow::lead_name(NodeId id, const Fd& old, int copy) {
  const auto address = addresses_.by_name(id);
  const auto staged = staging_.name_of(copy);
  prepare_link(copy, staged);
  const bool was_held = nodes_.at(id).is_held();
  if (nodes_.at(id).opens != 0 && !was_held) addresses_.hold(id, hold_at({old.get(), ""}));
  nodes_.set_breaking(id, true);
  try {
    with_flags_lifted(staging_, std::span(&old, 1), [&] { exchange_checked(staged, address.at(), old.get()); });
  } catch (const std::system_error&) {
    staging_.remove_copy(staged, copy);
    nodes_.set_breaking(id, false);
    if (!was_held) addresses_.drop_hold(id);  // it is reached by its name again
    throw;
  }
  remove_old(staging_, staged, old);
}

NodeId Cow::settle(NodeId id, int copy, Owner owner) {
  const auto node = nodes_.at(id);
  const auto made = stat_at({copy, ""});
  const auto held = [&] { return node.has_name() ? Fd() : hold_at({copy, ""}); };
  if (node.opens != 0 || !addresses_.rebind(id, made, held(), owner)) return addresses_.detach(id, made, held(), owner);
  backing_.forget(node.backing);
  return id;
}

void Cow::take_up() {
  for (const auto id : nodes_.breaking_left()) {
    try {
      take_up(id);
    } catch (const std::system_error& error) {
      tell(std::string("what an earlier daemon was stopped in: ") + error.what());
    }
  }
}

// As after a hold that lasted too long (fuse/name_hold): where the name leads to the inode still, whoever was to lead
// it elsewhere may do so yet.
void Cow::take_up(NodeId id) {
  const auto address = addresses_.by_name(id);
  const auto seen = find_at(address.at());
  if (!seen) return nodes_.unname(id, false);
  if (seen->st_ino != nodes_.at(id).ino) {
    const bool is_marked = mark_at(address.at().dir, address.at().leaf, {}) != Mark::none;
    settle(id, hold_at(address.at()).get(), is_marked ? Owner::shared : Owner::unknown);
    return;
  }
  nodes_.set_owner(id, Owner::shared);
  nodes_.set_breaking(id, false);
}

}  // namespace vunify
