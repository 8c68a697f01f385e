// SPDX-License-Identifier: Apache-2.0
// How a node's inode is reached: by its name in its directory, which is held open (O_PATH) as long as it is among the
// few thousand that were used last; or, where the name is gone, by a descriptor that was taken before it went.
//
// Between the moment when an address is asked for and its use a name may be moved: whoever uses one looks at the inode
// number that he got, and asks again. What comes under the inode's own lock of the kernel (its attributes, its names)
// cannot be overtaken.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "fuse/nodes.h"
#include "sys/at.h"

namespace vunify {

class Address {
 public:
  Address(std::shared_ptr<const Fd> dir, std::string leaf) : dir_(std::move(dir)), leaf_(std::move(leaf)) {}
  At at() const { return {dir_->get(), leaf_.c_str()}; }

 private:
  std::shared_ptr<const Fd> dir_;
  std::string leaf_;  // empty: dir_ is the inode itself
};

class Addresses {
 public:
  // root: O_PATH; most: directories kept open.
  Addresses(Nodes& nodes, Fd root, std::size_t most);

  Address of(NodeId id);
  // By its name even where a descriptor is held since another of its names went.
  Address by_name(NodeId id);
  // Of a name that is being looked up, made, or removed.
  Address of(NodeId directory, const char* leaf);
  // What is there, of the very inode of the node; ESTALE where its name leads to another.
  struct stat stat(NodeId id);
  Fd open(NodeId id, int flags);

  // From here on the node is reached by this descriptor.
  void hold(NodeId id, Fd fd);
  // From here on it is reached by its name.
  void drop_hold(NodeId id);
  // As Nodes': what changes with the inode that a node stands for is how it is reached. held: by that the copy is, if
  // it has no name.
  bool rebind(NodeId id, const struct stat& copy, Fd held, Owner owner);
  NodeId detach(NodeId id, const struct stat& copy, Fd held, Owner owner);
  NodeId attach(NodeId id);
  void let_go(NodeId id);

  // Descriptors that another process left us with the nodes.
  void take_up();

  // Descriptors that are open now.
  std::size_t directories() const;
  std::size_t held_inodes() const;

 private:
  std::shared_ptr<const Fd> directory(NodeId id);
  std::shared_ptr<const Fd> cached(NodeId id);
  std::shared_ptr<const Fd> keep(NodeId id, Fd fd);
  std::shared_ptr<const Fd> held(NodeId id);
  void keep_held(NodeId id, Fd fd);

  struct Kept {
    NodeId id;
    std::shared_ptr<const Fd> fd;
  };
  Nodes& nodes_;
  std::shared_ptr<const Fd> root_;
  std::size_t most_;
  mutable std::mutex mutex_;
  std::list<Kept> directories_;  // the one used last in front
  std::unordered_map<NodeId, std::list<Kept>::iterator> by_node_;
  std::unordered_map<NodeId, std::shared_ptr<const Fd>> held_;
};

}  // namespace vunify
