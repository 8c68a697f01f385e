// SPDX-License-Identifier: Apache-2.0
#include "sys/confined_by.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "sys/fd.h"
#include "sys/mount.h"

namespace vunify {
namespace {

std::string file_of(int process, const std::string& name) {
  const auto path = "/proc/" + std::to_string(process) + "/" + name;
  return read_all(open_host(path, O_RDONLY).get(), path);
}

// A line of /proc/PID/cgroup: "5:devices:/lxc/web", "1:name=systemd:/", or "0::/machine.slice/web", which is unified.
struct Group {
  std::string controllers, path;
  bool operator==(const Group&) const = default;
};

std::vector<Group> groups_of(int process) {
  std::vector<Group> groups;
  std::istringstream lines(file_of(process, "cgroup"));
  for (std::string number, controllers, path;
       std::getline(lines, number, ':') && std::getline(lines, controllers, ':') && std::getline(lines, path);)
    groups.push_back({controllers, path});
  return groups;
}

// A controller is of one hierarchy: the first one tells which.
bool is_hierarchy_of(const Group& group, const Mount& mount) {
  if (group.controllers.empty()) return mount.type == "cgroup2";
  const auto first = "," + group.controllers.substr(0, group.controllers.find(',')) + ",";
  return mount.type == "cgroup" && ("," + mount.super_options + ",").find(first) != std::string::npos;
}

// Empty where the mount does not show it. One outside our cgroup namespace begins with "/..".
std::string shown_at(const Mount& mount, const Group& group) {
  const auto root = mount.root == "/" ? "" : mount.root;
  if (mount.point.empty() || !(group.path + "/").starts_with(root + "/")) return {};
  const auto beneath = group.path.substr(root.size());
  return (beneath + "/").starts_with("/../") ? "" : mount.point + beneath;
}

void join(const Group& group, const std::vector<Mount>& mounts) {
  for (const auto& mount : mounts) {
    const auto shown = is_hierarchy_of(group, mount) ? shown_at(mount, group) : "";
    if (shown.empty()) continue;
    const auto processes = shown + "/cgroup.procs";
    return write_all(open_host(processes, O_WRONLY).get(), "0", processes);
  }
  const auto hierarchy = group.controllers.empty() ? "the unified hierarchy" : group.controllers;
  throw std::runtime_error("its control group " + group.path + " cannot be joined: " + hierarchy +
                           " is not mounted where it is shown");
}

// include/uapi/linux/landlock.h of Linux 6.12.
struct LandlockRules {
  std::uint64_t files = 0, network = 0, scoped = 0;
};
constexpr std::uint64_t abstract_sockets = 1;

}  // namespace

void join_groups_of(int process) {
  const auto mounts = read_mounts();
  const auto own = groups_of(::getpid());
  for (const auto& group : groups_of(process))
    if (!std::ranges::count(own, group)) join(group, mounts);
}

// The kernel answers EINVAL where no module keeps labels.
std::string label_of(int process) {
  try {
    auto label = file_of(process, "attr/current");
    label.erase(std::find_if(label.begin(), label.end(), [](char c) { return c == '\n' || c == '\0'; }), label.end());
    return label == "unconfined" || label == "kernel" ? "" : label;
  } catch (const std::system_error& error) {
    if (is_error(error, EINVAL)) return {};
    throw;
  }
}

// AppArmor tells a profile and its mode, "web (enforce)", and takes "exec web"; SELinux takes what it tells.
void take_label(const std::string& label) {
  if (label.empty()) return;
  const auto mode = label.ends_with(')') ? label.rfind(" (") : std::string::npos;
  const auto asked = mode == std::string::npos ? label : "exec " + label.substr(0, mode);
  const std::string path = "/proc/thread-self/attr/exec";
  write_all(open_host(path, O_WRONLY).get(), asked, path);
}

bool refuse_abstract_sockets() {
  const LandlockRules rules{.scoped = abstract_sockets};
  const Fd set(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0)));
  return set && ::syscall(SYS_landlock_restrict_self, set.get(), 0) == 0;
}

}  // namespace vunify
