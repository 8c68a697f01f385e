// SPDX-License-Identifier: Apache-2.0
#include "survey/shifted.h"

#include <algorithm>
#include <tuple>

namespace vunify {
namespace {

struct Twinless {
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
// the rest. That is found from a number of each, so that a host whose files are all twinless takes 16 bytes for one.
struct Keyed {
  std::uint64_t key;
  NameRef name;
};

std::uint64_t sort_key(const File& file) {
  std::uint64_t key = 0;
  for (const auto part : {file.stamp.size, static_cast<std::uint64_t>(file.stamp.mtime.sec),
                          std::uint64_t{file.mode} << 32 | (file.uid - file.gid)}) {
    key = (key ^ part) * 0x9E3779B97F4A7C15;  // 2^64 / golden ratio
    key ^= key >> 29;
  }
  return key;
}

std::vector<Keyed> keyed_files(const Trees& trees, const std::vector<std::uint32_t>& place) {
  std::vector<Keyed> keyed;
  for (std::uint32_t guest = 0; guest < trees.size(); ++guest) {
    if (place[guest] == no_place) continue;
    std::uint32_t i = 0;
    for (const auto& file : trees[guest].files()) {
      if (file.verdict == Verdict::no_twin) keyed.push_back({sort_key(file), {guest, i}});
      ++i;
    }
  }
  std::ranges::sort(keyed, {}, &Keyed::key);
  return keyed;
}

std::vector<Twinless> twinless_files(const Trees& trees, const std::vector<std::uint32_t>& place) {
  const auto keyed = keyed_files(trees, place);
  const auto file = [&](const Keyed& f) { return &trees[f.name.guest].file(f.name.file); };
  std::vector<Twinless> twinless;
  for (auto i = keyed.begin(); i != keyed.end();) {
    const auto last = std::find_if(i, keyed.end(), [&](const Keyed& f) { return f.key != i->key; });
    if (std::any_of(i, last, [&](const Keyed& f) { return file(f)->uid != file(*i)->uid; }))
      for (; i != last; ++i) twinless.push_back({trees[i->name.guest].path(i->name.file), i->name, file(*i)});
    i = last;
  }
  return twinless;
}

bool same_but_owner(const Twinless& a, const Twinless& b) {
  return a.key() == b.key() && a.skew() == b.skew() && a.file->uid != b.file->uid;
}

}  // namespace

Candidates find_shifted(const Trees& trees, const std::vector<std::uint32_t>& place) {
  auto twinless = twinless_files(trees, place);
  std::ranges::sort(twinless, [](const Twinless& a, const Twinless& b) {
    return std::tuple_cat(a.key(), std::tuple(a.skew(), a.name.guest)) <
           std::tuple_cat(b.key(), std::tuple(b.skew(), b.name.guest));
  });
  Candidates found;
  for (std::size_t i = 0; i < twinless.size();) {
    const auto start = i++;
    while (i < twinless.size() && same_but_owner(twinless[i - 1], twinless[i])) ++i;
    if (i - start < 2) continue;
    found.groups.push_back({static_cast<std::uint32_t>(found.inodes.size()), static_cast<std::uint32_t>(i - start), 0});
    for (auto k = start; k < i; ++k) {
      found.inodes.push_back({static_cast<std::uint32_t>(found.names.size()), 1, false, true});
      found.names.push_back(twinless[k].name);
    }
  }
  return found;
}

}  // namespace vunify
