// SPDX-License-Identifier: Apache-2.0
// A guest may have several managers, or what an earlier one left: what any of them says counts.
#include "packages/packages.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "packages/apk.h"
#include "packages/dpkg.h"
#include "packages/guest_files.h"
#include "packages/inventory.h"
#include "packages/pacman.h"
#include "packages/resolver.h"
#include "packages/rpm.h"

namespace vunify {
namespace {

struct Manager {
  const char* name;
  bool (*read)(const GuestFiles&, Inventory&);
};
constexpr Manager managers[] = {{"dpkg", read_dpkg}, {"rpm", read_rpm}, {"apk", read_apk}, {"pacman", read_pacman}};

struct Found {
  std::vector<std::string> managers;
  std::vector<std::string> failures;
};

// What fails costs what it would have said, and no other's.
template <typename Work>
void attempt(Found& found, const Work& work) {
  try {
    work();
  } catch (const std::runtime_error& error) {
    found.failures.push_back(error.what());
  }
}

Found read_managers(const GuestFiles& files, Inventory& inventory) {
  Found found;
  for (const auto& manager : managers)
    attempt(found, [&] {
      if (manager.read(files, inventory)) found.managers.push_back(manager.name);
    });
  return found;
}

// A conffile that is a symlink: what it leads to is the file that an administrator edits.
void add_conffiles(const Inventory& inventory, Resolver& resolver, std::unordered_set<std::string>& paths) {
  for (const auto& path : inventory.conffiles) paths.insert("/" + resolver.file(path));
}

void add_packages(Inventory& inventory, Resolver& resolver, const std::unordered_set<std::string>& conffiles,
                  std::vector<Package>& packages) {
  for (auto& package : inventory.packages) {
    for (auto& file : package.files) file = "/" + resolver.name(file);
    std::erase_if(package.files, [&](const std::string& file) { return conffiles.contains(file); });
  }
  packages = std::move(inventory.packages);
  std::ranges::stable_sort(packages, {}, &Package::name);
}

}  // namespace

Conffiles read_conffiles(const RootDir& root) {
  const GuestFiles files(root);
  Inventory inventory(false);
  auto found = read_managers(files, inventory);
  Conffiles conffiles;
  Resolver resolver(files);
  attempt(found, [&] { add_conffiles(inventory, resolver, conffiles.paths); });
  conffiles.managers = std::move(found.managers);
  if (!found.failures.empty())
    conffiles.unknown = fmt::format("packages unreadable: conffiles unknown ({})", fmt::join(found.failures, ", "));
  return conffiles;
}

Packages read_packages(const RootDir& root) {
  const GuestFiles files(root);
  Inventory inventory(true);
  auto found = read_managers(files, inventory);
  Packages packages;
  Resolver resolver(files);
  attempt(found, [&] {
    std::unordered_set<std::string> conffiles;
    add_conffiles(inventory, resolver, conffiles);
    add_packages(inventory, resolver, conffiles, packages.packages);
  });
  if (found.failures.empty()) return packages;
  return {.unknown = fmt::format("packages unreadable ({})", fmt::join(found.failures, ", "))};
}

}  // namespace vunify
