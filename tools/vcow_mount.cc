// SPDX-License-Identifier: Apache-2.0
#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>
#include <sstream>
#include <utility>

#include "fuse/log.h"
#include "fuse/mount.h"
#include "guest/adopted.h"
#include "host/config_file.h"
#include "host/dlimits.h"
#include "host/vserver.h"
#include "sys/background.h"
#include "sys/process.h"
#include "tools/choose.h"
#include "tools/limits.h"
#include "tools/native_limit.h"
#include "tools/one_guest.h"
#include "tools/text.h"
#include "tools/vcow.h"
#include "tools/vcow_all.h"

namespace vunify {
namespace {

struct MountOptions {
  MountRequest request;
  std::string config = "/etc/vservers";
  bool foreground = false;
  std::string log;
  bool all = false;
  std::string fstab = "/etc/fstab";
  std::vector<std::string> words;  // of the command line, that hold for each of all
};

constexpr std::array<std::pair<std::string_view, unsigned long>, 9> mount_flags = {{{"ro", MS_RDONLY},
                                                                                    {"nosuid", MS_NOSUID},
                                                                                    {"nodev", MS_NODEV},
                                                                                    {"noexec", MS_NOEXEC},
                                                                                    {"sync", MS_SYNCHRONOUS},
                                                                                    {"dirsync", MS_DIRSYNC},
                                                                                    {"noatime", MS_NOATIME},
                                                                                    {"nodiratime", MS_NODIRATIME},
                                                                                    {"strictatime", MS_STRICTATIME}}};
// What is so anyhow.
constexpr std::array<std::string_view, 9> usual = {
    "rw", "suid", "dev", "exec", "async", "relatime", "defaults", "allow_other", "default_permissions"};

constexpr std::string_view native = "native=", no_passthrough = "nopassthrough";

void take_option(const std::string& option, MountRequest& request) {
  const auto flag = std::ranges::find(mount_flags, option, &std::pair<std::string_view, unsigned long>::first);
  if (flag != mount_flags.end())
    request.flags |= flag->second;
  else if (option == no_passthrough)
    request.passthrough = false;
  else if (option.starts_with(native) && !option.substr(native.size()).starts_with('/'))
    throw std::invalid_argument("begins without /");
  else if (option.starts_with(native))
    request.native.push_back(option.substr(native.size()));
  else if (option.starts_with('/') && !request.native.empty())  // native=/home,/srv
    request.native.push_back(option);
  else if (std::ranges::find(usual, option) == usual.end())
    throw std::invalid_argument("no such mount option");
}

// What is wrong with one of many has to say with which.
void take_one(const std::string& option, const std::string& given, MountRequest& request) {
  try {
    take_option(option, request);
  } catch (const std::invalid_argument& wrong) {
    if (option == given) throw;
    throw std::invalid_argument(option + ": " + wrong.what());
  }
}

Take options_into(MountRequest& request) {
  return [&request](const std::string& given) {
    std::istringstream all(given);
    for (std::string option; std::getline(all, option, ',');) take_one(option, given, request);
  };
}

// Where another one lies at its path by now, its name says so (proc_pid_exe(5)).
std::string own_program() {
  constexpr std::string_view gone = " (deleted)";
  std::string program = std::filesystem::read_symlink("/proc/self/exe");
  if (program.ends_with(gone)) program.resize(program.size() - gone.size());
  return program;
}

// The same request as words, wherever the program that reads them stands.
std::vector<std::string> words_of(const MountOptions& options, const MountRequest& request) {
  std::vector<std::string> words{"mount", "--foreground", "--state", request.state_dir, "--config", options.config};
  const auto add = [&](const char* option, const std::string& value) { words.insert(words.end(), {option, value}); };
  if (!options.log.empty()) add("--log", options.log);
  if (request.xid) add("--xid", std::to_string(*request.xid));
  for (const auto& [name, flag] : mount_flags)
    if ((request.flags & flag) != 0) add("-o", std::string(name));
  if (!request.passthrough) add("-o", std::string(no_passthrough));
  for (const auto& dir : request.native) add("-o", std::string(native) + dir);
  words.push_back(request.dir);
  if (!request.point.empty()) words.push_back(request.point);
  return words;
}

Take memory_into(int& memory) {
  return [&memory](const std::string& given) {
    const auto number = parse_limit(given, std::numeric_limits<int>::max());
    if (!number || number->is_infinite) throw std::invalid_argument("not a number");
    memory = static_cast<int>(number->number);
  };
}

Take xid_into(std::optional<std::uint32_t>& xid) {
  return [&xid](const std::string& given) {
    const auto number = parse_limit(given, std::numeric_limits<std::uint32_t>::max());
    if (!number || number->is_infinite) throw std::invalid_argument("not a number");
    xid = static_cast<std::uint32_t>(number->number);
  };
}

// What is taken by itself, and for each of all guests.
Take noting(std::vector<std::string>& words, const std::string& name, Take take) {
  return [&words, name, take = std::move(take)](const std::string& given) {
    take(given);
    words.insert(words.end(), {name, given});
  };
}

void expect_operands(const MountOptions& options, const std::vector<std::string>& operands) {
  if (options.all && (!operands.empty() || options.foreground || options.request.xid))
    throw Failed(Exit::usage, "--all takes no GUEST, no --foreground and no --xid (see vcow mount --help)");
  if (!options.all && (operands.empty() || operands.size() > 2))
    throw Failed(Exit::usage, "mount takes GUEST [MOUNTPOINT] (see vcow mount --help)");
}

MountOptions parse_mount(int argc, char** argv) {
  MountOptions options;
  options.request.state_dir = "/var/lib/vunify";
  std::vector<std::string> operands;
  CommandLine line("mount [options] GUEST [MOUNTPOINT] | --all",
                   "Mounts a guest's root so that what it writes to is its own.");
  line.flag("--all", options.all, "every guest of this host that is adopted, or that fstab mounts with vcow");
  line.flag("-f,--foreground", options.foreground, "stay in the foreground");
  line.option("-o", "OPTION[,OPTION]", noting(options.words, "-o", options_into(options.request)),
              "mount options; nopassthrough: serve all data here; native=DIR[,DIR]: show these of the guest natively");
  line.option("--log", "FILE", noting(options.words, "--log", path_into(options.log)),
              "tell later errors there, not to the journal");
  line.option("--xid", "N", xid_into(options.request.xid),
              "whose limits hold, if not the context that the guest's configuration has");
  line.option("--state", "DIR", noting(options.words, "--state", path_into(options.request.state_dir)),
              "where the ledger of limits is (default: /var/lib/vunify)");
  line.option("--config", "DIR", noting(options.words, "--config", path_into(options.config)),
              "where guests and their limits are (default: /etc/vservers)");
  line.option("--fstab", "FILE", path_into(options.fstab), "whose options all are mounted with (default: /etc/fstab)");
  line.option("--memory", "N", memory_into(options.request.memory),
              "go on in the place of another vcow, which has left this; vcow upgrade gives it");
  line.operands("GUEST [MOUNTPOINT]", operands,
                "its name, or its root; where it is mounted, over itself if nowhere else");
  line.parse(argc, argv);
  expect_operands(options, operands);
  if (options.all) return options;
  options.request.dir = std::filesystem::absolute(root_named(operands.front(), options.config));
  if (operands.size() == 2) options.request.point = std::filesystem::absolute(operands.back());
  options.request.program = own_program();
  options.request.version = VUNIFY_VERSION;
  return options;
}

Exit exit_of(const std::system_error& error) { return is_error(error, EBUSY) ? Exit::locked : Exit::refused; }

// Of the guest that the configuration of util-vserver has there; none where it is wrong about itself.
std::optional<HostGuest> configured(const MountOptions& options) {
  const auto root = find_guest(options.request.dir, read_mounts()).path;
  for (auto& guest : vserver_guests(options.config).guests)
    if (guest.root == root && guest.xid) return std::move(guest);
  return std::nullopt;
}

// What is configured is set now; what was set by hand for others stays.
void find_limits(const MountOptions& options, MountRequest& request) {
  const auto guest = configured(options);
  if (!guest) return;
  if (!request.xid) request.xid = guest->xid;
  const auto limits = limits_of(*guest);
  if (limits.empty()) return;
  set_limits(open_ledger(request.state_dir), limits);
  follow_natively(limits);
}

void serve(const MountOptions& options, Background& background) {
  if (options.log.empty())
    open_log();
  else
    log_into(options.log);
  lift_limits(1 << 20);
  auto request = options.request;
  if (request.memory < 0) find_limits(options, request);
  if (request.memory < 0 && request.xid) open_ledger(request.state_dir);
  request.words = words_of(options, request);
  serve_guest(request, [&] { background.tell(0, {}); });
}

}  // namespace

Exit vcow_mount(int argc, char** argv) {
  const auto options = parse_mount(argc, argv);
  if (!is_root()) throw Failed(Exit::refused, "mounting needs root");
  if (options.all) return mount_all({options.config, options.fstab, options.words});
  Background background;
  if (!options.foreground)
    if (const auto began = background.part()) {
      if (began->code != 0) throw Failed(static_cast<Exit>(began->code), began->message);
      return Exit::done;
    }
  try {
    serve(options, background);
  } catch (const std::system_error& error) {
    const auto message = printable(error.what());
    background.tell(static_cast<int>(exit_of(error)), message);
    throw Failed(exit_of(error), message);
  } catch (const Failed& failed) {
    background.tell(static_cast<int>(failed.exit), failed.what());
    throw;
  } catch (const Misconfigured& wrong) {
    const auto message = printable(place_of(wrong.mistake)) + ": " + one_line(wrong.mistake.reason);
    background.tell(static_cast<int>(Exit::usage), message);
    throw Failed(Exit::usage, message);
  }
  return Exit::done;
}

}  // namespace vunify
