// SPDX-License-Identifier: Apache-2.0
#include "packages/apk.h"

#include <unordered_set>

#include "packages/lines.h"
#include "packages/path_rules.h"
#include "sys/inode.h"

namespace vunify {
namespace {

const std::vector<std::string> apk_places = {"lib/apk/db", "usr/lib/apk/db"};
const std::string rules_directory = "etc/apk/protected_paths.d";
constexpr auto built_in_rules = "+etc\n@etc/init.d\n!etc/apk\n";  // apk_db_open() of apk-tools 2 and 3

PathRules read_rules(const GuestFiles& files) {
  PathRules rules;
  rules.add(built_in_rules);
  for (const auto& name : files.names(rules_directory).value_or(std::vector<std::string>()))
    if (name.ends_with(".list") && !name.starts_with('.'))
      rules.add(files.read(rules_directory + "/" + name).value_or(""));
  return rules;
}

bool is_protected(PathRule rule) { return rule == PathRule::changed || rule == PathRule::all; }

// Reads one guest's.
class Apk {
 public:
  Apk(const GuestFiles& files, Inventory& inventory)
      : files_(files), inventory_(inventory), rules_(read_rules(files)) {}

  bool read_database(const std::string& path) {
    const auto text = files_.read(path);
    if (!text) return false;
    package_ = {};
    directory_.reset();
    for (std::string_view left = *text; !left.empty();)
      if (!read_line(take_line(left))) throw Unreadable(path, "not a list of packages");
    end_package();
    return true;
  }

  // What stands in etc and no package brings, whoever made it.
  void add_unknown() {
    std::vector<std::string> left{"etc"};
    while (!left.empty()) {
      const auto directory = std::move(left.back());
      left.pop_back();
      add_unknown(directory, left);
      if (left.size() > most_names) throw Unreadable("etc", "too many directories");
    }
  }

 private:
  // "P:name"; an empty line ends a package.
  bool read_line(std::string_view line) {
    if (without_blanks(line).empty()) return end_package(), true;
    if (line.size() < 2 || line[1] != ':') return false;
    const auto value = without_blanks(line.substr(2));
    switch (line[0]) {
      case 'P':
        package_.name = value;
        return true;
      case 'V':
        package_.version = value;
        return true;
      case 'F':
        directory_ = value;
        return !package_.name.empty();
      case 'R':
        return directory_ && add_file(join_path(*directory_, value));
      default:
        return true;
    }
  }

  // Adds the directories in this one to `left`; what is mounted there is no part of the guest.
  void add_unknown(const std::string& directory, std::vector<std::string>& left) {
    const auto names = files_.names(directory);
    const auto opened = files_.directory(directory);
    if (!names || !opened) return;
    const auto mount = stat_fd(opened->get()).mount;
    for (const auto& name : *names) {
      const auto inode = stat_name(opened->get(), name.c_str());
      if (!inode || inode->mount != mount) continue;
      const auto path = join_path(directory, name);
      if (inode->is_directory()) left.push_back(path);
      if (inode->is_regular() && !known_.contains(path) && rules_.rule_of(path) != PathRule::none)
        inventory_.add_conffile(path);
    }
  }

  bool add_file(const std::string& path) {
    files_.check_time();
    if (is_protected(rules_.rule_of(path))) inventory_.add_conffile(path);
    if (path.starts_with("etc/")) known_.insert(path);
    if (inventory_.with_packages()) inventory_.add_file(package_, path);
    return true;
  }

  void end_package() {
    if (inventory_.with_packages() && !package_.name.empty()) inventory_.packages.push_back(std::move(package_));
    package_ = {};
    directory_.reset();
  }

  const GuestFiles& files_;
  Inventory& inventory_;
  PathRules rules_;
  Package package_;
  std::optional<std::string> directory_;
  std::unordered_set<std::string> known_;
};

}  // namespace

bool read_apk(const GuestFiles& files, Inventory& inventory) {
  Apk apk(files, inventory);
  bool is_there = false;
  for (const auto& place : files.places(apk_places)) is_there |= apk.read_database(place.path + "/installed");
  if (is_there) apk.add_unknown();
  return is_there;
}

}  // namespace vunify
