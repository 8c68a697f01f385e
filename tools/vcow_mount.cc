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
#include "tools/text.h"
#include "tools/vcow.h"

namespace vunify {
namespace {

struct Options {
  MountRequest request;
  std::string config = "/etc/vservers";
  bool foreground = false;
  std::string log;
};

constexpr std::array<std::pair<std::string_view, unsigned long>, 7> mount_flags = {{{"ro", MS_RDONLY},
                                                                                    {"nosuid", MS_NOSUID},
                                                                                    {"nodev", MS_NODEV},
                                                                                    {"noexec", MS_NOEXEC},
                                                                                    {"sync", MS_SYNCHRONOUS},
                                                                                    {"dirsync", MS_DIRSYNC},
                                                                                    {"noatime", MS_NOATIME}}};
// What is so anyhow.
constexpr std::array<std::string_view, 8> usual = {"rw",    "suid",     "dev",         "exec",
                                                   "async", "defaults", "allow_other", "default_permissions"};

constexpr std::string_view native = "native=";

void take_option(const std::string& option, MountRequest& request) {
  const auto flag = std::ranges::find(mount_flags, option, &std::pair<std::string_view, unsigned long>::first);
  if (flag != mount_flags.end())
    request.flags |= flag->second;
  else if (option == "nopassthrough")
    request.passthrough = false;
  else if (option.starts_with(native))
    request.native.push_back(option.substr(native.size()));
  else if (option.starts_with('/') && !request.native.empty())  // native=/home,/srv
    request.native.push_back(option);
  else if (std::ranges::find(usual, option) == usual.end())
    throw std::invalid_argument("no such mount option: " + option);
}

Take options_into(MountRequest& request) {
  return [&request](const std::string& given) {
    std::istringstream all(given);
    for (std::string option; std::getline(all, option, ',');) take_option(option, request);
  };
}

Take xid_into(std::optional<std::uint32_t>& xid) {
  return [&xid](const std::string& given) {
    const auto number = parse_limit(given, std::numeric_limits<std::uint32_t>::max());
    if (!number || number->is_infinite) throw std::invalid_argument("not a number");
    xid = static_cast<std::uint32_t>(number->number);
  };
}

Options parse(int argc, char** argv) {
  Options options;
  options.request.state_dir = "/var/lib/vunify";
  std::vector<std::string> operands;
  CommandLine line("mount [options] DIR [MOUNTPOINT]", "Mounts a guest's root so that what it writes to is its own.");
  line.flag("-f,--foreground", options.foreground, "stay in the foreground");
  line.option("-o", "OPTION[,OPTION]", options_into(options.request),
              "mount options; nopassthrough: serve all data here; native=DIR[,DIR]: show these of the guest natively");
  line.option("--log", "FILE", into(options.log), "tell later errors there, not to the journal");
  line.option("--xid", "N", xid_into(options.request.xid),
              "whose limits hold, if not the context that the guest's configuration has");
  line.option("--state", "DIR", path_into(options.request.state_dir),
              "where the ledger of limits is (default: /var/lib/vunify)");
  line.option("--config", "DIR", path_into(options.config),
              "where guests and their limits are (default: /etc/vservers)");
  line.operands("DIR [MOUNTPOINT]", operands, "the guest's root; where it is mounted, over itself if nowhere else");
  line.parse(argc, argv);
  if (operands.empty() || operands.size() > 2)
    throw Failed(Exit::usage, "mount takes DIR [MOUNTPOINT] (see vcow mount --help)");
  options.request.dir = std::filesystem::absolute(operands.front());
  if (operands.size() == 2) options.request.point = std::filesystem::absolute(operands.back());
  return options;
}

Exit exit_of(const std::system_error& error) { return is_error(error, EBUSY) ? Exit::locked : Exit::refused; }

// Of the guest that the configuration of util-vserver has there; none where it is wrong about itself.
std::optional<HostGuest> configured(const Options& options) {
  const auto root = find_guest(options.request.dir, read_mounts()).path;
  for (auto& guest : vserver_guests(options.config).guests)
    if (guest.root == root && guest.xid) return std::move(guest);
  return std::nullopt;
}

// What is configured is set now; what was set by hand for others stays.
void find_limits(const Options& options, MountRequest& request) {
  const auto guest = configured(options);
  if (!guest) return;
  if (!request.xid) request.xid = guest->xid;
  const auto limits = limits_of(*guest);
  if (!limits.empty()) set_limits(open_ledger(request.state_dir), limits);
}

void serve(const Options& options, Background& background) {
  if (options.log.empty())
    open_log();
  else
    log_into(options.log);
  lift_limits(1 << 20);
  auto request = options.request;
  find_limits(options, request);
  if (request.xid) open_ledger(request.state_dir);
  serve_guest(request, [&] { background.tell(0, {}); });
}

}  // namespace

Exit vcow_mount(int argc, char** argv) {
  const auto options = parse(argc, argv);
  if (!is_root()) throw Failed(Exit::refused, "mounting needs root");
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
