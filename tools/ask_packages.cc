// SPDX-License-Identifier: Apache-2.0
#include "tools/ask_packages.h"

#include <algorithm>
#include <set>

#include "packages/packages.h"
#include "tools/cli.h"
#include "tools/one_guest.h"
#include "tools/text.h"

namespace vunify {
namespace {

using NameAndVersion = std::pair<std::string, std::string>;
using Paths = std::unordered_set<std::string>;

NameAndVersion key_of(const Package& package) { return {package.name, package.version}; }

Packages packages_of(const GuestRoot& root) {
  try {
    return read_packages(open_tree(root, read_mounts()));
  } catch (const std::system_error& error) {
    return {.unknown = error.code().message()};
  }
}

void expect_known(const std::vector<std::string>& names, const std::vector<Package>& packages, const GuestRoot& root) {
  for (const auto& name : names)
    if (name != every_package && std::ranges::find(packages, name, &Package::name) == packages.end())
      throw Failed(Exit::usage, printable(name) + ": no such package in " + printable(name_of(root)));
}

std::vector<Package> named(std::vector<Package> packages, const std::vector<std::string>& names) {
  if (std::ranges::find(names, every_package) != names.end()) return packages;
  std::erase_if(packages,
                [&](const Package& package) { return std::ranges::find(names, package.name) == names.end(); });
  return packages;
}

std::set<NameAndVersion> common_to(const std::vector<Package>& some, const std::vector<Package>& others) {
  std::set<NameAndVersion> keys, common;
  for (const auto& package : some) keys.insert(key_of(package));
  for (const auto& package : others)
    if (keys.contains(key_of(package))) common.insert(key_of(package));
  return common;
}

void ask_for(const std::vector<Package>& packages, const std::set<NameAndVersion>& keys, GuestRoot& root) {
  if (!root.rules.asked) root.rules.asked = Paths();
  for (const auto& package : packages)
    if (keys.contains(key_of(package))) root.rules.asked->insert(package.files.begin(), package.files.end());
}

void tell(const std::set<NameAndVersion>& packages, const GuestRoot& reference, const GuestRoot& root) {
  std::string lines;
  for (const auto& [name, version] : packages)
    lines += "Unify pkg " + printable(name + "-" + version) + " from " + printable(name_of(reference)) + " to " +
             printable(name_of(root)) + "\n";
  print(lines);
}

std::vector<Package> packages_of_reference(const Options& options, const GuestRoot& reference) {
  auto read = packages_of(reference);
  if (!read.unknown.empty()) refuse_guest(name_of(reference), read.unknown);
  expect_known(options.packages, read.packages, reference);
  return named(std::move(read.packages), options.packages);
}

}  // namespace

void ask_packages(const Options& options, Choice& choice, Outcome& outcome) {
  if (options.packages.empty()) return;
  const bool is_told = !options.json && options.detail != Detail::quiet;
  auto reference = choice.roots.front();
  const auto wanted = packages_of_reference(options, reference);
  std::vector<GuestRoot> asked;
  for (auto& root : std::span(choice.roots).subspan(1)) {
    const auto read = packages_of(root);
    if (!read.unknown.empty()) {
      outcome.failed.push_back({name_of(root), "", read.unknown});
      continue;
    }
    const auto common = common_to(wanted, read.packages);
    if (common.empty())
      outcome.notes.push_back({name_of(root), "", "has no such package in the version of " + name_of(reference)});
    ask_for(wanted, common, reference);
    ask_for(read.packages, common, root);
    if (is_told) tell(common, reference, root);
    asked.push_back(std::move(root));
  }
  if (asked.empty()) refuse_guest(outcome.failed.back().guest, outcome.failed.back().reason);
  asked.insert(asked.begin(), std::move(reference));
  choice.roots = std::move(asked);
}

}  // namespace vunify
