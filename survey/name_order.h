// SPDX-License-Identifier: Apache-2.0
// The order that puts candidates beside each other: groups together, within them the names of one inode together,
// within these the guests in order. A host has millions of names, so 16 bytes of each are sorted, and the files
// themselves, which lie all over memory, are looked at once.
#pragma once

#include <tuple>
#include <vector>

#include "survey/candidates.h"

namespace vunify {

class NameOrder {
 public:
  NameOrder(const Trees& trees, const std::vector<std::uint32_t>& place, const GroupRules& rules);

  // Every name of a guest with a place that nothing is said against yet, or only that its inode has names outside: it
  // is no candidate, but somebody's twin.
  std::vector<NameRef> sorted_names() const;

  // Equal for names of one group; for names of one inode.
  auto group_key(NameRef name) const {
    const auto& f = file(name);
    const bool metadata = rules_.metadata;
    return std::tuple(place_[name.guest], f.stamp.size, metadata ? +f.mode : 0, metadata ? f.uid : 0,
                      metadata ? f.gid : 0, metadata && rules_.mtime ? std::int64_t{f.stamp.mtime.sec} : 0);
  }
  auto inode_key(NameRef name) const { return std::tuple(fs_[name.guest], file(name).ino); }

 private:
  struct Keyed {
    std::uint64_t key;  // 40 bits of the group, 24 of the inode
    NameRef name;
  };
  const File& file(NameRef name) const { return trees_[name.guest]->file(name.file); }
  std::uint64_t sort_key(NameRef name) const;
  std::vector<Keyed> keyed_names() const;
  void mend(std::vector<Keyed>& names) const;
  void mend_group(Keyed* first, Keyed* last) const;

  std::vector<const Tree*> trees_;
  std::vector<std::uint32_t> fs_;  // of each guest, numbered
  const std::vector<std::uint32_t>& place_;
  GroupRules rules_;
};

}  // namespace vunify
