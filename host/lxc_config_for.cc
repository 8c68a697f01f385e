// SPDX-License-Identifier: Apache-2.0
// An LXC configuration, line by line, for another name and directory.
#include <fmt/format.h>

#include <random>
#include <sstream>

#include "host/new_guest.h"

namespace vunify {
namespace {

std::string trimmed(const std::string& text) {
  const auto from = text.find_first_not_of(" \t"), to = text.find_last_not_of(" \t\r");
  return from == std::string::npos ? "" : text.substr(from, to - from + 1);
}

std::string new_hardware_address() {
  std::random_device random;
  return fmt::format("00:16:3e:{:02x}:{:02x}:{:02x}", random() & 0xffU, random() & 0xffU, random() & 0xffU);
}

std::string with_directory(std::string value, const std::string& old_dir, const std::string& new_dir) {
  const auto old_beginning = old_dir + "/", new_beginning = new_dir + "/";
  for (std::size_t at = 0; (at = value.find(old_beginning, at)) != std::string::npos; at += new_beginning.size())
    value.replace(at, old_beginning.size(), new_beginning);
  return value;
}

bool is_hardware_address(const std::string& key) {
  return (key.starts_with("lxc.net.") || key.starts_with("lxc.network.")) && key.ends_with(".hwaddr");
}

// The keys of LXC 1 and 2 as well.
std::string value_for(const std::string& key, const std::string& old, const std::string& old_dir,
                      const std::string& new_dir, const std::string& name) {
  if (key == "lxc.uts.name" || key == "lxc.utsname") return name;
  if (key == "lxc.rootfs.path" || key == "lxc.rootfs") return "dir:" + new_dir + "/rootfs";
  if (is_hardware_address(key) && !old.empty()) return new_hardware_address();
  return with_directory(old, old_dir, new_dir);
}

}  // namespace

std::string lxc_config_for(const std::string& text, const std::string& old_dir, const std::string& new_dir,
                           const std::string& name) {
  std::string result;
  std::istringstream lines(text);
  bool is_named = false, is_rooted = false;
  for (std::string line; std::getline(lines, line); result += line + "\n") {
    const auto equals = line.find('=');
    const auto key = trimmed(line.substr(0, equals));
    if (equals == std::string::npos || key.starts_with('#')) continue;
    is_named |= key == "lxc.uts.name" || key == "lxc.utsname";
    is_rooted |= key == "lxc.rootfs.path" || key == "lxc.rootfs";
    line = key + " = " + value_for(key, trimmed(line.substr(equals + 1)), old_dir, new_dir, name);
  }
  // What an included file says is the old guest's; the last line counts.
  if (!is_named) result += "lxc.uts.name = " + name + "\n";
  if (!is_rooted) result += "lxc.rootfs.path = dir:" + new_dir + "/rootfs\n";
  return result;
}

}  // namespace vunify
