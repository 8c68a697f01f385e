// SPDX-License-Identifier: Apache-2.0
#include "change/half_clones.h"

#include <fcntl.h>

#include <algorithm>
#include <map>

#include "change/clear_tree.h"
#include "change/remove_names.h"
#include "sys/directory.h"

namespace vunify {
namespace {

const std::function<bool()> never = [] { return false; };

// Names that their inodes' flags keep.
void remove_protected(const RootDir& clone, const std::vector<NotCleared>& left, const Staging& staging,
                      const std::string& state_dir) {
  std::map<std::uint64_t, RemoveRequest> inodes;
  for (const auto& one : left) {
    if (!one.protected_file) continue;
    const auto ino = stat_fd(clone.open(one.path, O_PATH | O_NOFOLLOW).get()).ino;
    auto& request = inodes[ino];
    request.inode = {fs_id(staging.fd()), ino};
    request.names.push_back({&clone, one.path});
  }
  std::vector<RemoveRequest> requests;
  for (auto& [ino, request] : inodes) requests.push_back(std::move(request));
  Journal journal(state_dir, "half-clones");
  NameRemover(journal, staging.fd(), staging.path()).run(requests, never);
}

// Returns what is left.
std::vector<NotCleared> clear(const RootDir& clone, const Staging& staging, const std::string& state_dir) {
  const auto left = clear_tree(clone, never);
  if (std::ranges::none_of(left, &NotCleared::protected_file)) return left;
  remove_protected(clone, left, staging, state_dir);
  return clear_tree(clone, never);
}

}  // namespace

void clear_half_clones(const Staging& staging, const std::string& state_dir, Recovery& recovery) {
  for (const auto& leaf : list_names(staging.fd())) {
    const auto there = stat_name(staging.fd(), leaf.c_str());
    if (!leaf.starts_with(clone_prefix) || !there || !there->is_directory()) continue;
    const auto path = staging.path() + "/" + leaf;
    const auto left = clear(RootDir(path), staging, state_dir);
    for (const auto& one : left) recovery.kept.push_back({path + "/" + one.path, one.reason});
    if (left.empty()) remove_empty_directory(staging.fd(), leaf);
  }
}

}  // namespace vunify
