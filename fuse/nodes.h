// SPDX-License-Identifier: Apache-2.0
// What the kernel knows by number: a node for each inode that it has looked up and not forgotten. A node is a name in a
// directory's node, and the number of the inode that the name led to; no descriptor, no path. It costs 64 bytes, 16 for
// a short name, and 4 to 8 in the table of inode numbers.
//
//     named       its directory and name lead to its inode
//     nameless    the name is gone and somebody has it open still: a descriptor holds the inode (fuse/addresses)
//     detached    its link was broken while somebody had it open for reading: it stands for the old inode, which is
//     held,
//                 and *current* is the node that its name leads to now
//
// Names that the guest linked itself are one node. Of a shared inode each name is a node of its own: the guest made
// them separately, and the break of one is none of the other's.
//
// Everything lies in slabs, by number: nothing here would have to change for a table that outlives the process.
#pragma once

#include <sys/stat.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fuse/node_names.h"
#include "fuse/slab.h"

namespace vunify {

using NodeId = std::uint64_t;
inline constexpr NodeId root_node = 1;  // FUSE_ROOT_ID

// Of a regular file. Once shared, a node is never written in place, whatever becomes of the mark.
enum class Owner : std::uint8_t { unknown, guest, shared };

struct Node {
  std::uint64_t ino = 0;
  std::uint64_t shown = 0;       // st_ino: it stays when a link is broken
  std::uint64_t lookups = 0;     // that the kernel has not forgotten
  std::uint32_t parent = 0;      // the directory's node; of a detached one, the current node
  std::uint32_t next = 0;        // in its bucket
  std::uint32_t generation = 0;  // of its number: no two nodes that had it are alike
  std::uint32_t opens = 0;       // by the kernel, not released yet
  std::uint32_t uses = 0;        // by nodes whose parent this is
  std::int32_t backing = 0;      // number that the kernel has its inode under (fuse/backing), 0 for none
  NodeName name;                 // none: nameless, or the root
  std::uint16_t device = 0;      // of several, in a tree of btrfs subvolumes: index of Nodes
  Owner owner = Owner::unknown;
  std::uint8_t type = 0;  // S_IFMT >> 12
  bool is_held : 1 = false;
  bool is_detached : 1 = false;
  bool is_listed : 1 = false;        // in a bucket
  bool is_busy : 1 = false;          // NodeLock
  bool was_opened_rw : 1 = false;    // a map of it may change its times without a word
  bool is_served_by_us : 1 = false;  // opened without passthrough, as long as it is open
  bool is_island : 1 = false;        // a directory that is covered (fuse/islands): nothing in it is shown

  bool is_directory() const { return type == S_IFDIR >> 12; }
  bool is_regular() const { return type == S_IFREG >> 12; }
};
static_assert(sizeof(Node) == 64);

// A node that is gone, and what has to be let go with it.
struct Gone {
  NodeId id = 0;
  int backing = 0;
  bool has_descriptor = false;
};
using LetGo = std::function<void(const Gone& gone)>;

// All functions may be called by many threads; numbers that the kernel does not know any more throw ESTALE.
class Nodes {
 public:
  // let_go: called for each node that goes, by whichever thread, not locked.
  Nodes(const struct stat& root, LetGo let_go);
  Nodes(const Nodes&) = delete;

  Node at(NodeId id) const;
  struct Place {
    Node node;
    std::string name;
  };
  Place place_of(NodeId id) const;
  // The node itself, or the one that a detached node's name leads to now.
  NodeId current(NodeId id) const;

  // What a name leads to and what its node says of it change at one time for all others: a break holds this alone from
  // the exchange to rebind() or detach(), and who looks at a name shares it until he has its node.
  std::shared_mutex& breaking() const { return breaking_; }

  // The node of what a name was seen to lead to, made where there is none, with one look-up more.
  NodeId enter(NodeId parent, std::string_view name, const struct stat& seen, Owner owner);
  // A new inode that has no name (O_TMPFILE): nameless, held, with one look-up.
  NodeId enter_nameless(const struct stat& seen);
  // 0 where the kernel does not know it.
  NodeId find(NodeId parent, std::string_view name, const struct stat& seen) const;
  // Look-ups that the kernel forgot, or never heard of.
  void forget(NodeId id, std::uint64_t lookups);

  void open(NodeId id, bool read_write);
  void release(NodeId id);

  void set_owner(NodeId id, Owner owner);
  void set_backing(NodeId id, int backing);
  bool has_backing(NodeId id, int backing) const;
  // False where that is not its number, or somebody has it open, or locked.
  bool take_backing(NodeId id, int backing);
  void set_served_by_us(NodeId id, bool served);
  void set_held(NodeId id, bool held);
  void set_island(NodeId id);

  void rename(NodeId id, NodeId parent, std::string_view name);
  void exchange(NodeId one, NodeId other);
  // Its name was removed. still_linked: other names lead to its inode, and to this node.
  void unname(NodeId id, bool still_linked);

  // Its link was broken: from here on the node stands for the new inode. False, and nothing changed, where that has a
  // node already.
  bool rebind(NodeId id, const struct stat& copy);
  // The same while somebody has it open: the node is detached, and a current node made. The caller holds its inode.
  NodeId detach(NodeId id, const struct stat& copy);
  // A detached node that nobody has open any more becomes what its current node is, where the kernel knows only it.
  // Returns the number of the current node that is gone, 0 where nothing was done.
  NodeId attach(NodeId id);

  std::size_t count() const;
  std::size_t bytes() const;

 private:
  friend class NodeLock;
  static std::uint32_t block_of(NodeId id) { return static_cast<std::uint32_t>(id); }
  Node& node(NodeId id) const { return *static_cast<Node*>(nodes_.at(block_of(id))); }
  Node& known(NodeId id) const;
  void set_place(Node& node, NodeId parent, std::string_view name);
  std::uint16_t device_of(const struct stat& seen);
  std::uint32_t* bucket(const Node& node);
  const std::uint32_t* bucket(std::uint64_t ino) const;
  void list(NodeId id);
  void unlist(NodeId id);
  void resize(std::size_t buckets);
  NodeId make(const struct stat& seen);
  NodeId match(NodeId parent, std::string_view name, const struct stat& seen, bool shared) const;
  bool leads_to(const Node& node, NodeId parent, std::string_view name) const;
  void reclaim_number(std::uint64_t ino);
  std::vector<Gone> drop(NodeId id);
  void give_back(NodeId id);
  void tell(const std::vector<Gone>& gone) const;
  bool try_lock(NodeId id);
  void lock(NodeId id);
  void unlock(NodeId id);

  mutable std::shared_mutex breaking_;
  mutable std::mutex mutex_;
  std::condition_variable unlocked_;
  LetGo let_go_;
  Slab nodes_;
  NodeNames names_;
  std::vector<std::uint32_t> buckets_;
  std::vector<dev_t> devices_;
  std::unordered_map<std::uint64_t, NodeId> borrowed_;  // numbers shown by nodes whose inode has another
  std::size_t count_ = 0;
  std::uint32_t generation_ = 0;
};

}  // namespace vunify
