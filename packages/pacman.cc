// SPDX-License-Identifier: Apache-2.0
#include "packages/pacman.h"

#include <functional>

#include "packages/lines.h"

namespace vunify {
namespace {

const std::string built_in = "var/lib/pacman";
const std::string configuration = "etc/pacman.conf";

// What DBPath of [options] says; an Include is not followed.
std::optional<std::string> configured_place(const GuestFiles& files) {
  const auto text = files.read(configuration).value_or("");
  std::string_view section;
  std::optional<std::string> place;
  for (std::string_view left = text; !left.empty();) {
    auto line = without_blanks(take_line(left));
    if (line.starts_with('[')) section = line;
    const auto key = without_blanks(take_until(line, '='));
    if (section == "[options]" && key == "DBPath") place = without_blanks(line);
  }
  return place;
}

// Text of "%NAME%", the lines that belong to it, and an empty one.
void read_lines(std::string_view text, const std::function<void(std::string_view section, std::string_view)>& visit) {
  std::string_view section;
  while (!text.empty()) {
    const auto line = take_line(text);
    const bool is_heading = line.size() > 2 && line.starts_with('%') && line.ends_with('%');
    if (is_heading && section.empty())
      section = line;
    else if (line.empty())
      section = {};
    else
      visit(section, line);
  }
}

void read_package(const GuestFiles& files, const std::string& place, Inventory& inventory) {
  Package package;
  const auto listed = files.read(place + "/files").value_or("");
  read_lines(listed, [&](std::string_view section, std::string_view line) {
    if (section == "%BACKUP%") inventory.add_conffile(line.substr(0, line.rfind('\t')));
    if (section == "%FILES%" && inventory.with_packages()) inventory.add_file(package, line);
  });
  if (!inventory.with_packages()) return;
  const auto described = files.read(place + "/desc").value_or("");
  read_lines(described, [&](std::string_view section, std::string_view line) {
    if (section == "%NAME%") package.name = line;
    if (section == "%VERSION%") package.version = line;
  });
  if (!package.name.empty()) inventory.packages.push_back(std::move(package));
}

bool read_database(const GuestFiles& files, const std::string& place, Inventory& inventory) {
  const auto names = files.names(place);
  if (!names) return false;
  for (const auto& name : *names)
    if (name != "ALPM_DB_VERSION") read_package(files, place + "/" + name, inventory);
  return true;
}

}  // namespace

bool read_pacman(const GuestFiles& files, Inventory& inventory) {
  bool is_there = false;
  for (const auto& place : files.places({built_in, configured_place(files).value_or(built_in)}))
    is_there |= read_database(files, place.path + "/local", inventory);
  return is_there;
}

}  // namespace vunify
