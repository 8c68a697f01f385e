// SPDX-License-Identifier: Apache-2.0
#include "host/schroot.h"

#include <algorithm>
#include <cctype>

#include "host/config_file.h"
#include "host/ini.h"

namespace vunify {
namespace {

std::string value_of(const std::vector<IniSetting>& settings, const std::string& section, std::string_view key) {
  const auto* setting = find_setting(settings, section, key);
  return setting == nullptr ? std::string() : setting->value;
}

// Of a type that has no tree of its own to be named.
const char* reason_by_type(const std::string& type) {
  if (type == "zfs-snapshot") return reason::own_filesystem;
  if (type == "btrfs-snapshot") return reason::own_subvolume;
  return reason::image;
}

ToldGuest tell_chroot(const std::vector<IniSetting>& settings, const std::string& name, const std::string& file) {
  HostGuest guest{.provider = "schroot", .name = name, .root = {}, .config = file};
  ToldGuest told{.guest = std::move(guest), .file = file};
  const auto type = value_of(settings, name, "type");
  if (!type.empty() && type != "plain" && type != "directory") {
    told.guest.left_alone = reason_by_type(type);
    return told;
  }
  const auto* directory = find_setting(settings, name, "directory");
  if (directory == nullptr) directory = find_setting(settings, name, "location");  // before 1.0
  if (directory != nullptr) told.line = directory->line, told.guest.root = directory->value;
  const auto over = value_of(settings, name, "union-type");
  if (over.empty() || over == "none") return told;
  told.guest.left_alone = reason::overlay;
  told.layers = {told.guest.root};
  return told;
}

void add_file(Told& told, const std::string& file) {
  told.add(file, [&] {
    for (auto& chroot : read_schroots(read_config(file).value_or(""), file))
      if (chroot.guest.root.empty() && chroot.guest.left_alone.empty())
        told.mistakes.push_back({file, 0, "chroot " + chroot.guest.name + " names no directory"});
      else
        told.guests.push_back(std::move(chroot));
  });
}

bool is_word(std::string_view text, std::string_view others) {
  return !text.empty() && std::ranges::all_of(text, [others](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || others.find(c) != others.npos;
  });
}

}  // namespace

std::vector<ToldGuest> read_schroots(std::string_view text, const std::string& file) {
  const auto settings = read_ini(text);
  std::vector<std::string> names;
  for (const auto& setting : settings)
    if (std::ranges::find(names, setting.section) == names.end()) names.push_back(setting.section);
  std::vector<ToldGuest> chroots;
  for (const auto& name : names)
    if (!name.empty()) chroots.push_back(tell_chroot(settings, name, file));
  return chroots;
}

bool is_schroot_file(const std::string& name) {
  const auto dash = name.rfind('-');
  if (name.find('.') == name.npos || dash == name.npos) return is_word(name, "_-");
  return is_word(name.substr(0, dash), "_-.") && is_word(name.substr(dash + 1), "");
}

Told schroot_guests(const std::string& host) {
  Told told;
  const auto directory = host + "/etc/schroot/chroot.d";
  add_file(told, host + "/etc/schroot/schroot.conf");
  told.add(directory, [&] {
    for (const auto& name : config_names(directory))
      if (is_schroot_file(name)) add_file(told, directory + "/" + name);
  });
  return told;
}

}  // namespace vunify
