// SPDX-License-Identifier: Apache-2.0
#include "survey/shifted.h"

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

// A path costs more than all else that is kept of a file, and few files need theirs: those that agree with another in
// the rest. That is found from a number of each, so that a host whose files are all lone takes 16 bytes for one.
struct Folded {
  std::uint64_t key;
  NameRef name;
};

std::uint64_t fold(const File& file) {
  std::uint64_t key = 0;
  for (const auto part : {file.stamp.size, static_cast<std::uint64_t>(file.stamp.mtime.sec),
                          std::uint64_t{file.mode} << 32 | (file.uid - file.gid)}) {
    key = (key ^ part) * 0x9E3779B97F4A7C15;  // 2^64 / golden ratio
    key ^= key >> 29;
  }
  return key;
}

std::vector<Folded> fold_lone_files(const Scan& scan, const std::vector<std::uint32_t>& place) {
  std::vector<Folded> folded;
  for (std::uint32_t guest = 0; guest < scan.trees.size(); ++guest) {
    if (place[guest] == no_place) continue;
    std::uint32_t i = 0;
    for (const auto& file : scan.trees[guest].files()) {
      if (file.verdict == Verdict::no_twin) folded.push_back({fold(file), {guest, i}});
      ++i;
    }
  }
  std::ranges::sort(folded, {}, &Folded::key);
  return folded;
}

std::vector<Lone> lone_files(const Scan& scan, const std::vector<std::uint32_t>& place) {
  const auto folded = fold_lone_files(scan, place);
  const auto file = [&](const Folded& f) { return &scan.trees[f.name.guest].file(f.name.file); };
  std::vector<Lone> lone;
  for (auto i = folded.begin(); i != folded.end();) {
    const auto last = std::find_if(i, folded.end(), [&](const Folded& f) { return f.key != i->key; });
    if (std::any_of(i, last, [&](const Folded& f) { return file(f)->uid != file(*i)->uid; }))
      for (; i != last; ++i) lone.push_back({scan.trees[i->name.guest].path(i->name.file), i->name, file(*i)});
    i = last;
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
