// SPDX-License-Identifier: Apache-2.0
#include "host/vserver.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>
#include <map>

#include "host/config_file.h"
#include "host/old_config.h"
#include "host/unify_config.h"
#include "host/way.h"

namespace vunify {
namespace {

namespace fs = std::filesystem;

constexpr auto default_vdirbase = "/vservers";
constexpr std::string_view old_suffix = ".conf";

struct Found {
  // leaf: of what tells of it, without ".conf".
  Found(const std::string& leaf, const std::string& file) : known_by(leaf) {
    guest.provider = "vserver";
    guest.name = leaf;
    guest.config = file;
  }

  HostGuest guest;
  std::string known_by;           // what util-vserver's commands call it
  std::set<std::string> through;  // on the way to its root and to its configuration
};

std::uint32_t parse_context(const std::string& text, const std::string& file, int line) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error == std::errc::invalid_argument || end != text.data() + text.size())
    throw Misconfigured({file, line, "is not a number"});
  if (error != std::errc() || number < least_context || number > greatest_context)
    throw Misconfigured({file, line, "is no context: 2 to 49151"});
  return static_cast<std::uint32_t>(number);
}

Way follow_config(const std::string& path, const std::string& file) {
  try {
    return follow(path);
  } catch (const std::system_error& error) {
    throw Misconfigured(file, std::string(error.what()));
  }
}

void add_root(Found& found, const std::string& path, const std::string& file) {
  auto way = follow_config(path, file);
  found.guest.root = std::move(way.path);
  found.through.merge(way.through);
}

void add_rules(Found& found, const std::string& config, const std::string& directory) {
  const auto own = directory + "/apps/vunify";
  found.guest.unify = read_unify_config(config, own);
  if (is_there(own)) found.through.merge(follow_config(own, own).through);
  std::erase(found.guest.unify.refservers, found.guest.name);
}

void add_name(Found& found, const std::string& directory) {
  found.guest.name = name_of_vserver(directory);
  if (found.guest.name != found.known_by) found.guest.also_known.push_back("vserver:" + found.known_by);
}

Found read_directory(const std::string& config, const std::string& leaf) {
  const auto directory = config + "/" + leaf;
  const auto names = config_names(directory);
  Found found(leaf, directory);
  found.through = follow_config(directory, directory).through;
  add_name(found, directory);
  const auto vdir = directory + "/vdir";
  std::ranges::binary_search(names, "vdir") ? add_root(found, vdir, vdir)
                                            : add_root(found, vdirbase_of(config) + "/" + leaf, directory);
  const auto context = directory + "/context";
  if (const auto text = read_first_line(context)) found.guest.xid = parse_context(*text, context, 1);
  add_rules(found, config, directory);
  return found;
}

Found read_old(const std::string& config, const std::string& name) {
  const auto file = config + "/" + name + std::string(old_suffix);
  Found found(name, file);
  const auto context = shell_assignment(read_config(file).value_or(""), "S_CONTEXT", file);
  if (context && !context->value.empty()) found.guest.xid = parse_context(context->value, file, context->line);
  add_root(found, vdirbase_of(config) + "/" + name, file);
  add_rules(found, config, config + "/" + name);
  return found;
}

// Those of one config directory, as far as each can be told without the others.
class Reading {
 public:
  explicit Reading(const std::string& config) : config_(config), names_(config_names(config)) {
    for (const auto& name : names_) read(name);
  }

  std::vector<Found> found;
  std::vector<Mistake> mistakes;

 private:
  bool has(const std::string& name) const { return std::ranges::binary_search(names_, name); }

  bool is_old(const std::string& name) const {
    const auto directory = config_ + "/" + name;
    return is_there(directory + "/legacy") && !is_there(directory + "/vdir") && has(name + std::string(old_suffix));
  }

  void read(const std::string& name) {
    const auto path = config_ + "/" + name;
    std::error_code unseen;
    if (fs::is_directory(path, unseen)) {
      if (!is_old(name)) add(path, name, read_directory);
    } else if (name.ends_with(old_suffix)) {
      const auto guest = name.substr(0, name.size() - old_suffix.size());
      if (!has(guest) || is_old(guest)) add(path, guest, read_old);
    } else if (!fs::exists(path, unseen)) {
      mistakes.push_back({path, 0, "leads nowhere"});
    }
  }

  void add(const std::string& path, const std::string& name, Found (*read_it)(const std::string&, const std::string&)) {
    if (name.ends_with('~') || name.ends_with(".tmp")) {
      found.emplace_back(name, path).guest.left_alone = "not complete";
      return;
    }
    try {
      check_name(path, name);
      found.push_back(read_it(config_, name));
    } catch (const Misconfigured& error) {
      mistakes.push_back(error.mistake);
    } catch (const std::system_error& error) {
      mistakes.push_back({path, 0, error.what()});
    }
  }

  static void check_name(const std::string& path, const std::string& name) {
    const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
    if (std::ranges::any_of(name, is_control)) throw Misconfigured(path, "its name has a control character");
  }

  const std::string config_;
  const std::vector<std::string> names_;  // sorted
};

// What stands against a guest beside the others; empty: nothing.
using Objection = std::function<std::string(const Found&)>;

void leave_out(Reading& all, const Objection& objection) {
  std::vector<Found> good;
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
void leave_out_those_above(Reading& all, const std::string& config) {
  std::set<std::string> above;
  for (const auto& place : {config, vdirbase_of(config)}) {
    std::error_code unseen;
    if (!fs::is_directory(place, unseen)) continue;
    auto way = follow_config(place, place);
    above.merge(way.through);
    above.insert(way.path);
  }
  leave_out(all, [&above](const Found& one) {
    return above.contains(one.guest.root)
               ? "its root " + one.guest.root + " is where guests and their configuration lie"
               : std::string();
  });
}

void leave_out_those_inside(Reading& all) {
  std::map<std::string, std::string> roots;
  for (const auto& one : all.found)
    if (!one.guest.root.empty()) roots.emplace(one.guest.root, one.guest.name);
  leave_out(all, [&roots](const Found& one) {
    for (const auto& directory : one.through)
      if (const auto other = roots.find(directory); other != roots.end() && directory != one.guest.root)
        return "its root or its configuration is come by through the tree of " + other->second;
    return std::string();
  });
}

void leave_out_second_ones(Reading& all) {
  std::map<std::string, std::string> names;
  for (const auto& one : all.found) names.emplace(one.known_by, one.guest.config);
  std::map<std::uint32_t, std::string> contexts;
  leave_out(all, [&](const Found& one) {
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
  Reading all(config);
  leave_out_those_above(all, config);
  leave_out_those_inside(all);
  leave_out_second_ones(all);
  HostGuests guests{{}, each_once(std::move(all.mistakes))};
  for (auto& one : all.found) guests.guests.push_back(std::move(one.guest));
  return guests;
}

}  // namespace vunify
