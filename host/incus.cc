// SPDX-License-Identifier: Apache-2.0
#include "host/incus.h"

#include <fcntl.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/config_file.h"
#include "packages/lines.h"
#include "sys/inode.h"

namespace vunify {
namespace {

// [{"Isuid":true,"Isgid":false,"Hostid":1000000,"Nsid":0,"Maprange":1000000000}, ...]; [] where nothing is shifted.
std::uint32_t root_user_of(std::string_view idmap) {
  try {
    for (const auto& range : nlohmann::json::parse(idmap))
      if (range.value("Isuid", false) && range.value("Nsid", std::uint32_t{1}) == 0)
        return range.value("Hostid", std::uint32_t{0});
  } catch (const nlohmann::json::exception&) {  // then only a tree that is root's is taken
  }
  return 0;
}

// "  driver: dir" -> "dir", where the line has this key.
std::optional<std::string_view> value_in(std::string_view line, std::string_view key) {
  const auto words = without_blanks(line);
  if (!words.starts_with(key)) return std::nullopt;
  return without_quotes(without_blanks(words.substr(key.size())));
}

void put_tree(ToldGuest& told, const std::string& directory) {
  const auto backup = read_incus_backup(read_data(told.file).value_or(""));
  told.guest.root = directory + "/rootfs";
  told.owner = backup.owner;
  if (backup.driver == "btrfs") told.guest.no_links = reason::own_subvolume;  // of which rootfs is a directory
  if (backup.driver == "zfs") told.guest.left_alone = reason::own_filesystem;
  if (backup.driver == "lvm" || backup.driver == "ceph") told.guest.left_alone = reason::image;
}

void add_container(Told& told, const std::string& provider, const std::string& name, const std::string& directory) {
  const auto file = directory + "/backup.yaml";
  ToldGuest one{.guest = {.provider = provider, .name = name, .root = {}, .config = file}, .file = file};
  const auto inode = stat_name(AT_FDCWD, directory.c_str());
  if (!inode || !inode->is_directory()) return;
  if (is_there(file))
    put_tree(one, directory);
  else
    one.guest.left_alone = is_there(directory + "/rootfs") ? reason::incomplete : reason::image;
  told.guests.push_back(std::move(one));
}

void add_pools(Told& told, const std::string& provider, const std::string& place) {
  const auto pools = place + "/storage-pools";
  told.add(pools, [&] {
    for (const auto& pool : config_names(pools)) {
      const auto containers = pools + "/" + pool + "/containers";
      told.add(containers, [&] {
        for (const auto& name : config_names(containers)) {
          const auto directory = containers + "/" + name;
          told.add(directory, [&] { add_container(told, provider, name, directory); });
        }
      });
    }
  });
}

}  // namespace

IncusBackup read_incus_backup(std::string_view text) {
  IncusBackup backup;
  bool is_in_pool = false;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.starts_with(' ')) is_in_pool = line == "pool:";
    if (const auto driver = value_in(line, "driver:"); driver && is_in_pool) backup.driver = *driver;
    if (const auto idmap = value_in(line, "volatile.last_state.idmap:")) backup.owner = root_user_of(*idmap);
  }
  return backup;
}

Told incus_guests(const std::string& host) {
  Told told;
  add_pools(told, "incus", host + "/var/lib/incus");
  return told;
}

Told lxd_guests(const std::string& host) {
  Told told;
  add_pools(told, "lxd", host + "/var/lib/lxd");
  add_pools(told, "lxd", host + "/var/snap/lxd/common/lxd");
  return told;
}

}  // namespace vunify
