// SPDX-License-Identifier: Apache-2.0
// vcow upgrade: the program as it was installed takes the place of the one that serves a guest. The guest's programs
// wait for some milliseconds, and what they have open stays open (fuse/supervisor).
#include <chrono>
#include <filesystem>
#include <thread>

#include "fuse/handover.h"
#include "guest/mounted.h"
#include "sys/process.h"
#include "sys/supervision.h"
#include "tools/one_guest.h"
#include "tools/text.h"
#include "tools/vcow.h"

namespace vunify {
namespace {

struct UpgradeOptions {
  std::vector<std::string> guests;
  bool all = false;
  std::string config = "/etc/vservers", run_dir = vcow_run_dir;
};

UpgradeOptions parse_upgrade(int argc, char** argv) {
  UpgradeOptions options;
  CommandLine line("upgrade [options] GUEST...|--all",
                   "Has this program serve guests that another one mounted; nobody in them notices.");
  line.flag("--all", options.all, "all that vcow shows");
  line.option("--config", "DIR", path_into(options.config),
              "where this host's guests are configured (default: /etc/vservers)");
  line.option("--run", "DIR", into(options.run_dir), "where each vcow notes what it does (default: /run/vcow)");
  line.operands("GUEST...", options.guests, "their names, or where they are seen");
  line.parse(argc, argv);
  if (options.all != options.guests.empty()) throw Failed(Exit::usage, "upgrade takes GUEST... or --all");
  for (auto& guest : options.guests)
    guest = std::filesystem::absolute(root_named(guest, options.config) + "/.").lexically_normal().parent_path();
  return options;
}

std::optional<Mounted> find(const std::string& guest, const std::string& run_dir) {
  for (auto& one : list_mounted(run_dir))
    if (one.is_alive && (one.mount_point == guest || one.path == guest)) return std::move(one);
  return std::nullopt;
}

bool has_come(const Mounted& before, const std::string& run_dir) {
  const auto now = find(before.mount_point, run_dir);
  if (now && now->returns > before.returns)
    throw Failed(Exit::refused, "the program died, and the one before it goes on");
  return now && now->programs > before.programs;
}

// It executes what lies at its own path, and nothing that anybody tells it. What this program, which is it, keeps in
// another way it would not understand.
void expect_upgradable(const Mounted& one) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe");
  if (one.program != program) throw Failed(Exit::refused, "is served by " + one.program + ": call that one");
  if (one.layout != memory_layout)
    throw Failed(Exit::refused, "its memory has layout " + std::to_string(one.layout) + ", this program's has " +
                                    std::to_string(memory_layout) + ": mount it anew");
}

void upgrade(const Mounted& one, const std::string& run_dir) {
  constexpr auto patience = std::chrono::seconds(10);
  constexpr auto between_looks = std::chrono::milliseconds(10);
  expect_upgradable(one);
  if (!ask_to_replace(one.process)) throw Failed(Exit::refused, "has ended");
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!has_come(one, run_dir)) {
    if (std::chrono::steady_clock::now() > end) throw Failed(Exit::refused, "goes on with the program it had");
    std::this_thread::sleep_for(between_looks);
  }
}

bool try_upgrade(const std::string& guest, const std::string& run_dir) {
  try {
    const auto one = find(guest, run_dir);
    if (!one) throw Failed(Exit::refused, "no vcow shows it");
    upgrade(*one, run_dir);
    return true;
  } catch (const std::runtime_error& error) {
    complain(printable(guest) + ": " + printable(error.what()));
    return false;
  }
}

}  // namespace

Exit vcow_upgrade(int argc, char** argv) {
  auto options = parse_upgrade(argc, argv);
  if (!is_root()) throw Failed(Exit::refused, "only root upgrades");
  if (options.all)
    for (const auto& one : list_mounted(options.run_dir))
      if (one.is_alive) options.guests.push_back(one.mount_point);
  std::size_t done = 0;
  for (const auto& guest : options.guests) done += try_upgrade(guest, options.run_dir) ? 1 : 0;
  if (done == options.guests.size()) return Exit::done;
  return done == 0 ? Exit::refused : Exit::partial;
}

}  // namespace vunify
