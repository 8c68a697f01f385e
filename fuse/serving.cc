// SPDX-License-Identifier: Apache-2.0
#include "fuse/serving.h"

#include <cstdlib>
#include <latch>
#include <memory>

#include "account/count_tree.h"
#include "fuse/changing.h"
#include "fuse/control.h"
#include "fuse/log.h"
#include "fuse/name_hold.h"
#include "fuse/operations.h"
#include "fuse/recovery.h"
#include "fuse/sandbox.h"
#include "fuse/served.h"
#include "fuse/status.h"
#include "fuse/workers.h"
#include "sys/fuse_device.h"
#include "sys/shared_descriptors.h"
#include "sys/stop_signals.h"
#include "sys/supervision.h"

namespace vunify {
namespace {

Seen seen_of(Served& served, const Guest& guest) {
  return {[&](Count count) { return count_tree(guest.root, count, served.source.hidden); },
          [&] { return served.nodes.opened(); }, [&](NodeId id) { return takes_now(served, id); },
          [&] { return outliving(served); }};
}

// Before anybody can write: what the ledger does not know is counted now, or, where nobody knows what another worker
// had taken, before the first change.
void begin_counting(Served& served, const Service& service) {
  const auto& request = service.request;
  if (!request.xid) return;
  const auto account = account_of(service.guest.root.fd(), *request.xid);
  if (service.handover.workers > 1)
    served.allowance.go_on(request.state_dir, account, seen_of(served, service.guest));
  else
    served.allowance.begin(request.state_dir, account, seen_of(served, service.guest));
}

void tell_kept(const Service& service) {
  for (const auto& leaf : service.source.staging->sweep())
    tell(service.guest.path() + ": an earlier daemon was stopped in a break; nobody's file " + leaf + " is kept in " +
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
  const auto device = "/dev/fd/" + std::to_string(duplicate(served.device).give_away());
  if (fuse_session_mount(session.get(), device.c_str()) != 0)
    throw std::system_error(EIO, std::generic_category(), "libfuse does not take the device");
  served.wire.attach(session.get());
  served.session = session.get();
  return session;
}

// After the kernel's first request it is known whether it reads and writes files by itself. Returns why not.
std::string agree_with_kernel(Served& served, const MountRequest& request) {
  fuse_buf buffer{};
  if (fuse_session_receive_buf(served.session, &buffer) > 0) fuse_session_process_buf(served.session, &buffer);
  std::free(buffer.mem);
  if (!request.passthrough) return "nopassthrough";
  if (!served.wire.has_passthrough()) return "the kernel has none";
  try {
    const Fd probe = make_unnamed(served.source.staging->fd());
    forget_backing(served.device, register_backing(served.device, probe.get()));
    served.backing.take_up(probe.get());
    return {};
  } catch (const std::system_error& error) {
    served.wire.give_passthrough_up();
    return error.code().message();
  }
}

// What another worker left open. Before the ledger is opened: whoever closes one of its files gives up all locks on it.
void close_unknown(const Service& service, const Served& served, std::unordered_set<int> open) {
  for (const int fd : service.descriptors) open.erase(fd);
  for (const int fd : served.nodes.descriptors()) open.erase(fd);
  for (const int fd : open) {
    const Fd closed(fd);
  }
}

void take_up(const Service& service, Served& served, const std::unordered_set<int>& left_open) {
  served.addresses.take_up();
  close_unknown(service, served, left_open);
  finish_requests_left(served);
  served.cow.take_up();
}

// What another worker was asked and did not answer comes again, before all else.
void begin_serving(const Service& service, Served& served, Workers& workers, Control& control, StopSignals& signals) {
  if (service.handover.workers > 1) resend_requests(service.device);
  service.handover.serves = true;
  Supervision::tell(service.supervisor);
  enter_sandbox();
  served.allowance.keep_up();
  workers.start([&] { signals.end(); });
  control.start();
}

void serve(const Service& service) {
  const auto left_open = open_descriptors();
  service.record.tell_worker(service.handover.replaced);
  tell_kept(service);
  Undo undo(service.memory, kept_at::undo);
  undo.roll_back();
  Served served(service.source, service.islands, service.device, service.memory, undo, service.handover.init_request(),
                service.request.passthrough);
  take_up(service, served, left_open);
  begin_counting(served, service);
  const auto session = open_session(served);
  service.record.tell_passthrough(agree_with_kernel(served, service.request));
  Breaks breaks(service.record, served.nodes);
  served.cow.count_in(breaks);
  StopSignals signals;
  Workers workers(served.session, served.requests);
  Control control(duplicate(service.listening));
  control.answer(ControlVerb::status, [&](const auto&) { return status_of(served, breaks); });
  control.converse(ControlVerb::hold,
                   [&](const auto& name, const auto& line) { return serve_hold(served, name, line); });
  control.answer(ControlVerb::let_go, [](const auto&) { return std::string(); });  // of what is not held
  begin_serving(service, served, workers, control, signals);
  while (signals.wait()) continue;  // whoever wants us to stop tells the supervisor, too
}

}  // namespace

void clean_up(const Service& service) noexcept {
  try {
    tell_kept(service);
    clear_birthplace(service.source.staging->fd());
  } catch (const std::exception& error) {  // it is met by the next mount
    tell(error.what());
  }
}

int start_worker(const Service& service) {
  std::latch is_closed_in(1);
  return start_sharing_files(
      [&] {
        is_closed_in.wait();
        return noting_failure(service.handover, [&] { serve(service); });
      },
      [&] {
        enter_sandbox();
        is_closed_in.count_down();
      });
}

}  // namespace vunify
