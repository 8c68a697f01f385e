// SPDX-License-Identifier: Apache-2.0
#include "fuse/backing.h"

#include <algorithm>

#include "sys/fuse_device.h"
#include "sys/handle.h"
#include "sys/thread_ids.h"

namespace vunify {
namespace {

int try_to_register(int device, int file) {
  const FileUser nobody(nobodys_id);
  try {
    return register_backing(device, file);
  } catch (const std::system_error&) {
    return 0;
  }
}

}  // namespace

Backing::Backing(Nodes& nodes, int device, int on_read_only, std::size_t most)
    : nodes_(nodes), device_(device), on_read_only_(on_read_only), most_(most) {}

int Backing::number_of(NodeId id, int file, Owner owner) {
  if (const int known = number_of(id)) return known;
  const auto read_only = owner == Owner::guest ? Fd() : on_read_only(file);
  const std::lock_guard lock(mutex_);
  const int number = try_to_register(device_, owner == Owner::guest ? file : read_only.get());
  if (number == 0) return 0;
  nodes_.set_backing(id, number);
  registered_.push_back({id, number});
  make_room();
  return number;
}

// Where the filesystem has no handles there is no way to it through another mount.
Fd Backing::on_read_only(int file) const {
  try {
    return hold_on_mount_of(on_read_only_, file);
  } catch (const std::system_error&) {
    return {};
  }
}

void Backing::forget(int number) {
  if (number == 0) return;
  forget_backing(device_, number);
  nodes_.forgot(number);
}

// The kernel counts its numbers up: between the last that a node got and the next one is what nobody was told of.
void Backing::take_up(int file) {
  for (const int lost : nodes_.lost_backings()) forget(lost);
  const int next = try_to_register(device_, file);
  for (int number = next; number > 0 && (number == next || number > nodes_.last_backing()); --number) forget(number);
  for (const auto id : nodes_.backed()) registered_.push_back({id, nodes_.at(id).backing});
}

std::size_t Backing::count() const {
  const std::lock_guard lock(mutex_);
  const auto is_known = [this](const Registered& one) { return nodes_.has_backing(one.id, one.number); };
  return static_cast<std::size_t>(std::ranges::count_if(registered_, is_known));
}

// One that is open still goes to the end; a number that is not its node's any more was forgotten with it.
void Backing::make_room() {
  for (auto looks = registered_.size(); registered_.size() > most_ && looks > 0; --looks) {
    const auto oldest = registered_.front();
    registered_.pop_front();
    if (nodes_.take_backing(oldest.id, oldest.number))
      forget(oldest.number);
    else if (nodes_.has_backing(oldest.id, oldest.number))
      registered_.push_back(oldest);
  }
}

}  // namespace vunify
