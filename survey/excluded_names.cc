// SPDX-License-Identifier: Apache-2.0
#include "survey/excluded_names.h"

#include <tbb/parallel_sort.h>

#include <algorithm>
#include <bit>
#include <span>
#include <tuple>

namespace vunify {
namespace {

struct Listed {
  std::uint64_t ino = 0;
  NameRef name;
};

// Of the names of one filesystem and inode number.
using Run = std::span<const Listed>;

// Says of most numbers that they are not in it, for one look at memory: a host's files are asked for one by one.
class Filter {
 public:
  explicit Filter(std::size_t numbers) : bits_(std::bit_ceil(std::max<std::size_t>(64, 16 * numbers))) {}
  void add(std::uint64_t number) { bits_[place(number)] = true; }
  bool may_hold(std::uint64_t number) const { return bits_[place(number)]; }

 private:
  std::size_t place(std::uint64_t number) const {
    return number * 0x9E3779B97F4A7C15 >> 20 & (bits_.size() - 1);  // 2^64 / golden ratio
  }
  std::vector<bool> bits_;
};

class Question {
 public:
  Question(const Trees& trees, const Trees& listed) : trees_(trees) {
    for (std::uint32_t guest = 0; guest < listed.size(); ++guest)
      for (std::uint32_t i = 0; i < listed[guest].files().size(); ++i)
        listed_.push_back({listed[guest].file(i).ino, {guest, i}});
    tbb::parallel_sort(listed_.begin(), listed_.end(), [this](const Listed& a, const Listed& b) {
      return std::tie(a.ino, fs(a), a.name.guest) < std::tie(b.ino, fs(b), b.name.guest);
    });
  }

  std::vector<NameRef> ask() {
    auto linked = linked_inodes();
    std::vector<NameRef> names;
    for (std::size_t i = 0; i < listed_.size();) {
      const auto start = i++;
      while (i < listed_.size() && listed_[i].ino == listed_[start].ino && fs(listed_[i]) == fs(listed_[start])) ++i;
      const auto run = Run(listed_).subspan(start, i - start);
      const bool of_several = run.front().name.guest != run.back().name.guest;
      if (!of_several && !std::ranges::binary_search(linked, FileId{fs(run[0]), run[0].ino})) continue;
      for (const auto& one : run) names.push_back(one.name);
    }
    return names;
  }

 private:
  const FsId& fs(const Listed& one) const { return trees_[one.name.guest].fs; }

  // Inodes in the trees, of several names, that may be among the listed.
  std::vector<FileId> linked_inodes() const {
    Filter filter(listed_.size());
    for (const auto& one : listed_) filter.add(one.ino);
    std::vector<FileId> linked;
    for (const auto& tree : trees_)
      for (const auto& file : tree.files())
        if (file.nlink > 1 && filter.may_hold(file.ino)) linked.push_back({tree.fs, file.ino});
    std::ranges::sort(linked);
    return linked;
  }

  const Trees& trees_;
  std::vector<Listed> listed_;
};

}  // namespace

std::vector<NameRef> excluded_in_question(const Trees& trees, const Trees& listed) {
  return Question(trees, listed).ask();
}

void note_excluded_inodes(Trees& trees, const Trees& listed) {
  for (std::size_t guest = 0; guest < trees.size(); ++guest) {
    auto& inodes = trees[guest].excluded_inodes;
    inodes.reserve(listed[guest].files().size());
    for (const auto& file : listed[guest].files()) inodes.push_back(file.ino);
    std::ranges::sort(inodes);
  }
}

}  // namespace vunify
