// SPDX-License-Identifier: Apache-2.0
#include "fuse/mount.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "fuse/keep_serving.h"
#include "fuse/kept_at.h"
#include "fuse/log.h"
#include "fuse/succession.h"
#include "fuse/unmount.h"
#include "guest/adopted.h"
#include "guest/mounted.h"
#include "sys/directory.h"
#include "sys/fuse_device.h"
#include "sys/shared_descriptors.h"

namespace vunify {
namespace {

// The daemon of it died: every call on it fails with ENOTCONN until it is gone.
bool is_dead(const std::string& point) {
  try {
    stat_fd(open_host(point, O_RDONLY | O_DIRECTORY).get());
    return false;
  } catch (const std::system_error& error) {
    return is_error(error, ENOTCONN);
  }
}

bool take_dead(const std::string& point) {
  if (!is_dead(point)) return false;
  take_islands(point);
  return detach_mount(point);
}

GuestPlace find_place(const std::string& named) {
  auto place = find_guest(named, read_mounts());
  while (place.is_mounted && take_dead(place.path)) place = find_guest(named, read_mounts());
  return place;
}

Guest guest_at(const GuestPlace& place, RootDir root) {
  auto mount = mount_of(root.fd());
  const auto fs = fs_id(root.fd());
  return {.name = place.path, .xid = {}, .root = std::move(root), .fs = fs, .mount = std::move(mount)};
}

// Its root is locked as long as it is open: nobody else shows it, and vunify leaves it alone.
Guest open_guest(const GuestPlace& place) {
  RootDir root(place.root);
  if (place.is_mounted || !lock_root(root.fd(), lock_exclusively))
    throw std::system_error(EBUSY, std::generic_category(),
                            place.path + " is mounted with vcow, or vunify is at work in it");
  return guest_at(place, std::move(root));
}

std::vector<char> read_first_request(int device) {
  std::vector<char> request(64 << 10);
  request.resize(read_some(device, request, "/dev/fuse"));
  return request;
}

void keep_first_request(Handover& handover, int device) {
  const auto request = read_first_request(device);
  if (request.size() > handover.init.size()) throw std::system_error(EPROTO, std::generic_category(), "/dev/fuse");
  std::ranges::copy(request, handover.init.begin());
  handover.init_bytes = static_cast<std::uint32_t>(request.size());
}

Mounted told_of(const MountRequest& request, const GuestPlace& place, const Islands& islands) {
  return {.path = place.path,
          .mount_point = request.point.empty() ? place.path : request.point,
          .native = islands.told(),
          .program = request.program,
          .version = request.version,
          .layout = memory_layout};
}

MountEnd serve_mounted(const MountRequest& request, const Guest& guest, const Source& source, Islands& islands,
                       int device, const Mounted& told, const std::function<void()>& ready) {
  SharedMemory memory(kept_at::bytes);
  auto& handover = *new (memory.at(kept_at::handover)) Handover;
  keep_first_request(handover, device);
  MountRecord record(told, guest.root.fd());
  const Fd listening = record.listen();
  return keep_serving({request, guest, source, islands, device, record, listening.get(), memory, handover, ::getpid(),
                       open_descriptors()},
                      told, islands, ready);
}

MountEnd mount_once(const MountRequest& request, const std::function<void()>& ready) {
  const auto place = find_place(request.dir);
  const auto guest = open_guest(place);
  const auto source = open_source(guest, request.flags);
  Islands islands(guest, request.native, request.flags);
  const auto told = told_of(request, place, islands);
  while (take_dead(told.mount_point)) continue;
  const auto device = open_fuse_device();
  mount_fuse(device.get(), vcow_type, place.path, told.mount_point, request.flags, {});
  try {
    return serve_mounted(request, guest, source, islands, device.get(), told, ready);
  } catch (...) {
    detach_mount(told.mount_point);
    throw;
  }
}

// What another program has left us, duplicated: it finds all of it again where we cannot go on. A worker closes it.
struct Inherited {
  explicit Inherited(const MountRequest& request)
      : memory(duplicate(request.memory)),
        handover(handover_in(memory)),
        place(find_guest(request.dir, read_mounts())),
        guest(guest_at(place, RootDir(place.root, duplicate(handover.descriptors.guest)))),
        source(source_of(guest, duplicate(handover.descriptors.root), duplicate(handover.descriptors.read_only),
                         duplicate(handover.descriptors.staging_parent))),
        islands(Islands::placed(guest, request.native)),
        told(told_of(request, place, islands)),
        device(duplicate(handover.descriptors.device)),
        listening(duplicate(handover.descriptors.listening)),
        record(duplicate(handover.descriptors.record), told, guest.root.fd()) {}

  SharedMemory memory;
  Handover& handover;
  GuestPlace place;
  Guest guest;
  Source source;
  Islands islands;
  Mounted told;
  Fd device, listening;
  MountRecord record;
};

// In the place of another program.
MountEnd go_on(const MountRequest& request) {
  std::optional<Inherited> has;
  try {
    has.emplace(request);
  } catch (const std::exception& error) {
    tell(error.what());
    go_back(request);
    throw;
  }
  Service service{request,     has->guest,           has->source, has->islands,  has->device.get(),
                  has->record, has->listening.get(), has->memory, has->handover, ::getpid(),
                  {}};
  service.descriptors = kept_open(service);
  try {
    return keep_serving(std::move(service), has->told, has->islands, [] {});
  } catch (const std::exception& error) {
    tell(error.what());
    detach_mount(has->told.mount_point);
    throw;
  }
}

MountEnd mount_anew(const MountRequest& request) {
  try {
    return mount_once(request, [] {});
  } catch (const std::exception& error) {
    tell(error.what());
    throw;
  }
}

}  // namespace

void serve_guest(const MountRequest& request, const std::function<void()>& ready) {
  const auto ours = open_descriptors();
  auto ended = request.memory < 0 ? mount_once(request, ready) : go_on(request);
  while (ended == MountEnd::to_be_mounted_anew) {
    close_all_but(ours);  // what a worker left open would keep the old mount waiting for an answer
    ended = mount_anew(request);
  }
}

}  // namespace vunify
