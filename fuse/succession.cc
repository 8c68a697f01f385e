// SPDX-License-Identifier: Apache-2.0
#include "fuse/succession.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <utility>

#include "fuse/kept_at.h"
#include "fuse/log.h"
#include "guest/adopted.h"
#include "sys/mount_tree.h"
#include "sys/supervision.h"

namespace vunify {
namespace {

std::vector<std::string> words_of(const MountRequest& request, int memory) {
  auto words = request.words;
  words.insert(words.end(), {"--memory", std::to_string(memory)});
  return words;
}

void hand_over(const Service& service, int program) {
  service.handover.descriptors = {.guest = service.guest.root.fd(),
                                  .device = service.device,
                                  .root = service.source.root.get(),
                                  .read_only = service.source.read_only.get(),
                                  .staging_parent = service.source.staging->parent(),
                                  .record = service.record.fd(),
                                  .listening = service.listening,
                                  .program = program};
}

void become_before(const MountRequest& request, Handover& handover, int memory) {
  const int program = std::exchange(handover.descriptors.program, -1);
  if (program < 0) return;
  handover.went_back = true;
  tell("the program that was to go on cannot: the one before it does");
  tell("which cannot either: " + become(proc_path(program), words_of(request, memory)));
}

}  // namespace

Handover& handover_in(const SharedMemory& memory) {
  auto& handover = *static_cast<Handover*>(static_cast<void*>(memory.at(kept_at::handover)));
  if (handover.layout != memory_layout) throw std::system_error(EPROTO, std::generic_category(), "memory's layout");
  return handover;
}

void give_way(const Service& service) {
  const auto& program = service.request.program;
  const Fd own = open_host("/proc/self/exe", O_RDONLY);
  hand_over(service, own.get());
  tell("cannot become " + program + ": " + become(program, words_of(service.request, service.memory.fd())));
  service.handover.descriptors.program = -1;
}

void go_back(const Service& service) {
  hand_over(service, service.handover.descriptors.program);
  become_before(service.request, service.handover, service.memory.fd());
}

void go_back(const MountRequest& request) {
  const SharedMemory memory(duplicate(request.memory));
  become_before(request, handover_in(memory), request.memory);
  const auto point = request.point.empty() ? find_guest(request.dir, read_mounts()).path : request.point;
  unmount_path(point, MNT_FORCE | MNT_DETACH);
}

}  // namespace vunify
