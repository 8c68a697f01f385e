// SPDX-License-Identifier: Apache-2.0
// One process of ours a guest, the usher, stays outside and is what is waited for. In private namespaces another one is
// the first of the PID namespace: with its end the kernel kills all others. Each is killed when its parent ends.
#include "inside/run_inside.h"

#include <fcntl.h>
#include <sched.h>

#include <csignal>
#include <limits>
#include <stdexcept>

#include "inside/confine.h"
#include "inside/private_root.h"
#include "sys/capability.h"
#include "sys/confined_by.h"
#include "sys/namespaces.h"
#include "sys/new_mount.h"
#include "sys/new_process.h"
#include "sys/pipe.h"

namespace vunify {
namespace {

constexpr std::uint64_t all_capabilities = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t longest_host_name = 64;  // HOST_NAME_MAX

std::string resolver_of_host() {
  try {
    return read_all(open_host("/etc/resolv.conf", O_RDONLY).get(), "/etc/resolv.conf");
  } catch (const std::system_error&) {
    return {};
  }
}

// Shows the tree as long as it lives, in this mount namespace.
class Shown {
 public:
  explicit Shown(const InsideRequest& request) {
    if (request.show.empty()) return;
    process_ = start_process([&](int parent) -> int {
      end_with(parent, SIGTERM);
      become_program(request.show, environment_inside(false));
    });
    held_ = hold_process(process_);
    if (!wait_for_mount(request.path, request.shown_as, held_.get())) throw std::runtime_error("vcow does not show it");
  }
  Shown(const Shown&) = delete;
  ~Shown() {
    if (!held_) return;
    signal_process(held_.get(), SIGTERM);
    wait_for_process(process_);
  }

 private:
  int process_ = 0;
  Fd held_;
};

int run_program(const InsideRequest& request) {
  const bool is_running = request.container.has_value();
  return tend(start_process([&](int) -> int { become_program(request.words, environment_inside(is_running)); }));
}

int be_first(const InsideRequest& request, const std::string& resolver) {
  make_private_root({request.path, request.name.substr(0, longest_host_name), resolver});
  refuse_abstract_sockets();
  confine(all_capabilities);
  return run_program(request);
}

int run_privately(const InsideRequest& request) {
  const auto resolver = resolver_of_host();
  close_other_files();
  part_mounts();
  const Shown shown(request);
  make_namespaces(CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP);
  return tend(start_process([&](int) { return be_first(request, resolver); }));
}

// All that it loses is lost before a process is made that the guest can see.
int run_in_container(const InsideRequest& request, int parent) {
  const auto& [process, held] = *request.container;
  const auto label = label_of(process);
  const auto bounding = bounding_capabilities(process);
  const Fd root = root_of_process(process);
  join_groups_of(process);
  if (label != label_of(::getpid())) take_label(label);
  enter_namespaces(held.get(), process);
  enter_root(root.get());
  become_root();
  end_with(parent, SIGKILL);
  confine(bounding);
  close_other_files();
  return run_program(request);
}

}  // namespace

Inside::Inside(const InsideRequest& request) {
  auto pipe = make_pipe();
  process_ = start_process([&](int parent) {
    take_streams(pipe.writes.get());
    hide_process();
    return request.container ? run_in_container(request, parent) : run_privately(request);
  });
  held_ = hold_process(process_);
  read_without_waiting(pipe.reads);  // the guest may open it as well (/proc/self/fd/1), and be there before us
  output_ = std::move(pipe.reads);
}

void Inside::interrupt() const { signal_process(held_.get(), SIGINT); }

void Inside::kill() const { signal_process(held_.get(), SIGKILL); }

int Inside::end() const { return wait_for_process(process_); }

}  // namespace vunify
