// SPDX-License-Identifier: Apache-2.0
#include "host/nspawn.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <charconv>

#include "host/config_file.h"
#include "host/ini.h"
#include "sys/inode.h"

namespace vunify {
namespace {

constexpr std::string_view image_suffix = ".raw";

// Whom root is mapped to where systemd picks it: CONTAINER_UID_BASE_MIN and _MAX of its build, 65536 each.
constexpr std::uint32_t least_picked = 0x80000, greatest_picked = 0x6fff0000, picked_range = 0x10000;

bool is_picked(std::uint32_t uid) { return uid >= least_picked && uid <= greatest_picked && uid % picked_range == 0; }

std::optional<std::uint32_t> first_number(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_whole = end == text.data() + text.size() || *end == ':';
  return error == std::errc() && is_whole ? std::optional(number) : std::nullopt;
}

bool is_no(std::string_view word) {
  return word == "no" || word == "false" || word == "off" || word == "n" || word == "f" || word == "0" ||
         word == "identity";
}

// The first of the three that is there.
struct SettingsFile {
  std::string path;
  std::string text;
};
SettingsFile find_settings(const std::string& host, const std::string& name) {
  for (const auto* place : {"/etc/systemd/nspawn/", "/run/systemd/nspawn/", "/var/lib/machines/"}) {
    const auto path = host + place + name + ".nspawn";
    if (auto text = read_config(path)) return {path, *text};
  }
  return {};
}

ToldGuest begin_machine(const std::string& name, const std::string& path) {
  HostGuest guest{.provider = "nspawn", .name = name, .root = path, .config = path};
  return {.guest = std::move(guest), .file = path};
}

ToldGuest tell_image(const std::string& name, const std::string& path) {
  auto told = begin_machine(name, path);
  told.guest.root.clear();
  told.guest.left_alone = reason::image;
  return told;
}

// By -U alone a tree whose filesystem has no idmapped mounts gets other owners: they tell it.
ToldGuest tell_directory(const std::string& host, const std::string& name, const std::string& path,
                         std::uint32_t owner) {
  auto told = begin_machine(name, path);
  const auto [file, text] = find_settings(host, name);
  if (!file.empty()) told.guest.config = file;
  const auto settings = read_nspawn_settings(text);
  told.owner = is_picked(owner) ? owner : settings.owner.value_or(0);
  if (settings.changes_owners && settings.is_mapped)
    told.guest.no_links =
        told.owner == 0 ? "owners shifted when it starts: idmapped mounts or reflink" : reason::shifted(told.owner);
  if (settings.is_overlay) told.guest.left_alone = reason::overlay;
  if (name.ends_with(".tmp")) told.guest.left_alone = reason::incomplete;
  return told;
}

void add_machine(Told& told, const std::string& host, const std::string& name, const std::string& path) {
  const auto inode = stat_name(AT_FDCWD, path.c_str());
  if (!inode || name == "lost+found") return;
  const bool is_link = S_ISLNK(inode->mode);
  if (name.ends_with(image_suffix) && !inode->is_directory())
    told.guests.push_back(tell_image(name.substr(0, name.size() - image_suffix.size()), path));
  else if (inode->is_directory())
    told.guests.push_back(tell_directory(host, name, path, inode->uid));
  else if (is_link)
    told.guests.push_back(begin_machine(name, path));
}

}  // namespace

NspawnSettings read_nspawn_settings(std::string_view text) {
  NspawnSettings settings;
  for (const auto& [section, key, value, line] : read_ini(text)) {
    if (section == "Exec" && key == "PrivateUsers") {
      settings.owner = first_number(value);
      settings.is_mapped = !is_no(value);
    }
    if (section == "Files" && key == "PrivateUsersOwnership") settings.changes_owners = value == "chown";
    if (section == "Files" && key == "PrivateUsersChown")
      settings.changes_owners = !is_no(value);  // before systemd 249
    if (section == "Files" && key == "Volatile") settings.is_overlay = value == "overlay";
  }
  return settings;
}

Told nspawn_guests(const std::string& host) {
  Told told;
  const auto machines = host + "/var/lib/machines";
  told.add(machines, [&] {
    for (const auto& name : config_names(machines)) {
      const auto path = machines + "/" + name;
      told.add(path, [&] { add_machine(told, host, name, path); });
    }
  });
  return told;
}

}  // namespace vunify
