// SPDX-License-Identifier: Apache-2.0
#include "fuse/mount.h"

#include <fcntl.h>

#include <csignal>
#include <memory>

#include "fuse/log.h"
#include "fuse/operations.h"
#include "fuse/sandbox.h"
#include "fuse/served.h"
#include "fuse/workers.h"
#include "sys/fuse_device.h"
#include "sys/process.h"
#include "sys/stop_signals.h"

namespace vunify {
namespace {

// The daemon of it died: every call on it fails with ENOTCONN until it is gone.
void clear_dead_mount(const std::string& point) {
  for (;;) {
    try {
      open_host(point, O_PATH | O_DIRECTORY);
      stat_fd(open_host(point, O_RDONLY | O_DIRECTORY).get());
      return;
    } catch (const std::system_error& error) {
      if (!is_error(error, ENOTCONN) || !detach_mount(point)) throw;
    }
  }
}

Guest open_guest(const std::string& dir) {
  RootDir root(dir);
  auto mount = mount_of(root.fd());
  if (mount.type == mount_type) throw std::system_error(EBUSY, std::generic_category(), dir + " is mounted with vcow");
  const auto fs = fs_id(root.fd());
  return {.name = dir, .xid = {}, .root = std::move(root), .fs = fs, .mount = std::move(mount)};
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

}  // namespace

void serve_guest(const MountRequest& request, const std::function<void()>& ready) {
  clear_dead_mount(request.point);
  const auto guest = open_guest(request.dir);
  Served served(open_source(guest), open_fuse_device(), request.passthrough);
  tell_kept(served.source, request.dir);
  const auto session = open_session(served);
  const StopSignals signals;
  mount_fuse(served.device.get(), mount_type, request.dir, request.point, request.flags, {});
  enter_sandbox();
  Workers workers(session.get());
  workers.start([&] { signals.end(); });
  ready();
  while (signals.wait()) detach_mount(request.point);
}

}  // namespace vunify
