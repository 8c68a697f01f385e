// SPDX-License-Identifier: Apache-2.0
// A change of the guest's inodes and names, as its limit sees it: what it may come to is taken before, what it came to
// is told after it, by looking at the blocks of all that it touches.
#pragma once

#include <initializer_list>
#include <vector>

#include "fuse/served.h"

namespace vunify {

class Changing {
 public:
  // touched: directories and files that may grow or shrink by it, the first one by `most`; or that comes of somebody
  // else. Throws ENOSPC and EDQUOT as Taking does.
  Changing(Served& served, const Amount& most, std::initializer_list<NodeId> touched,
           const std::optional<Owners>& whose = {});
  ~Changing();
  Changing(const Changing&) = delete;

  bool counts() const { return taking_.counts(); }
  // The first that is touched comes to others, before it does. Throws EDQUOT.
  void passes_to(const Owners& owners);
  // An inode that was made.
  void born(const struct stat& made);
  // The last name of an inode goes, as it was seen. node: the kernel's, by which somebody may have it still; 0: none.
  void orphaned(NodeId node, const struct stat& seen);

 private:
  struct Touched {
    NodeId id;
    std::optional<Takes> before;
  };
  Served& served_;
  Taking taking_;
  std::vector<Touched> touched_;
};

Takes takes_of(const struct stat& st);
// Nothing where a rename comes between time and again.
std::optional<Takes> takes_now(Served& served, NodeId id) noexcept;
// After another process of ours: what has no name and counts for the guest, for somebody has it.
std::vector<NodeId> outliving(Served& served);
// What is asked of those to whom an inode comes.
Most most_of_passing(const Takes& takes, const Owners& to);

// What writing to a node's file may come to: nothing where there are blocks. Where the limit is near the file is looked
// at, and what the filesystem has allocated ahead for it is given back. Extent size hints count. fd: open for writing.
Amount most_of_write(Served& served, NodeId id, int fd, off_t offset, std::uint64_t length);

}  // namespace vunify
