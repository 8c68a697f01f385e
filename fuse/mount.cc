// SPDX-License-Identifier: Apache-2.0
#include "fuse/mount.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <cstdlib>
#include <future>
#include <memory>

#include "account/count_tree.h"
#include "fuse/log.h"
#include "fuse/operations.h"
#include "fuse/sandbox.h"
#include "fuse/served.h"
#include "fuse/unmount.h"
#include "fuse/workers.h"
#include "guest/adopted.h"
#include "guest/mounted.h"
#include "sys/directory.h"
#include "sys/fuse_device.h"
#include "sys/mount_tree.h"
#include "sys/process.h"
#include "sys/stop_signals.h"
#include "sys/umount_helper.h"

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

// Its root is locked as long as it is open: nobody else shows it, and vunify leaves it alone.
Guest open_guest(const GuestPlace& place) {
  RootDir root(place.root);
  if (place.is_mounted || !lock_root(root.fd(), lock_exclusively))
    throw std::system_error(EBUSY, std::generic_category(),
                            place.path + " is mounted with vcow, or vunify is at work in it");
  auto mount = mount_of(root.fd());
  const auto fs = fs_id(root.fd());
  return {.name = place.path, .xid = {}, .root = std::move(root), .fs = fs, .mount = std::move(mount)};
}

// Before anybody can write: what the ledger does not know is counted now.
void begin_counting(Served& served, const MountRequest& request, const Guest& guest) {
  if (!request.xid) return;
  served.allowance.begin(request.state_dir, account_of(guest.root.fd(), *request.xid),
                         [&](Count count) { return count_tree(guest.root, count, served.source.hidden); });
}

void tell_kept(const Source& source, const std::string& dir) {
  for (const auto& leaf : source.staging->sweep())
    tell(dir + ": an earlier daemon was stopped in a break; nobody's file " + leaf + " is kept in " +
         break_staging_leaf);
}

using Session = std::unique_ptr<fuse_session, decltype(&fuse_session_destroy)>;

Session open_session(Served& served) {
  static const auto all = operations();
  char name[] = "vcow";
  char* arguments[] = {name, nullptr};
  fuse_args args = FUSE_ARGS_INIT(1, arguments);
  Session session(fuse_session_new(&args, &all, sizeof all, &served.wire), fuse_session_destroy);
  if (!session) throw std::bad_alloc();
  // The session closes what it is given.
  const auto device = "/dev/fd/" + std::to_string(duplicate(served.device.get()).give_away());
  if (fuse_session_mount(session.get(), device.c_str()) != 0)
    throw std::system_error(EIO, std::generic_category(), "libfuse does not take the device");
  served.wire.attach(session.get());
  served.session = session.get();
  return session;
}

// The kernel's first request is INIT; then it is known whether it reads and writes files by itself. Returns why not.
std::string begin(Served& served, const MountRequest& request) {
  fuse_buf buffer{};
  if (fuse_session_receive_buf(served.session, &buffer) > 0) fuse_session_process_buf(served.session, &buffer);
  std::free(buffer.mem);
  if (!request.passthrough) return "nopassthrough";
  if (!served.wire.has_passthrough()) return "the kernel has none";
  try {
    const Fd probe = make_unnamed(served.source.staging->fd());
    forget_backing(served.device.get(), register_backing(served.device.get(), probe.get()));
    return {};
  } catch (const std::system_error& error) {
    served.wire.give_passthrough_up();
    return error.code().message();
  }
}

void unmount(const std::string& point) {
  try {
    take_islands(point);
    detach_mount(point);
  } catch (const std::system_error& error) {
    tell(error.what());
  }
}

void place_islands(Served& served, const Mounted& told) {
  if (told.native.empty()) return;
  served.islands.place(told.mount_point);
  if (!name_umount_helper(vcow_type, told.path, told.mount_point))
    tell(told.mount_point + ": umount(8) is not told of its islands: vcow umount, or umount -R, ends it");
}

// The islands are placed by way of what is served, and not from inside the sandbox.
void begin_serving(Served& served, Workers& workers, StopSignals& signals, const Mounted& told) {
  std::async(std::launch::async, [&] {
    enter_sandbox();
    workers.start([&] { signals.end(); });
    served.allowance.keep_up();
  }).get();
  try {
    place_islands(served, told);
    enter_sandbox();
  } catch (...) {
    unmount_path(told.mount_point, MNT_FORCE | MNT_DETACH);
    while (signals.wait()) continue;
    throw;
  }
}

void serve(Served& served, const Mounted& told, const Guest& guest, const std::function<void()>& ready) {
  MountRecord record(told, guest.root.fd());
  served.cow.count_in(record);
  StopSignals signals;
  Workers workers(served.session);
  begin_serving(served, workers, signals, told);
  ready();
  while (signals.wait()) unmount(told.mount_point);
}

}  // namespace

void serve_guest(const MountRequest& request, const std::function<void()>& ready) {
  const auto place = find_place(request.dir);
  const auto& point = request.point.empty() ? place.path : request.point;
  const auto guest = open_guest(place);
  Served served(open_source(guest), Islands(guest, request.native, request.flags), open_fuse_device(),
                request.passthrough);
  tell_kept(served.source, place.path);
  begin_counting(served, request, guest);
  const auto session = open_session(served);
  mount_fuse(served.device.get(), vcow_type, place.path, point, request.flags, {});
  try {
    const auto no_passthrough = begin(served, request);
    serve(served,
          {.path = place.path, .mount_point = point, .no_passthrough = no_passthrough, .native = served.islands.told()},
          guest, ready);
  } catch (...) {
    detach_mount(point);
    throw;
  }
}

}  // namespace vunify
