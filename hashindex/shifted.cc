// SPDX-License-Identifier: Apache-2.0
#include "hashindex/shifted.h"

#include <algorithm>
#include <tuple>

namespace vunify {
namespace {

struct Lone {
  std::string path;
  NameRef name;
  const File* file;

  auto key() const {
    return std::tuple(std::string_view(path), file->stamp.size, +file->mode, std::int64_t{file->stamp.mtime.sec});
  }
  // Equal for two files whose user and group are moved by the same number.
  std::uint32_t skew() const { return file->uid - file->gid; }
};

std::vector<Lone> lone_files(const Scan& scan, const std::vector<std::uint32_t>& place) {
  std::vector<Lone> lone;
  for (std::uint32_t guest = 0; guest < scan.trees.size(); ++guest) {
    const auto& tree = scan.trees[guest];
    for (std::uint32_t i = 0; i < tree.files().size(); ++i)
      if (tree.file(i).verdict == Verdict::no_twin && place[guest] != no_place)
        lone.push_back({tree.path(i), {guest, i}, &tree.file(i)});
  }
  return lone;
}

bool same_but_owner(const Lone& a, const Lone& b) {
  return a.key() == b.key() && a.skew() == b.skew() && a.file->uid != b.file->uid;
}

}  // namespace

Candidates find_shifted(const Scan& scan, const std::vector<std::uint32_t>& place) {
  auto lone = lone_files(scan, place);
  std::ranges::sort(lone, [](const Lone& a, const Lone& b) {
    return std::tuple_cat(a.key(), std::tuple(a.skew(), a.name.guest)) <
           std::tuple_cat(b.key(), std::tuple(b.skew(), b.name.guest));
  });
  Candidates found;
  for (std::size_t i = 0; i < lone.size();) {
    const auto start = i++;
    while (i < lone.size() && same_but_owner(lone[i - 1], lone[i])) ++i;
    if (i - start < 2) continue;
    found.groups.push_back({static_cast<std::uint32_t>(found.inodes.size()), static_cast<std::uint32_t>(i - start), 0});
    for (auto k = start; k < i; ++k) {
      found.inodes.push_back({static_cast<std::uint32_t>(found.names.size()), 1, false, true});
      found.names.push_back(lone[k].name);
    }
  }
  return found;
}

}  // namespace vunify
