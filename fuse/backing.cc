// SPDX-License-Identifier: Apache-2.0
#include "fuse/backing.h"

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
  const int number = owner == Owner::guest ? try_to_register(device_, file) : register_shared(file);
  if (number == 0) return 0;
  nodes_.set_backing(id, number);
  const std::lock_guard lock(mutex_);
  registered_.push_back({id, number});
  make_room();
  return number;
}

// Where the filesystem has no handles there is no way to it through another mount.
int Backing::register_shared(int file) const {
  try {
    return try_to_register(device_, hold_on_mount_of(on_read_only_, file).get());
  } catch (const std::system_error&) {
    return 0;
  }
}

void Backing::forget(int number) {
  if (number != 0) forget_backing(device_, number);
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
