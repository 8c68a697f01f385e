// SPDX-License-Identifier: Apache-2.0
// One line a number: "40000 ROOT NAME", the name as it was then, for people; "40007 - NAME" for a static one that was
// seen. No line is ever removed.
#include "host/xids.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <stdexcept>

#include "host/config_file.h"
#include "host/kept_lines.h"
#include "host/root_key.h"

namespace vunify {
namespace {

constexpr auto xids_leaf = "xids";
constexpr auto xids_remedy =
    "put it back from a backup, or write a number into each guest's `context` and remove it: without it one might be "
    "given out twice";
constexpr auto nobody = "-";

struct Given {
  std::string root;
  std::string name;  // as a word
};

class Xids {
 public:
  explicit Xids(const std::string& state_dir) : mounts_(read_mounts()) {
    const auto path = state_dir + "/" + xids_leaf;
    for (const auto& line : kept_lines(path, xids_remedy))
      if (!read(line)) throw std::runtime_error(fmt::format("{} is damaged: {}", path, xids_remedy));
  }

  std::optional<std::string> key(const HostGuest& guest) const {
    return guest.root.empty() ? std::nullopt : root_key(guest.root, mounts_);
  }

  std::optional<std::uint32_t> find(const std::string& root) const {
    const auto found = by_root_.find(root);
    return found == by_root_.end() ? std::nullopt : std::optional(found->second);
  }

  // Whose it is, where that is another root than this guest's; empty: nobody else's.
  std::string other_owner(const HostGuest& guest) const {
    const auto found = given_.find(*guest.xid);
    if (found == given_.end() || found->second.root == nobody) return {};
    return found->second.root == key(guest) ? "" : from_word(found->second.name);
  }

  void reserve(const HostGuest& guest) {
    if (*guest.xid >= first_own_xid) add(*guest.xid, {nobody, to_word(guest.name)});
  }

  std::optional<std::uint32_t> find_or_give(const HostGuest& guest, std::uint32_t least) {
    const auto root = key(guest);
    if (!root) return std::nullopt;
    if (const auto known = find(*root)) return known;
    const auto xid = first_free(least);
    if (xid > last_own_xid) return std::nullopt;
    add(xid, {*root, to_word(guest.name)});
    return xid;
  }

  void keep(const StateDir& state) const {
    if (!changed_) return;
    std::vector<std::string> lines;
    for (const auto& [xid, given] : given_) lines.push_back(fmt::format("{} {} {}", xid, given.root, given.name));
    keep_lines(state, xids_leaf, lines);
  }

 private:
  bool read(const std::string& line) {
    const auto root = line.find(' '), name = line.find(' ', root + 1);
    std::uint32_t xid = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), xid);
    if (root == line.npos || name == line.npos || error != std::errc() || end != line.data() + root) return false;
    return add(xid, {line.substr(root + 1, name - root - 1), line.substr(name + 1)});
  }

  // False where somebody has it.
  bool add(std::uint32_t xid, const Given& given) {
    if (!given_.emplace(xid, given).second) return false;
    if (given.root != nobody) by_root_.emplace(given.root, xid);
    return changed_ = true;
  }

  std::uint32_t first_free(std::uint32_t least) const {
    auto xid = std::max(least, first_own_xid);
    while (given_.contains(xid)) ++xid;
    return xid;
  }

  std::vector<Mount> mounts_;
  std::map<std::uint32_t, Given> given_;
  std::map<std::string, std::uint32_t> by_root_;
  bool changed_ = false;
};

// What vserver build would give out next: it gave out all below.
std::uint32_t next_of_util_vserver(const std::string& config) {
  const auto text = read_first_line(config + "/.defaults/context.next").value_or("");
  std::uint32_t next = 0;
  std::from_chars(text.data(), text.data() + text.size(), next);
  return next;
}

void refuse_taken(const Xids& xids, HostGuests& hosts) {
  const auto is_taken = [&](const HostGuest& guest) {
    const auto owner = guest.xid ? xids.other_owner(guest) : "";
    if (owner.empty()) return false;
    hosts.mistakes.push_back({guest.config, 0, fmt::format("its context {} was given to {}", *guest.xid, owner)});
    return true;
  };
  std::erase_if(hosts.guests, is_taken);
}

}  // namespace

void give_xids(const StateDir& state, const std::string& config, HostGuests& hosts) {
  Xids xids(state.path());
  refuse_taken(xids, hosts);
  for (const auto& guest : hosts.guests)
    if (guest.xid) xids.reserve(guest);
  const auto least = next_of_util_vserver(config);
  std::vector<std::optional<std::uint32_t>> numbers;
  for (const auto& guest : hosts.guests) numbers.push_back(guest.xid ? guest.xid : xids.find_or_give(guest, least));
  xids.keep(state);
  for (std::size_t i = 0; i < numbers.size(); ++i) hosts.guests[i].xid = numbers[i];
}

void show_xids(const std::string& state_dir, HostGuests& hosts) {
  const Xids xids(state_dir);
  refuse_taken(xids, hosts);
  for (auto& guest : hosts.guests) {
    const auto root = guest.xid ? std::nullopt : xids.key(guest);
    if (root) guest.xid = xids.find(*root);
  }
}

}  // namespace vunify
