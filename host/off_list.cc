// SPDX-License-Identifier: Apache-2.0
#include "host/off_list.h"

#include <algorithm>

#include "host/kept_lines.h"
#include "host/root_key.h"

namespace vunify {
namespace {

constexpr auto off_leaf = "off";
constexpr auto off_remedy = "put it back from a backup, or remove it and take the guests out again with vunify -R";
constexpr auto no_root = "-";

}  // namespace

OffList::OffList(const std::string& state_dir) : mounts_(read_mounts()) {
  for (const auto& line : kept_lines(state_dir + "/" + off_leaf, off_remedy)) {
    const auto end = std::min(line.find(' '), line.size());
    entries_.push_back({line.substr(0, end), line.substr(std::min(end + 1, line.size()))});
  }
}

bool OffList::is_off(const HostGuest& guest) const {
  const auto asked = entry_of(guest);
  return std::ranges::any_of(entries_, [&asked](const Entry& entry) { return is_of(entry, asked); });
}

std::vector<std::string> OffList::names() const {
  std::vector<std::string> names;
  for (const auto& entry : entries_) names.push_back(from_word(entry.name));
  return names;
}

void OffList::set_off(const HostGuest& guest) {
  set_on(guest);
  entries_.push_back(entry_of(guest));
}

void OffList::set_on(const HostGuest& guest) {
  const auto named = entry_of(guest);
  std::erase_if(entries_, [&named](const Entry& entry) { return is_of(entry, named); });
}

void OffList::keep(const StateDir& state) const {
  std::vector<std::string> lines;
  for (const auto& entry : entries_) lines.push_back(entry.root + " " + entry.name);
  keep_lines(state, off_leaf, lines);
}

bool OffList::is_of(const Entry& one, const Entry& other) {
  return one.name == other.name || (one.root == other.root && one.root != no_root);
}

OffList::Entry OffList::entry_of(const HostGuest& guest) const {
  const auto root = guest.root.empty() ? std::nullopt : root_key(guest.root, mounts_);
  return {root.value_or(no_root), to_word(guest.provider + ":" + guest.name)};
}

}  // namespace vunify
