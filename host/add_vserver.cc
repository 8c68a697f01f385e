// SPDX-License-Identifier: Apache-2.0
#include "host/add_vserver.h"

#include <fcntl.h>
#include <stdio.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "host/config_file.h"
#include "host/new_guest.h"
#include "host/providers.h"
#include "host/vserver.h"
#include "host/xids.h"
#include "sys/at.h"

namespace vunify {
namespace {

namespace fs = std::filesystem;

constexpr auto aside_prefix = ".vreceive-";  // of a configuration that is not complete

void write_line(int dir, const char* leaf, const std::string& line) {
  const Fd file = open_at({dir, leaf}, O_WRONLY | O_CREAT | O_EXCL, 0644);
  write_all(file.get(), line + "\n", leaf);
}

void write_all_of(const fs::path& aside, const std::string& name, const std::string& root,
                  std::optional<std::uint32_t> context) {
  fs::create_directories(aside);
  const Fd dir = open_host(aside, O_RDONLY | O_DIRECTORY);
  write_line(dir.get(), "name", name);
  make_symlink_at(root.c_str(), {dir.get(), "vdir"});
  if (context) write_line(dir.get(), "context", std::to_string(*context));
  sync_filesystem(dir.get(), aside.string());
}

}  // namespace

std::string place_vserver(const std::string& config, const std::string& name) {
  if (!is_guest_name(name)) throw std::invalid_argument("is no name for a guest: letters, digits, - _ and . only");
  for (const auto& path : {config + "/" + name, config + "/" + name + ".conf"})
    if (is_there(path)) throw std::invalid_argument(path + " is there already");
  const auto base = vdirbase_of(config);
  std::error_code failed;
  const auto resolved = fs::canonical(base, failed);
  if (failed) throw std::invalid_argument(base + ": " + failed.message());
  return resolved / name;
}

bool is_context_free(std::uint32_t context, const std::string& config, const std::string& state_dir) {
  if (context < least_context || context >= first_own_xid) return false;
  auto hosts = host_guests(config, {});
  show_xids(state_dir, hosts);
  return std::ranges::none_of(hosts.guests, [&](const HostGuest& guest) { return guest.xid == context; });
}

void add_vserver(const std::string& config, const std::string& name, const std::string& root,
                 std::optional<std::uint32_t> context) {
  const auto leaf = aside_prefix + name;
  const auto aside = fs::path(config) / leaf;
  fs::remove_all(aside);  // of one that was killed
  write_all_of(aside, name, root, context);
  const Fd above = open_host(config, O_RDONLY | O_DIRECTORY);
  try {
    rename_at({above.get(), leaf.c_str()}, {above.get(), name.c_str()}, RENAME_NOREPLACE);
  } catch (const std::system_error&) {
    fs::remove_all(aside);
    throw;
  }
  sync_filesystem(above.get(), config);
}

}  // namespace vunify
