// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "tools/usage.h"

namespace vunify {
namespace {

// Those that are asked for and large enough, in order, as many as are wanted. usages: of rows by their index.
std::vector<std::size_t> ordered(std::vector<std::size_t> rows, const std::vector<Usage>& usages,
                                 const UsageOptions& options) {
  const auto key = [&](std::size_t row) { return key_of(usages[row], options.sort); };
  std::erase_if(rows, [&](std::size_t row) { return key(row) < options.threshold; });
  std::ranges::stable_sort(rows, [&](std::size_t one, std::size_t other) {
    return options.reverse ? key(one) < key(other) : key(one) > key(other);
  });
  if (options.top != 0 && rows.size() > options.top) rows.resize(options.top);
  return rows;
}

}  // namespace

std::uint64_t key_of(const Usage& usage, const std::string& sort) {
  const std::map<std::string, std::uint64_t> keys = {
      {"logical", usage.logical}, {"exclusive", usage.exclusive},
      {"shared", usage.shared()}, {"saved", usage.fair < usage.logical ? usage.logical - usage.fair : 0},
      {"inodes", usage.inodes},   {"need", usage.deunify_need},
      {"fair", usage.fair}};
  return keys.at(sort);
}

std::vector<std::size_t> ordered_holders(const FilesystemUsage& filesystem, const UsageOptions& options) {
  std::vector<std::size_t> rows;
  std::vector<Usage> usages;
  for (const auto& holder : filesystem.sample.holders) {
    if (filesystem.is_asked[usages.size()]) rows.push_back(usages.size());
    usages.push_back(holder.usage);
  }
  return ordered(std::move(rows), usages, options);
}

std::vector<std::size_t> ordered_parts(const std::vector<UsageRow>& parts, const UsageOptions& options) {
  std::vector<std::size_t> rows;
  std::vector<Usage> usages;
  for (const auto& part : parts) {
    rows.push_back(usages.size());
    usages.push_back(part.usage);
  }
  return ordered(std::move(rows), usages, options);
}

}  // namespace vunify
