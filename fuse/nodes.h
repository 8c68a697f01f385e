// SPDX-License-Identifier: Apache-2.0
// What the kernel knows by number: a node for each inode that it has looked up and not forgotten. A node is a name in a
// directory's node, and the number of the inode that the name led to; no descriptor, no path. It costs 64 bytes, 16 for
// a short name, and 4 to 8 in the table of inode numbers.
//
//     named       its directory and name lead to its inode
//     nameless    the name is gone and somebody has it open still: a descriptor holds the inode (fuse/addresses)
//     detached    its link was broken while somebody had it open for reading: it stands for the old inode, which is
//                 held, and *current* is the node that its name leads to now
//
// Names that the guest linked itself are one node. Of a shared inode each name is a node of its own: the guest made
// them separately, and the break of one is none of the other's.
//
// Everything lies by number in memory that outlives us (sys/shared_memory), and changes in steps (fuse/undo): whoever
// serves the guest next finds each node as it was before a change, or after it, with the descriptors and the numbers of
// backing files that go with it. What follows from the nodes is made anew: which of them are in a bucket, what is free.
#pragma once

#include <sys/stat.h>

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fuse/node_names.h"
#include "fuse/slab.h"
#include "fuse/undo.h"

namespace vunify {

using NodeId = std::uint64_t;

// ESTALE: what was asked by leads to the inode no longer.
[[noreturn]] void throw_stale(const std::string& name);

inline constexpr NodeId root_node = 1;  // FUSE_ROOT_ID

// Of a regular file. Once shared, a node is never written in place, whatever becomes of the mark.
enum class Owner : std::uint8_t { unknown, guest, shared };

// What a file was opened for; one that was emptied, too, was to be written to.
enum class OpenedTo : std::uint8_t { read, write, read_and_write };

struct Node {
  std::uint64_t ino = 0;
  std::uint64_t shown = 0;            // st_ino: it stays when a link is broken
  std::uint64_t lookups : 40 = 0;     // that the kernel has not forgotten
  std::uint64_t descriptor : 24 = 0;  // that holds its inode, 0 for none (fuse/addresses)
  std::uint32_t parent = 0;           // the directory's node; of a detached one, the current node
  std::uint32_t next = 0;             // in its bucket
  std::uint32_t generation = 0;       // of its number: no two nodes that had it are alike
  std::uint32_t opens = 0;            // by the kernel, not released yet
  std::uint32_t uses = 0;             // by nodes whose parent this is
  std::int32_t backing = 0;           // number that the kernel has its inode under (fuse/backing), 0 for none
  NodeName name;                      // none: nameless, or the root
  std::uint16_t device = 0;           // of several, in a tree of btrfs subvolumes: index of Nodes
  Owner owner = Owner::unknown;
  std::uint8_t type = 0;  // S_IFMT >> 12
  bool is_detached : 1 = false;
  bool is_listed : 1 = false;        // in a bucket
  bool is_busy : 1 = false;          // NodeLock
  bool is_breaking : 1 = false;      // its name may lead elsewhere (fuse/cow, fuse/name_hold)
  bool was_opened_rw : 1 = false;    // a map of it may change its times without a word
  bool is_served_by_us : 1 = false;  // opened without passthrough, as long as it is open
  bool is_island : 1 = false;        // a directory that is covered (fuse/islands): nothing in it is shown
  std::uint16_t writers = 0;         // of opens; with more than can be counted it has some until the last is closed

  bool has_name() const { return name.length != 0; }
  bool is_held() const { return descriptor != 0; }
  bool is_directory() const { return type == S_IFDIR >> 12; }
  bool is_regular() const { return type == S_IFREG >> 12; }
  bool is_in_use() const { return lookups != 0 || opens != 0 || uses != 0 || is_busy; }
};
static_assert(sizeof(Node) == 64);

// A node that is gone, and what has to be let go with it.
struct Gone {
  NodeId id = 0;
  NodeId parent = 0;
  int backing = 0;
  bool has_descriptor = false;
};
using LetGo = std::function<void(const Gone& gone)>;

// All functions may be called by many threads; numbers that the kernel does not know any more throw ESTALE.
class Nodes {
 public:
  // Those that the memory has, with all look-ups and opens, where another process had nodes in it; else the root alone.
  // undo: rolled back. let_go: called for each node that goes, by whichever thread, not locked; no other has its number
  // before it returns.
  Nodes(SharedMemory& memory, Undo& undo, const struct stat& root, LetGo let_go);
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
  // A new inode that has no name (O_TMPFILE): nameless, with one look-up; to be held by the caller.
  NodeId enter_nameless(const struct stat& seen);
  // 0 where the kernel does not know it.
  NodeId find(NodeId parent, std::string_view name, const struct stat& seen) const;
  // Look-ups that the kernel forgot, or never heard of.
  void forget(NodeId id, std::uint64_t lookups);

  // handle: the descriptor that the kernel knows the open file by, 0 for none. Throws EMFILE.
  void open(NodeId id, OpenedTo to, int handle);
  // Before a handle is closed. False where it is none of the node's, any more.
  bool take_handle(NodeId id, int handle);
  // True where nobody has it open any more that its name leads elsewhere: attach().
  bool release(NodeId id, OpenedTo was_opened_to);

  void set_owner(NodeId id, Owner owner);
  void set_backing(NodeId id, int backing);
  bool has_backing(NodeId id, int backing) const;
  // From here on it has none. The number is the kernel's until the caller has taken it away, and said so: forgot().
  int drop_backing(NodeId id);
  // False where that is not its number, or somebody has it open, or locked.
  bool take_backing(NodeId id, int backing);
  void forgot(int backing);
  void set_served_by_us(NodeId id, bool served);
  // Its descriptor, or none: 0. The one that it had is closed by the caller afterwards. Throws EMFILE.
  void hold(NodeId id, int descriptor);
  void set_island(NodeId id);

