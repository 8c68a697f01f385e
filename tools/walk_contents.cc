// SPDX-License-Identifier: Apache-2.0
#include "tools/walk_contents.h"

#include <unordered_map>

#include "db/bytes.h"
#include "survey/scan.h"
#include "tools/choose.h"
#include "tools/cli.h"
#include "tools/text.h"

namespace vunify {
namespace {

// Of each inode with many names the first of them, in whichever order the walk came by: it is so on all hosts.
std::unordered_map<std::uint64_t, std::uint32_t> first_names(const Tree& tree) {
  std::unordered_map<std::uint64_t, std::uint32_t> first;
  for (std::uint32_t i = 0; i < tree.files().size(); ++i) {
    if (tree.file(i).nlink < 2) continue;
    const auto [known, is_new] = first.try_emplace(tree.file(i).ino, i);
    if (!is_new && tree.path(i) < tree.path(known->second)) known->second = i;
  }
  return first;
}

std::vector<HashedContent> contents_of(const Tree& tree, const NumberOf& number_of) {
  const auto first = first_names(tree);
  std::vector<HashedContent> contents;
  contents.reserve(tree.files().size());
  for (std::uint32_t i = 0; i < tree.files().size(); ++i)
    if (const auto& file = tree.file(i); file.stamp.size > 0 && (file.nlink < 2 || first.at(file.ino) == i))
      contents.push_back({number_of(likely_content(tree.path(i), file)), file.stamp.size});
  return contents;
}

}  // namespace

std::string likely_content(const std::string& path, const File& file) {
  std::string content;
  put(content, file.stamp.size);
  put(content, static_cast<std::uint64_t>(file.stamp.mtime.full().sec));
  return content + path;
}

bool walk_contents(const std::string& config, const NumberOf& number_of, const Stop& stop, const TakeContents& take) {
  Options all;
  all.config = config;
  auto opened = open_guests(roots_of_all(all, find_host_guests(all)));
  for (const auto& refusal : opened.refused) complain(printable(refusal.path) + ": " + one_line(refusal.reason));
  bool is_whole = opened.refused.empty();
  Counters counters;
  for (auto& guest : opened.guests) {
    const auto name = guest.name;
    guest.rules = {};        // what is never unified is held all the same
    std::vector<Guest> one;  // a tree is gone before the next is read
    one.push_back(std::move(guest));
    const auto scan = scan_guests(one, {}, stop, counters);
    is_whole = is_whole && scan.failed.empty();
    take(name, contents_of(scan.trees[0], number_of));
  }
  return is_whole;
}

}  // namespace vunify
