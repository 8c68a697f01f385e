// SPDX-License-Identifier: Apache-2.0
#include "tools/fleet_config.h"

#include <fcntl.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <optional>

#include "host/config_file.h"
#include "sys/inode.h"
#include "tools/choose.h"
#include "tools/text.h"

namespace vunify {
namespace {

std::string file_of(const std::string& config, const char* leaf) {
  return config + "/.defaults/apps/vunify/fleet/" + leaf;
}

std::optional<std::string> read_line(const std::string& file) {
  try {
    return read_first_line(file);
  } catch (const Misconfigured& wrong) {
    reject(file, one_line(wrong.mistake.reason));
  }
}

bool is_host_name(const std::string& name) {
  constexpr std::size_t most_bytes = 253;
  const auto may_be_in_one = [](unsigned char letter) {
    return letter == '-' || letter == '.' || letter == '_' || (letter < 128 && std::isalnum(letter) != 0);
  };
  return name.size() <= most_bytes && name.front() != '-' && std::ranges::all_of(name, may_be_in_one);
}

bool environment_names_a_server() { return std::getenv("PGSERVICE") != nullptr || std::getenv("PGHOST") != nullptr; }

}  // namespace

void reject(const std::string& what, const std::string& reason) {
  throw Failed(Exit::usage, printable(what) + ": " + reason);
}

Database open_fleet(const std::string& config) {
  const auto file = file_of(config, "connection");
  const auto line = read_line(file);
  if (line && line->empty()) reject(file, "is empty: one line as service=fleet is wanted; see vfleet(8)");
  if (!line && !environment_names_a_server()) reject(file, "no fleet is configured; see vfleet(8)");
  try {
    return Database(line.value_or(""));
  } catch (const std::invalid_argument& wrong) {
    reject(file, one_line(wrong.what()));
  } catch (const SqlError& error) {
    throw failure_of(error);
  }
}

FleetKey read_fleet_key(const std::string& config) {
  const auto file = file_of(config, "key");
  const auto line = read_line(file);
  if (!line) reject(file, "there is no key; see vfleet(8)");
  const auto inode = stat_name(AT_FDCWD, file.c_str());
  if (!inode || inode->uid != 0 || (inode->mode & 077) != 0) reject(file, "has to be root's alone (chmod 0600)");
  if (line->size() < FleetKey::least_bytes) reject(file, "a key has 32 characters and more");
  return FleetKey(*line);
}

std::string read_fleet_name(const std::string& config) {
  const auto file = file_of(config, "name");
  auto line = read_line(file);
  if (!line) line = read_line("/proc/sys/kernel/hostname");
  if (!line || line->empty()) reject(file, "this host has no name");
  if (!is_host_name(*line)) reject(file, printable(*line) + " is no host name: letters, digits, '-', '.' and '_'");
  return *line;
}

std::string read_identity() {
  for (const auto* file : {"/etc/machine-id", "/var/lib/dbus/machine-id"})
    if (const auto line = read_line(file); line && line->size() >= 32) return identity_of(*line);
  reject("/etc/machine-id", "is not there, so two hosts of one name could not be told apart; see machine-id(5)");
}

Failed failure_of(const SqlError& error) {
  const bool is_no_table = error.state == "42P01" || error.state == "42703";  // undefined table, or column
  const std::string how = is_no_table ? "; an admin makes the tables: vfleet schema | psql" : "";
  return {Exit::fatal, "fleet: " + one_line(error.what()) + how};
}

}  // namespace vunify
