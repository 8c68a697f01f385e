// SPDX-License-Identifier: Apache-2.0
#include "change/likeness.h"

#include <xxhash.h>

#include <algorithm>
#include <compare>
#include <mutex>
#include <set>
#include <system_error>

#include "change/metadata.h"
#include "change/protection.h"
#include "sys/guard.h"
#include "sys/lease.h"
#include "sys/link.h"
#include "sys/mark.h"
#include "sys/quiet_read.h"
#include "sys/same_bytes.h"
#include "sys/walk.h"

namespace vunify {
namespace {

constexpr std::size_t chunk = 128 << 10;

// What stat(2) tells of two that are alike.
struct Look {
  std::uint64_t size = 0;
  std::int64_t mtime = 0;
  std::uint32_t mode = 0, uid = 0, gid = 0;
  auto operator<=>(const Look&) const = default;
};

Look look_of(const Inode& inode) { return {inode.stamp.size, inode.stamp.mtime.sec, inode.mode, inode.uid, inode.gid}; }

// An inode of the guests, and one of the names that lead to it.
struct Marked {
  const RootDir* root = nullptr;
  std::string path{};
  Inode inode{};
  bool is_marked = true;
  bool by_cow = false;  // no flag protects it, nor should one
};
using MarkedInodes = std::map<std::uint64_t, Marked>;  // by inode number

// Marked, or looking as a keeper that was made and not led to.
MarkedInodes find_marked(const std::vector<const Guest*>& guests, const std::set<Look>& fresh) {
  MarkedInodes marked;
  std::mutex finding;  // guards marked
  std::vector<RootVisit> visits;
  for (const Guest* guest : guests) {
    Visitor visitor;
    visitor.visit = [&, guest](const Listing& listing) {
      for (auto& entry : listing.entries) {
        entry.enter = entry.inode.is_directory();
        const std::string leaf(entry.leaf);
        if (!entry.inode.is_regular()) continue;
        const bool is_marked = mark_at(listing.fd, leaf, {guest->fs, entry.inode.ino}) == Mark::valid;
        if (!is_marked && !fresh.contains(look_of(entry.inode))) continue;
        const std::lock_guard lock(finding);
        marked.try_emplace(entry.inode.ino, Marked{&guest->root, join_path(listing.path, leaf), entry.inode, is_marked,
                                                   guest->is_adopted()});
      }
    };
    visitor.failed = [](const std::string&, const std::system_error&) {};  // what is not found proves nothing
    visitor.stop = [] { return false; };
    visits.push_back({&guest->root, std::move(visitor)});
  }
  walk(visits);
  return marked;
}

// Tells whom to compare: only those with the same.
std::uint64_t hash_of(int fd) {
  QuietReader reader(fd);
  std::vector<char> bytes(chunk);
  std::uint64_t hash = 0;
  for (std::uint64_t at = 0;; at += chunk) {
    const auto got = reader.read_at(at, bytes);
    hash = XXH3_64bits_withSeed(bytes.data(), got, hash);
    if (got < chunk) return hash;
  }
}

class Comparison {
 public:
  Comparison(const UnknownInodes& unknown, int staging) : staging_(staging) {
    for (const auto& [ino, one] : unknown)
      if (!one.for_good && one.inode.is_regular()) add(ino, one);
  }

  const std::set<Look>& fresh() const { return fresh_; }

  // Numbers of the unknown that are like the marked one.
  std::vector<std::uint64_t> like(const Marked& marked) {
    std::vector<std::uint64_t> like;
    const auto found = by_look_.find(look_of(marked.inode));
    if (found == by_look_.end()) return like;
    const auto fd = marked.root->open_inode(marked.path, marked.inode.ino);
    if (!fd) return like;
    const auto hash = hash_of(fd->get());
    for (auto& one : found->second)
      if ((marked.is_marked || one.is_fresh) && hash_of_staged(one) == hash && is_like(*fd, one, marked))
        like.push_back(one.ino);
    return like;
  }

 private:
  struct Staged {
    std::uint64_t ino = 0;
    std::string leaf{};
    bool is_fresh = false;  // a keeper of ours, and staging has all its names: no guest was led to it
    std::optional<std::uint64_t> hash{};
  };

  void add(std::uint64_t ino, const Unknown& one) {
    Staged staged{ino, one.leaves.front()};
    staged.is_fresh =
        one.inode.nlink == one.leaves.size() && mark_at(staging_, staged.leaf, {fs_id(staging_), ino}) == Mark::valid;
    if (staged.is_fresh) fresh_.insert(look_of(one.inode));
    by_look_[look_of(one.inode)].push_back(std::move(staged));
  }

  std::uint64_t hash_of_staged(Staged& one) const {
    if (!one.hash) one.hash = hash_of(open_staged({staging_, one.leaf}).get());
    return *one.hash;
  }

  // Whoever wants to write to the marked one meets its protection, or finds it not like the other any more.
  bool is_like(const Fd& fd, const Staged& one, const Marked& guests) const {
    const int marked = fd.get();
    const Fd staged = open_staged({staging_, one.leaf});
    auto lease = Lease::take(marked), staged_lease = Lease::take(staged.get());
    // A guest's own writer does not wait: he breaks the lease, and then nothing is proven.
    if (!lease || !staged_lease || (guests.is_marked && !lease->pin())) return false;
    const bool same = agree(read_metadata(marked), read_metadata(staged.get()), true) &&
                      same_bytes(marked, staged.get()) && staged_lease->is_unwritten();
    const bool is_bare = guests.is_marked && !guests.by_cow && protection_of(marked) == Protection::none;
    if (same && is_bare) protect(marked, Protection::immutable);
    const bool unchanged = agree(read_metadata(marked), read_metadata(staged.get()), true);
    if (lease->is_unwritten()) return same && unchanged;
    if (guests.is_marked) lease->turn_away();
    return false;
  }

  int staging_;
  std::map<Look, std::vector<Staged>> by_look_;
  std::set<Look> fresh_;
};

}  // namespace

Likeness prove_by_likeness(const UnknownInodes& unknown, int staging, const std::vector<const Guest*>& guests) {
  Likeness likeness;
  Comparison comparison(unknown, staging);
  const auto guarded = GuardedInodes::now();
  for (const auto& [ino, marked] : find_marked(guests, comparison.fresh())) {
    std::vector<std::uint64_t> like;
    try {
      like = comparison.like(marked);
    } catch (const std::system_error&) {
      like.clear();
    }
    const auto same = unknown.find(ino);
    const auto staged = same == unknown.end() ? 0 : same->second.leaves.size();
    const bool is_bare =
        marked.is_marked && !marked.by_cow && !marked.inode.immutable && !guarded.contains(marked.inode);
    likeness.in_doubt |= like.empty() && is_bare && marked.inode.nlink > staged + 1;
    if (same != unknown.end() && !same->second.for_good) like.push_back(ino);
    likeness.proven.insert(like.begin(), like.end());
  }
  if (likeness.in_doubt) likeness.proven.clear();
  return likeness;
}

}  // namespace vunify
