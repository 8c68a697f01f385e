// SPDX-License-Identifier: Apache-2.0
#include "host/libvirt_lxc.h"

#include <algorithm>
#include <pugixml.hpp>

#include "host/config_file.h"

namespace vunify {
namespace {

int line_at(std::string_view text, std::ptrdiff_t offset) {
  const auto size = static_cast<std::ptrdiff_t>(text.size());
  return 1 +
         static_cast<int>(std::count(text.begin(), text.begin() + std::clamp<std::ptrdiff_t>(offset, 0, size), '\n'));
}

void put_root(ToldGuest& told, const pugi::xml_node& filesystem) {
  const std::string type = filesystem.attribute("type").as_string("mount");
  if (type == "mount" || type == "bind")
    told.guest.root = filesystem.child("source").attribute("dir").as_string();
  else
    told.guest.left_alone = reason::image;
}

}  // namespace

ToldGuest read_libvirt_domain(std::string_view text, const std::string& file) {
  pugi::xml_document document;
  const auto parsed = document.load_buffer(text.data(), text.size());
  if (!parsed)
    throw Misconfigured({file, line_at(text, parsed.offset), "is no XML: " + std::string(parsed.description())});
  const auto domain = document.child("domain");
  if (domain.attribute("type").as_string() != std::string("lxc")) throw Misconfigured(file, "is no domain of type lxc");
  HostGuest guest{.provider = "libvirt-lxc", .name = domain.child_value("name"), .root = {}, .config = file};
  ToldGuest told{.guest = std::move(guest), .file = file};
  for (const auto& filesystem : domain.child("devices").children("filesystem")) {
    if (filesystem.child("target").attribute("dir").as_string() != std::string("/")) continue;
    told.line = line_at(text, filesystem.offset_debug());
    put_root(told, filesystem);
  }
  for (const auto& range : domain.child("idmap").children("uid"))
    if (range.attribute("start").as_uint() == 0) told.owner = range.attribute("target").as_uint();
  if (told.guest.name.empty()) throw Misconfigured(file, "has no name");
  if (told.guest.root.empty() && told.guest.left_alone.empty()) throw Misconfigured(file, "mounts no directory at /");
  return told;
}

Told libvirt_lxc_guests(const std::string& host) {
  Told told;
  const auto directory = host + "/etc/libvirt/lxc";
  told.add(directory, [&] {
    for (const auto& name : config_names(directory)) {
      const auto file = directory + "/" + name;
      if (name.ends_with(".xml"))
        told.add(file, [&] { told.guests.push_back(read_libvirt_domain(read_config(file).value_or(""), file)); });
    }
  });
  return told;
}

}  // namespace vunify
