// SPDX-License-Identifier: Apache-2.0
#include "host/vserver.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>

#include "host/config_file.h"
#include "host/found_vservers.h"

namespace vunify {
namespace {

namespace fs = std::filesystem;

constexpr auto default_vdirbase = "/vservers";

// What stands against a guest beside the others; empty: nothing.
using Objection = std::function<std::string(const FoundVserver&)>;

void leave_out(FoundVservers& all, const Objection& objection) {
  std::vector<FoundVserver> good;
  for (auto& one : all.found) {
    const auto reason = one.guest.left_alone.empty() ? objection(one) : "";
    if (reason.empty())
      good.push_back(std::move(one));
    else
      all.mistakes.push_back({one.guest.config, 0, reason});
  }
  all.found = std::move(good);
}

// Else all others would be in its tree.
void leave_out_those_above(FoundVservers& all, const std::string& config) {
  std::set<std::string> above;
  for (const auto& place : {config, vdirbase_of(config)}) {
    std::error_code unseen;
    if (!fs::is_directory(place, unseen)) continue;
    auto way = follow_config(place, place);
    above.merge(way.through);
    above.insert(way.path);
  }
  leave_out(all, [&above](const FoundVserver& one) {
    return above.contains(one.guest.root)
               ? "its root " + one.guest.root + " is where guests and their configuration lie"
               : std::string();
  });
}

void leave_out_those_inside(FoundVservers& all) {
  std::map<std::string, std::string> roots;
  for (const auto& one : all.found)
    if (!one.guest.root.empty()) roots.emplace(one.guest.root, one.guest.name);
  leave_out(all, [&roots](const FoundVserver& one) {
    for (const auto& directory : one.through)
      if (const auto other = roots.find(directory); other != roots.end() && directory != one.guest.root)
        return "its root or its configuration is come by through the tree of " + other->second;
    return std::string();
  });
}

void leave_out_second_ones(FoundVservers& all) {
  std::map<std::string, std::string> names;
  for (const auto& one : all.found) names.emplace(one.known_by, one.guest.config);
  std::map<std::uint32_t, std::string> contexts;
  leave_out(all, [&](const FoundVserver& one) {
    const auto& [name, config] = *names.emplace(one.guest.name, one.guest.config).first;
    if (config != one.guest.config) return "its name is that of " + config;
    if (!one.guest.xid) return std::string();
    const auto& [xid, first] = *contexts.emplace(*one.guest.xid, one.guest.name).first;
    return first == one.guest.name ? "" : "its context " + std::to_string(xid) + " is that of " + first;
  });
}

// A default that is wrong is wrong for all who follow it, and told once.
std::vector<Mistake> each_once(std::vector<Mistake> mistakes) {
  std::vector<Mistake> once;
  for (auto& mistake : mistakes) {
    const auto is_same = [&mistake](const Mistake& other) {
      return other.file == mistake.file && other.line == mistake.line && other.reason == mistake.reason;
    };
    if (std::ranges::none_of(once, is_same)) once.push_back(std::move(mistake));
  }
  return once;
}

}  // namespace

std::string vdirbase_of(const std::string& config) {
  const auto vdirbase = config + "/.defaults/vdirbase";
  return is_there(vdirbase) ? vdirbase : default_vdirbase;
}

HostGuests vserver_guests(const std::string& config) {
  auto all = find_vservers(config);
  leave_out_those_above(all, config);
  leave_out_those_inside(all);
  leave_out_second_ones(all);
  HostGuests guests{{}, each_once(std::move(all.mistakes))};
  for (auto& one : all.found) guests.guests.push_back(std::move(one.guest));
  return guests;
}

}  // namespace vunify
