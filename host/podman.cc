// SPDX-License-Identifier: Apache-2.0
#include "host/podman.h"

#include <nlohmann/json.hpp>

#include "host/config_file.h"
#include "host/ini.h"
#include "sys/root_dir.h"

namespace vunify {
namespace {

using Json = nlohmann::json;

constexpr std::string_view list_suffix = "-containers";

// The first name; podman gives one to whoever has none.
std::string name_of(const Json& container) {
  const auto names = container.value("names", Json::array());
  return names.empty() ? container.at("id").get<std::string>() : names.at(0).get<std::string>();
}

std::uint32_t owner_of(const Json& container) {
  for (const auto& range : container.value("uidmap", Json::array()))
    if (range.at("container_id") == 0) return range.at("host_id");
  return 0;
}

// A layer that would lead out of the storage is none.
std::string layer_of(const Json& container) {
  const auto layer = container.at("layer").get<std::string>();
  if (layer.empty() || layer.starts_with('.') || layer.find('/') != layer.npos)
    throw std::invalid_argument("a layer has no name");
  return layer;
}

void put_root(ToldGuest& told, const std::string& driver, const std::string& layer) {
  const auto storage = std::string(split_path(split_path(told.file).parent).parent);
  if (driver == "vfs")
    told.guest.root = storage + "/vfs/dir/" + layer;
  else if (driver == "btrfs")
    told.guest.root = storage + "/btrfs/subvolumes/" + layer;
  else if (driver == "zfs")
    told.guest.left_alone = reason::own_filesystem;
  else
    told.guest.left_alone = driver == "devicemapper" ? reason::image : reason::overlay;
}

ToldGuest tell_container(const Json& container, const std::string& driver, const std::string& file) {
  HostGuest guest{.provider = "podman", .name = name_of(container), .root = {}, .config = file};
  ToldGuest told{.guest = std::move(guest), .file = file, .owner = owner_of(container)};
  put_root(told, driver, layer_of(container));
  return told;
}

std::string storage_of(const std::string& host) {
  const auto settings = read_ini(read_config(host + "/etc/containers/storage.conf").value_or(""));
  const auto* graphroot = find_setting(settings, "storage", "graphroot");
  if (graphroot == nullptr || graphroot->value.size() < 3) return host + "/var/lib/containers/storage";
  return graphroot->value.substr(1, graphroot->value.size() - 2);  // TOML: in quotes
}

}  // namespace

std::vector<ToldGuest> read_podman_containers(std::string_view text, const std::string& file) {
  auto driver = std::string(split_path(split_path(file).parent).leaf);
  driver.resize(driver.size() - list_suffix.size());
  try {
    std::vector<ToldGuest> containers;
    for (const auto& container : Json::parse(text))
      if (container.value("image", "") != "") containers.push_back(tell_container(container, driver, file));
    return containers;
  } catch (const Json::exception&) {
    throw Misconfigured(file, "is not podman's list of containers");
  } catch (const std::invalid_argument& error) {
    throw Misconfigured(file, error.what());
  }
}

Told podman_guests(const std::string& host) {
  Told told;
  told.add(host + "/etc/containers/storage.conf", [&] {
    const auto storage = storage_of(host);
    for (const auto& name : config_names(storage)) {
      const auto file = storage + "/" + name + "/containers.json";
      if (!name.ends_with(list_suffix)) continue;
      told.add(file, [&] {
        for (auto& container : read_podman_containers(read_data(file).value_or("[]"), file))
          told.guests.push_back(std::move(container));
      });
    }
  });
  return told;
}

}  // namespace vunify
