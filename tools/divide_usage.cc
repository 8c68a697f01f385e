// SPDX-License-Identifier: Apache-2.0
#include "tools/divide_usage.h"

#include <map>
#include <memory>
#include <unordered_map>

#include "packages/packages.h"
#include "tools/cli.h"
#include "tools/id_names.h"
#include "tools/text.h"

namespace vunify {
namespace {

// "usr/lib" of "usr/lib/x86_64-linux-gnu/libc.so.6", where two are wanted.
std::string first_steps(std::string_view path, unsigned depth, bool is_directory) {
  std::size_t end = 0;
  for (unsigned i = 0; i < depth; ++i) {
    const auto slash = path.find('/', end == 0 ? 0 : end + 1);
    if (slash == std::string_view::npos) return std::string(is_directory ? path : path.substr(0, end));
    end = slash;
  }
  return std::string(path.substr(0, end));
}

PartName by_directory(unsigned depth) {
  return [depth](std::size_t, std::string_view path, const Inode& inode) {
    return first_steps(path, depth, inode.is_directory());
  };
}

// By the guest's own names, or numbers as they are on disk.
PartName by_user(const HeldFilesystem& held, const std::vector<bool>& is_asked) {
  auto of_holders = std::make_shared<std::map<std::size_t, IdNames>>();
  for (std::size_t i = 0; i < held.holders.size(); ++i)
    if (is_asked[i] && held.holders[i].name != host_name) of_holders->emplace(i, held.holders[i].tree);
  return [of_holders](std::size_t holder, std::string_view, const Inode& inode) {
    const auto names = of_holders->find(holder);
    const auto name = names == of_holders->end() ? std::nullopt : names->second.name(user(inode.uid));
    return name.value_or("user " + std::to_string(inode.uid));
  };
}

using PackageOf = std::unordered_map<std::string, std::string>;

PackageOf packages_of(const Holder& holder) {
  PackageOf packages;
  auto read = read_packages(holder.tree);
  if (!read.unknown.empty()) complain(printable(holder.name) + ": " + one_line(read.unknown));
  for (const auto& package : read.packages)
    for (const auto& file : package.files) packages.try_emplace(file, package.name + " " + package.version);
  return packages;
}

PartName by_package(const HeldFilesystem& held, const std::vector<bool>& is_asked) {
  auto of_holders = std::make_shared<std::vector<PackageOf>>(held.holders.size());
  for (std::size_t i = 0; i < held.holders.size(); ++i)
    if (is_asked[i] && held.holders[i].name != host_name) (*of_holders)[i] = packages_of(held.holders[i]);
  return [of_holders](std::size_t holder, std::string_view path, const Inode& inode) -> std::string {
    const auto& packages = (*of_holders)[holder];
    const auto found = inode.is_directory() ? packages.end() : packages.find("/" + std::string(path));
    return found == packages.end() ? "(no package)" : found->second;
  };
}

// A directory is told with all beneath it.
std::vector<UsageRow> with_what_is_beneath(const std::vector<PartUsage>& parts, std::size_t holder) {
  std::map<std::string, Usage> sums;
  for (const auto& part : parts) {
    if (part.holder != holder) continue;
    for (std::string_view path = part.name; !path.empty(); path = split_path(path).parent)
      sums["/" + std::string(path)] += part.usage;
  }
  std::vector<UsageRow> rows;
  for (const auto& [name, usage] : sums) rows.push_back({name, usage});
  return rows;
}

std::vector<UsageRow> as_they_are(const std::vector<PartUsage>& parts, std::size_t holder) {
  std::vector<UsageRow> rows;
  for (const auto& part : parts)
    if (part.holder == holder) rows.push_back({part.name, part.usage});
  return rows;
}

}  // namespace

PartName division_of(const HeldFilesystem& held, const std::vector<bool>& is_asked, const UsageOptions& options) {
  if (options.depth != 0) return by_directory(options.depth);
  if (options.by == "user") return by_user(held, is_asked);
  return options.by == "package" ? by_package(held, is_asked) : PartName();
}

std::vector<UsageRow> rows_of(const std::vector<PartUsage>& parts, std::size_t holder, const UsageOptions& options) {
  return options.depth != 0 ? with_what_is_beneath(parts, holder) : as_they_are(parts, holder);
}

}  // namespace vunify
