// SPDX-License-Identifier: Apache-2.0
#include "fuse/keep_serving.h"

#include <sys/mount.h>

#include <utility>

#include "fuse/kept_at.h"
#include "fuse/log.h"
#include "fuse/requests.h"
#include "fuse/succession.h"
#include "fuse/unmount.h"
#include "fuse/wire.h"
#include "guest/adopted.h"
#include "sys/fuse_device.h"
#include "sys/mount_tree.h"
#include "sys/umount_helper.h"

namespace vunify {
namespace {

int unmount(const std::string& point) {
  try {
    take_islands(point);
    detach_mount(point);
    return 0;
  } catch (const std::system_error& error) {
    tell(error.what());
    return 1;
  }
}

void force_unmount(const std::string& point) { unmount_path(point, MNT_FORCE | MNT_DETACH); }

// By way of what is served.
void place_islands(Islands& islands, const Mounted& told) {
  islands.place(told.mount_point);
  if (!name_umount_helper(vcow_type, told.path, told.mount_point))
    tell(told.mount_point + ": umount(8) is not told of its islands: vcow umount, or umount -R, ends it");
}

void tell_begun(Service& service, Islands& islands) {
  islands.were_placed();
  std::exchange(service.handover.went_back, false) ? service.record.tell_return() : service.record.tell_program();
  { const Fd before(std::exchange(service.handover.descriptors.program, -1)); }
  service.descriptors = kept_open(service);
}

}  // namespace

std::unordered_set<int> kept_open(const Service& service) {
  std::unordered_set<int> all{0, 1, 2, log_descriptor(), service.device, service.listening, service.memory.fd()};
  for (const auto* dir : {&service.source.root, &service.source.read_only}) all.insert(dir->get());
  all.insert(service.guest.root.fd());
  all.insert(service.handover.descriptors.program);
  for (const int fd : service.source.staging->descriptors()) all.insert(fd);
  for (const int fd : service.record.descriptors()) all.insert(fd);
  return all;
}

MountEnd keep_serving(Service service, const Mounted& told, Islands& islands, const std::function<void()>& ready) {
  const auto& point = told.mount_point;
  const auto began = [&](bool first) {
    tell_begun(service, islands);
    if (first) ready();
  };
  const auto place = [&] { return noting_failure(service.handover, [&] { place_islands(islands, told); }); };
  const Supervision supervision;
  const auto ended = supervise(service.handover, supervision,
                               {.start = [&] { return start_worker(service); },
                                .place = [&] { return told.native.empty() ? 0 : Supervision::start(place); },
                                .began = began,
                                .stop = [&] { Supervision::start([&] { return unmount(point); }); },
                                .give_up = [&] { force_unmount(point); },
                                .exec = [&] { give_way(service); },
                                .go_back = [&] { go_back(service); },
                                .may_go_on = [&] { return can_resend(service.handover.init_request()); },
                                .is_mounted = [&] { return is_connected(service.device); },
                                .was_of_use = [&] { return Requests::saw_new(service.memory, kept_at::requests); }});
  if (ended == MountEnd::unmounted) clean_up(service);
  return ended;
}

}  // namespace vunify
