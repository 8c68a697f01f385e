// SPDX-License-Identifier: Apache-2.0
// One guest being served: all that its handlers work on.
#pragma once

#include "fuse/addresses.h"
#include "fuse/allowance.h"
#include "fuse/backing.h"
#include "fuse/cow.h"
#include "fuse/held_names.h"
#include "fuse/islands.h"
#include "fuse/kept_at.h"
#include "fuse/node_lock.h"
#include "fuse/requests.h"
#include "fuse/source.h"
#include "fuse/wire.h"

namespace vunify {

inline constexpr std::size_t most_open_directories = 4096;
inline constexpr std::size_t most_backing_files = 32768;

struct Served {
  // What is referred to is the supervisor's, and outlives this; but undo, which is rolled back. init: the kernel's
  // first request.
  Served(const Source& tree, const Islands& native, int device_, SharedMemory& memory, Undo& undo,
         std::span<const char> init, bool passthrough)
      : source(tree),
        islands(native),
        device(device_),
        wire(*this, init, passthrough),
        requests(memory, kept_at::requests),
        nodes(memory, undo, stat_at({source.root.get(), ""}), [this](const Gone& gone) { let_go(gone); }),
        addresses(nodes, hold_at({source.root.get(), "."}), most_open_directories),
        backing(nodes, device, source.read_only.get(), most_backing_files),
        births(source.staging->fd(), source.tag),
        cow(nodes, addresses, backing, allowance, *source.staging, births),
        held_names(nodes) {}
  Served(const Served&) = delete;

  const Source& source;
  const Islands& islands;
  int device;
  Wire wire;
  Requests requests;
  Nodes nodes;
  Addresses addresses;
  Backing backing;
  Allowance allowance;
  Birthplace births;
  Cow cow;
  HeldNames held_names;
  fuse_session* session = nullptr;

 private:
  void let_go(const Gone& gone) {
    backing.forget(gone.backing);
    allowance.gone(gone.id);
    if (gone.has_descriptor) addresses.let_go(gone.id);
  }
};

// What a node's inode is shown as: a shared one has one name here, and its number does not change when it is broken.
struct stat shown(const Node& node, struct stat seen);
// How long the kernel may believe it, in seconds.
double lasting(const Node& node);
inline constexpr double for_good = 1e9;

// True for what is not the guest's, or not seen here: our staging, in the root, and what lies beneath an island.
bool is_hidden(const Served& served, NodeId directory, std::string_view name);
void expect_visible(const Served& served, NodeId directory, std::string_view name);  // throws EPERM

// Looks a name up; 0 where there is none. With a node there is one look-up more, and entry says what it is.
NodeId enter(Served& served, NodeId directory, const char* name, fuse_entry_param& entry);
// For a reply that the kernel gets after something was made; where it never came, the look-up is taken back.
void reply_entry(Served& served, fuse_req_t request, NodeId directory, const char* name);
fuse_entry_param entry_of(Served& served, NodeId id, const struct stat& seen);

// ext4 says EDQUOT where a project is at its limit; XFS, and a guest's limit without a project, that the disk is full.
int error_told(const Served& served, const std::system_error& error);

// The one catch of a request.
template <typename Work>
void answer(fuse_req_t request, const Work& work) {
  try {
    work(Wire::served_by(request));
  } catch (const OverQuota& error) {
    fuse_reply_err(request, error.code().value());
  } catch (const std::system_error& error) {
    fuse_reply_err(request, error_told(Wire::served_by(request), error));
  } catch (const std::bad_alloc&) {
    fuse_reply_err(request, ENOMEM);
  }
}

GivenUp given_up(fuse_req_t request);

}  // namespace vunify
