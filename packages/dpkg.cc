// SPDX-License-Identifier: Apache-2.0
#include "packages/dpkg.h"

#include <algorithm>
#include <map>

#include "packages/dpkg_status.h"
#include "packages/lines.h"

namespace vunify {
namespace {

const std::string database = "var/lib/dpkg/";
const std::string ucf_hashes = "var/lib/ucf/hashfile";

struct Diversion {
  std::string to;
  std::string by;  // a package, or ":" for the administrator
};
using Diversions = std::map<std::string, Diversion>;

Diversions read_diversions(const GuestFiles& files) {
  const auto text = files.read(database + "diversions").value_or("");
  Diversions diversions;
  for (std::string_view left = text; !left.empty();) {
    const auto from = clean_path(take_line(left)), to = clean_path(take_line(left));
    const std::string by(take_line(left));
    if (from && to) diversions[*from] = {*to, by};
  }
  return diversions;
}

// Of ucf (update configuration file), which maintainer scripts call for what cannot be a conffile: "HASH  PATH".
void add_ucf_files(const GuestFiles& files, Inventory& inventory) {
  const auto text = files.read(ucf_hashes).value_or("");
  for (std::string_view left = text; !left.empty();) {
    auto line = take_line(left);
    take_until(line, ' ');
    inventory.add_conffile(without_blanks(line));
  }
}

// Reads one guest's. The installed packages are kept by name and architecture: what is read later is newer.
class Dpkg {
 public:
  Dpkg(const GuestFiles& files, Inventory& inventory) : files_(files), inventory_(inventory) {}

  bool read_status() {
    const auto text = files_.read(database + "status");
    if (!text) return false;
    add_stanzas(database + "status", *text);
    return true;
  }

  // What dpkg has done since it wrote its status, where it runs now or was killed.
  void read_updates() {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    for (const auto& name : files_.names(database + "updates").value_or(std::vector<std::string>()))
      if (std::ranges::all_of(name, is_digit)) add_file(database + "updates/" + name);
  }

  // Of images without dpkg ("distroless"): a stanza a file, and its files beside it.
  bool read_status_d() {
    const auto names = files_.names(database + "status.d");
    for (const auto& name : names.value_or(std::vector<std::string>()))
      if (!name.ends_with(".md5sums")) add_file(database + "status.d/" + name);
    return names.has_value();
  }

  void add_packages(const Diversions& diversions) {
    for (const auto& [key, version] : installed_) {
      Package package{key.first, version};
      add_list(package, key.second, diversions);
      inventory_.packages.push_back(std::move(package));
    }
  }

 private:
  using NameAndArchitecture = std::pair<std::string, std::string>;

  void add_file(const std::string& path) {
    if (const auto text = files_.read(path)) add_stanzas(path, *text);
  }

  void add_stanzas(const std::string& path, std::string_view text) {
    try {
      read_stanzas(text, [&](const DpkgStanza& stanza) { add(stanza); });
    } catch (const Unreadable&) {
      throw;
    } catch (const std::runtime_error& error) {
      throw Unreadable(path, error.what());
    }
  }

  void add(const DpkgStanza& stanza) {
    read_conffile_lines(stanza.conffiles, [&](std::string_view path) { inventory_.add_conffile(path); });
    if (!inventory_.with_packages()) return;
    const NameAndArchitecture key(stanza.package, stanza.architecture);
    if (stanza.is_installed() || stanza.status.empty())
      installed_[key] = stanza.version;
    else
      installed_.erase(key);
  }

  std::optional<std::string> read_list(const std::string& name, const std::string& architecture) const {
    if (name.find('/') != std::string::npos) return std::nullopt;
    for (const auto& list : {name + ".list", name + ":" + architecture + ".list"})
      if (auto text = files_.read(database + "info/" + list)) return text;
    return std::nullopt;
  }

  void add_list(Package& package, const std::string& architecture, const Diversions& diversions) {
    const auto text = read_list(package.name, architecture).value_or("");
    for (std::string_view left = text; !left.empty();) {
      const auto path = take_line(left);
      const auto diverted = diversions.find(std::string(path.substr(path.starts_with('/'))));
      const bool is_elsewhere = diverted != diversions.end() && diverted->second.by != package.name;
      inventory_.add_file(package, is_elsewhere ? diverted->second.to : path);
    }
  }

  const GuestFiles& files_;
  Inventory& inventory_;
  std::map<NameAndArchitecture, std::string> installed_;
};

}  // namespace

bool read_dpkg(const GuestFiles& files, Inventory& inventory) {
  Dpkg dpkg(files, inventory);
  const bool has_status = dpkg.read_status();
  const bool has_status_d = dpkg.read_status_d();
  if (!has_status && !has_status_d) return false;
  dpkg.read_updates();
  add_ucf_files(files, inventory);
  const auto diversions = read_diversions(files);
  for (const auto& [from, diversion] : diversions)
    if (inventory.conffiles.contains(from)) inventory.add_conffile(diversion.to);
  if (inventory.with_packages()) dpkg.add_packages(diversions);
  return true;
}

}  // namespace vunify
