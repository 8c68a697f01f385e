// SPDX-License-Identifier: Apache-2.0
#include "host/found_vservers.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "host/config_file.h"
#include "host/old_config.h"
#include "host/told.h"
#include "host/unify_config.h"
#include "host/vserver.h"

namespace vunify {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view old_suffix = ".conf";

std::uint32_t parse_context(const std::string& text, const std::string& file, int line) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error == std::errc::invalid_argument || end != text.data() + text.size())
    throw Misconfigured({file, line, "is not a number"});
  if (error != std::errc() || number < least_context || number > greatest_context)
    throw Misconfigured({file, line, "is no context: 2 to 49151"});
  return static_cast<std::uint32_t>(number);
}

void add_root(FoundVserver& found, const std::string& path, const std::string& file) {
  auto way = follow_config(path, file);
  found.guest.root = std::move(way.path);
  found.through.merge(way.through);
}

void add_rules(FoundVserver& found, const std::string& config, const std::string& directory) {
  const auto own = directory + "/apps/vunify";
  found.guest.unify = read_unify_config(config, own);
  if (is_there(own)) found.through.merge(follow_config(own, own).through);
  std::erase(found.guest.unify.refservers, found.guest.name);
}

void add_name(FoundVserver& found, const std::string& directory) {
  found.guest.name = name_of_vserver(directory);
  if (found.guest.name != found.known_by) found.guest.also_known.push_back("vserver:" + found.known_by);
}

FoundVserver read_directory(const std::string& config, const std::string& leaf) {
  const auto directory = config + "/" + leaf;
  const auto names = config_names(directory);
  FoundVserver found(leaf, directory);
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

FoundVserver read_old(const std::string& config, const std::string& name) {
  const auto file = config + "/" + name + std::string(old_suffix);
  FoundVserver found(name, file);
  const auto context = shell_assignment(read_config(file).value_or(""), "S_CONTEXT", file);
  if (context && !context->value.empty()) found.guest.xid = parse_context(context->value, file, context->line);
  add_root(found, vdirbase_of(config) + "/" + name, file);
  add_rules(found, config, config + "/" + name);
  return found;
}

// Of one config directory.
class Reading {
 public:
  explicit Reading(const std::string& config) : config_(config), names_(config_names(config)) {
    for (const auto& name : names_) read(name);
  }

  FoundVservers take() { return std::move(all_); }

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
      all_.mistakes.push_back({path, 0, "leads nowhere"});
    }
  }

  void add(const std::string& path, const std::string& name,
           FoundVserver (*read_it)(const std::string&, const std::string&)) {
    if (name.ends_with('~') || name.ends_with(".tmp")) {
      all_.found.emplace_back(name, path).guest.left_alone = reason::incomplete;
      return;
    }
    try {
      check_name(path, name);
      all_.found.push_back(read_it(config_, name));
    } catch (const Misconfigured& error) {
      all_.mistakes.push_back(error.mistake);
    } catch (const std::system_error& error) {
      all_.mistakes.push_back({path, 0, error.what()});
    }
  }

  static void check_name(const std::string& path, const std::string& name) {
    const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
    if (std::ranges::any_of(name, is_control)) throw Misconfigured(path, "its name has a control character");
  }

  const std::string config_;
  const std::vector<std::string> names_;  // sorted
  FoundVservers all_;
};

}  // namespace

FoundVserver::FoundVserver(const std::string& leaf, const std::string& file) : known_by(leaf) {
  guest.provider = "vserver";
  guest.name = leaf;
  guest.config = file;
}

FoundVservers find_vservers(const std::string& config) { return Reading(config).take(); }

Followed follow_config(const std::string& path, const std::string& file) {
  try {
    return follow(path);
  } catch (const std::system_error& error) {
    throw Misconfigured(file, std::string(error.what()));
  }
}

}  // namespace vunify
