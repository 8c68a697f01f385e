// SPDX-License-Identifier: Apache-2.0
#include "fuse/break_staging.h"

#include <fcntl.h>

#include "change/lifted_flag.h"
#include "guest/trusted_directory.h"
#include "sys/data.h"
#include "sys/directory.h"
#include "sys/mark.h"
#include "sys/write_out.h"

namespace vunify {
namespace {

Fd open_private_in(int parent, const std::string& leaf) {
  make_private_directory(parent, leaf);
  return open_private(parent, leaf, leaf);
}

}  // namespace

BreakStaging::BreakStaging(int parent, std::uint64_t root, bool commits_in_order)
    : parent_(open_directory_at(parent, ".", ".")),
      above_(open_private_in(parent, break_staging_leaf)),
      leaf_(std::to_string(root)),
      commits_in_order_(commits_in_order) {
  fd_ = open_private_in(above_.get(), leaf_);
}

BreakStaging::~BreakStaging() {
  try {
    remove_empty_directory(above_.get(), leaf_);
    remove_empty_directory(parent_.get(), break_staging_leaf);
  } catch (const std::system_error&) {  // it is met by the next mount
  }
}

StagedName BreakStaging::name_of(int copy) const { return {fd_.get(), std::to_string(stat_fd(copy).ino)}; }

void BreakStaging::write_out(int copy) const {
  if (commits_in_order_)
    vunify::write_out(copy, break_staging_leaf);
  else
    sync_all(copy);
}

void BreakStaging::remove_copy(const StagedName& staged, int copy) const {
  const auto there = stat_name(staged.dir, staged.leaf.c_str());
  if (there && there->ino == stat_fd(copy).ino) remove_staged(staged);
}

bool BreakStaging::is_leftover(const std::string& leaf) const {
  const auto inode = stat_name(fd_.get(), leaf.c_str());
  return inode && (std::to_string(inode->ino) == leaf || mark_at(fd_.get(), leaf, {}) != Mark::none);
}

std::vector<std::string> BreakStaging::sweep() const {
  std::vector<std::string> kept;
  for (const auto& leaf : list_names(fd_.get())) {
    if (!is_leftover(leaf)) {
      kept.push_back(leaf);
      continue;
    }
    const StagedName staged{fd_.get(), leaf};
    const Fd file = open_staged(staged);
    const LiftedFlag lifted(file.get());
    remove_staged(staged);
  }
  return kept;
}

}  // namespace vunify
