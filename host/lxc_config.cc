// SPDX-License-Identifier: Apache-2.0
#include "host/lxc_config.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <sstream>

#include "host/config_file.h"
#include "packages/lines.h"

namespace vunify {
namespace {

namespace fs = std::filesystem;

// aufs and overlayfs are what LXC 1 called it.
constexpr std::array<std::string_view, 10> prefixes = {"dir", "overlay", "overlayfs", "aufs", "btrfs",
                                                       "zfs", "lvm",     "loop",      "nbd",  "rbd"};

bool has_word(const std::string& list, std::string_view begin) {
  std::istringstream words(list);
  for (std::string word; std::getline(words, word, ',');)
    if (without_blanks(word).starts_with(begin)) return true;
  return false;
}

// "u 0 200000 65536": users from 0 on are 200000 and so on outside. The one for root counts; "b" is both, of LXC 1.
std::optional<std::uint32_t> root_user_of(const LxcSetting& setting, const std::string& file) {
  std::istringstream words(setting.value);
  std::string type;
  std::uint32_t inside = 0, outside = 0, count = 0;
  if (!(words >> type >> inside >> outside >> count))
    throw Misconfigured({file, setting.line, setting.key + " is not as in `u 0 200000 65536`"});
  const bool is_roots = type != "g" && inside == 0 && count > 0;
  return is_roots ? std::optional(outside) : std::nullopt;
}

class LxcReading {
 public:
  void read(const std::string& path) {
    const auto text = read_config(path);
    if (!text) throw Misconfigured(path, "is not there");
    within_.push_back(path);
    for (const auto& setting : read_lxc_settings(*text, path)) take(setting, path);
    within_.pop_back();
  }

  LxcConfig config;

 private:
  void take(const LxcSetting& setting, const std::string& file) {
    const auto& key = setting.key;
    if (key == "lxc.include") include(setting, file);
    if (key == "lxc.rootfs.path" || key == "lxc.rootfs") {
      config.root = setting.value;
      config.root_at = {file, setting.line, {}};
    }
    if (key == "lxc.rootfs.options") config.is_idmapped = has_word(setting.value, "idmap=");
    if (key == "lxc.idmap" || key == "lxc.id_map") map_users(setting, file);
  }

  // Of several lines for root the first counts, as in the kernel; an empty one takes those before it away.
  void map_users(const LxcSetting& setting, const std::string& file) {
    if (setting.value.empty())
      config.root_user.reset();
    else if (const auto user = root_user_of(setting, file); !config.root_user)
      config.root_user = user;
  }

  void include(const LxcSetting& setting, const std::string& file) {
    const fs::path named = fs::path(file).parent_path() / setting.value;
    std::error_code unseen;
    try {
      if (!fs::is_directory(named, unseen)) return include_file(named.lexically_normal());
      for (const auto& name : config_names(named))
        if (name.ends_with(".conf")) include_file((named / name).lexically_normal());
    } catch (const Misconfigured& error) {
      if (error.mistake.line != 0) throw;
      throw Misconfigured({file, setting.line, "includes " + error.mistake.file + ", which " + error.mistake.reason});
    }
  }

  void include_file(const std::string& path) {
    if (std::ranges::find(within_, path) != within_.end()) throw Misconfigured(path, "includes itself");
    if (++files_ >= most_lxc_files)
      throw Misconfigured(path, "is one of more than " + std::to_string(most_lxc_files) + " files");
    read(path);
  }

  std::vector<std::string> within_;  // the files that are being read
  int files_ = 0;
};

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(at, begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

}  // namespace

std::vector<LxcSetting> read_lxc_settings(std::string_view text, const std::string& file) {
  std::vector<LxcSetting> settings;
  for (int line = 1; !text.empty(); ++line) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto words = without_blanks(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!words.starts_with("lxc.")) continue;
    const auto equals = words.find('=');
    if (equals == words.npos) throw Misconfigured({file, line, "has no `=`"});
    settings.push_back({std::string(without_blanks(words.substr(0, equals))),
                        std::string(without_quotes(without_blanks(words.substr(equals + 1)))), line});
  }
  return settings;
}

LxcConfig read_lxc_config(const std::string& path) {
  LxcReading reading;
  reading.read(path);
  return std::move(reading.config);
}

LxcRoot parse_lxc_root(std::string_view value) {
  const auto colon = value.find(':');
  const auto prefix = value.substr(0, colon);
  if (colon == value.npos || std::ranges::find(prefixes, prefix) == prefixes.end())
    return {.kind = "dir", .places = {std::string(value)}};
  const auto place = value.substr(colon + 1);
  if (prefix != "overlay" && prefix != "overlayfs" && prefix != "aufs")
    return {.kind = std::string(prefix), .places = {std::string(place)}};
  LxcRoot overlay{.kind = "overlay"};
  for (auto& part : split(place, ':'))
    if (part.starts_with('/')) overlay.places.push_back(std::move(part));  // a layer may have a prefix of its own
  return overlay;
}

}  // namespace vunify