  // Its name may be led elsewhere: true from before that until rebind(), detach() or unname(), or where it is not.
  void set_breaking(NodeId id, bool breaking);
  void rename(NodeId id, NodeId parent, std::string_view name);
  void exchange(NodeId one, NodeId other);
  // Its name was removed. still_linked: other names lead to its inode, and to this node.
  void unname(NodeId id, bool still_linked);

  // Its name was led to another inode, whose is told: from here on the node stands for that, which a descriptor holds,
  // or none: 0. It has no backing file: see drop_backing(). False, and nothing changed, where that has a node already.
  bool rebind(NodeId id, const struct stat& copy, int descriptor, Owner owner);
  // The same while somebody has it open: the node, which is held, is detached, and a current node made, which has the
  // descriptor.
  NodeId detach(NodeId id, const struct stat& copy, int descriptor, Owner owner);
  // A detached node that nobody has open any more becomes what its current node is, where the kernel knows only it;
  // what it was held by, and its backing file, are to be let go. Returns the number of the current node that is gone, 0
  // where nothing was done: no other has it before free().
  NodeId attach(NodeId id);
  void free(NodeId id);

  // Files of the guest's own that the kernel has open; some may have no name any more.
  std::vector<NodeId> opened() const;

  // What a process that was killed left to the next one, which is asked before it serves anything.
  std::vector<NodeId> held() const;
  std::vector<NodeId> backed() const;  // with backing files, those that were registered first in front
  std::vector<NodeId> breaking_left() const;
  std::vector<NodeId> nameless() const;    // and what was the guest's own when its name was led elsewhere
  std::vector<int> descriptors() const;    // of ours that are held, or the kernel knows: all others may be closed
  std::vector<int> lost_backings() const;  // numbers that no node has any more, to be taken from the kernel
  int last_backing() const;                // that the kernel gave out and a node got

  std::size_t count() const;
  std::size_t opens() const;  // of all of them
  std::size_t bytes() const;

 private:
  friend class NodeLock;
  friend class NodeClaim;
  static std::uint32_t block_of(NodeId id) { return static_cast<std::uint32_t>(id); }
  Node& node(NodeId id) const { return *static_cast<Node*>(nodes_.at(block_of(id))); }
  Node& known(NodeId id) const;
  // One step, under the lock of all. The name that a node had is free after it only: it may be wanted back.
  class Change {
   public:
    explicit Change(Nodes& nodes) : nodes_(nodes), lock_(nodes.mutex_) {}
    ~Change();
    Node& of(NodeId id);  // that is about to change
    void drop(NodeName name) { dropped_ = name; }

   private:
    Nodes& nodes_;
    std::lock_guard<std::mutex> lock_;
    NodeName dropped_;
  };
  template <typename Take>
  std::vector<NodeId> those(const Take& take) const;
  void make_root(const struct stat& root);
  void recover();
  void count_uses();
  void drop_unknown();
  void take_up();
  void set_place(Change& change, Node& node, NodeId parent, std::string_view name);
  std::uint16_t device_of(const struct stat& seen);
  dev_t device(const Node& node) const { return table_.devices[node.device]; }
  std::uint32_t* bucket(const Node& node);
  const std::uint32_t* bucket(std::uint64_t ino) const;
  void list(NodeId id);
  void unlist(NodeId id);
  void resize(std::size_t buckets);
  NodeId make(const struct stat& seen);
  NodeId match(NodeId parent, std::string_view name, const struct stat& seen, bool shared) const;
  bool leads_to(const Node& node, NodeId parent, std::string_view name) const;
  void reclaim_number(std::uint64_t ino);
  NodeId make_current(Node& detached, const struct stat& copy, int descriptor, Owner owner);
  void lose_backing(Node& node);
  static void expect_small(int descriptor);
  static void set_descriptor(Node& node, int descriptor);
  std::uint32_t& handle_of(int descriptor) const;
  std::optional<Gone> drop(Change& change, NodeId id);
  void let_go(std::optional<Gone> gone);
  void give_back(NodeId id);
  bool try_lock(NodeId id);
  void lock(NodeId id);
  void unlock(NodeId id);

  static constexpr std::size_t fewest_buckets = 1024;
  static constexpr int most_descriptor = (1 << 24) - 1;
  // In the memory, beside the nodes.
  static constexpr std::size_t most_devices = 1 << 16;
  static constexpr std::size_t most_lost_backings = 1 << 8;  // by each thread one at a time
  struct Table {
    std::uint32_t generation;
    std::int32_t last_backing;
    std::array<std::int32_t, most_lost_backings> lost_backings;
    std::uint32_t device_count;
    std::array<std::uint64_t, most_devices> devices;
  };

  mutable std::shared_mutex breaking_;
  mutable std::mutex mutex_;
  std::condition_variable unlocked_;
  LetGo let_go_;
  Undo& undo_;
  Slab nodes_;
  NodeNames names_;
  Table& table_;
  std::uint32_t* handles_;  // by descriptor: the node that it is open for
  SharedMemory& memory_;
  std::vector<std::uint32_t> buckets_;
  std::unordered_map<std::uint64_t, NodeId> borrowed_;  // numbers shown by nodes whose inode has another
  std::size_t count_ = 0, opens_ = 0;
};

}  // namespace vunify
