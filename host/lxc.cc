// SPDX-License-Identifier: Apache-2.0
#include "host/lxc.h"

#include <fcntl.h>

#include <sstream>

#include "host/config_file.h"
#include "host/lxc_config.h"
#include "sys/directory.h"
#include "sys/inode.h"
#include "sys/root_dir.h"
#include "sys/told_path.h"

namespace vunify {
namespace {

constexpr std::size_t most_of_others = 1000;  // containers of one user that are told of
constexpr std::size_t most_names = 100'000;   // of one who has more nothing is told

std::string lxcpath_of(const std::string& host) {
  const auto file = host + "/etc/lxc/lxc.conf";
  auto lxcpath = host + "/var/lib/lxc";
  for (const auto& [key, value, line] : read_lxc_settings(read_config(file).value_or(""), file)) {
    if (key != "lxc.lxcpath") continue;
    if (!value.starts_with('/')) throw Misconfigured({file, line, "lxc.lxcpath is not an absolute path"});
    lxcpath = value;
  }
  return lxcpath;
}

void put_root(ToldGuest& told, const LxcConfig& config) {
  auto [kind, places] = parse_lxc_root(config.root);
  told.file = config.root_at.file;
  told.line = config.root_at.line;
  if (kind == "overlay") {
    told.guest.left_alone = reason::overlay;
    told.layers = std::move(places);
  } else if (kind == "zfs") {
    told.guest.left_alone = reason::own_filesystem;
  } else if (kind != "dir" && kind != "btrfs") {
    told.guest.left_alone = reason::image;
  } else {
    told.guest.root = std::move(places.front());
  }
}

ToldGuest begin_container(const std::string& name, const std::string& file) {
  HostGuest guest{.provider = "lxc", .name = name, .root = {}, .config = file};
  return {.guest = std::move(guest), .file = file};
}

ToldGuest tell_container(const std::string& name, const std::string& directory) {
  auto told = begin_container(name, directory + "/config");
  if (is_there(directory + "/partial")) {
    told.guest.left_alone = reason::incomplete;
    return told;
  }
  const auto config = read_lxc_config(told.file);
  if (config.root.empty()) throw Misconfigured(told.file, "names no lxc.rootfs.path");
  put_root(told, config);
  if (!config.is_idmapped) told.owner = config.root_user.value_or(0);
  return told;
}

ToldGuest tell_of_user(const std::string& name, const std::string& file) {
  auto told = begin_container(name, file);
  told.guest.left_alone = reason::user_owned;
  return told;
}

bool is_roots(const std::string& directory) {
  const auto inode = stat_name(AT_FDCWD, directory.c_str());
  return !inode || inode->uid == 0;
}

// dir: open, by its path; whoever it belongs to, nothing of it is read but its names.
void add_of_others(Told& told, int dir, const std::string& path, const std::string& before_name) {
  std::size_t count = 0;
  for (const auto& name : list_names(dir, most_names)) {
    if (count == most_of_others) return;
    const auto inode = stat_name(dir, name.c_str());
    const bool is_container = inode && inode->is_directory() && !name.starts_with('.');
    if (!is_container) continue;
    told.guests.push_back(tell_of_user(before_name + name, path + "/" + name));
    ++count;
  }
}

void add_containers(Told& told, const std::string& lxcpath) {
  if (!is_roots(lxcpath)) return add_of_others(told, RootDir(lxcpath).fd(), lxcpath, "");
  for (const auto& name : config_names(lxcpath)) {
    const auto directory = lxcpath + "/" + name;
    if (!is_there(directory + "/config")) continue;
    told.add(directory, [&] { told.guests.push_back(tell_container(name, directory)); });
  }
}

// No symlink and no mount in it is followed.
void add_of_user(Told& told, const std::string& user, const std::string& home) {
  const std::string path = ".local/share/lxc";
  const RootDir dir(home);
  add_of_others(told, dir.open_directory(path).get(), home + "/" + path, user + "/");
}

// passwd(5), the host's own: to ask all that may know of a user could wait for a network.
void add_of_users(Told& told, const std::string& host) {
  const auto mounts = read_mounts();
  std::istringstream lines(read_data(host + "/etc/passwd").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string user, password, uid, gid, comment, home;
    for (auto* field : {&user, &password, &uid, &gid, &comment, &home}) std::getline(fields, *field, ':');
    if (uid == "0" || !home.starts_with('/') || home == "/" || may_never_answer(mounts, host + home)) continue;
    try {
      add_of_user(told, user, host + home);
    } catch (const std::system_error&) {  // who has none there, which is nearly everybody
    }
  }
}

}  // namespace

Told lxc_guests(const std::string& host) {
  Told told;
  told.add(host + "/var/lib/lxc", [&] { add_containers(told, lxcpath_of(host)); });
  told.add(host + "/etc/passwd", [&] { add_of_users(told, host); });
  return told;
}

}  // namespace vunify
