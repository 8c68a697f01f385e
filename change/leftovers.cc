// SPDX-License-Identifier: Apache-2.0
#include "change/leftovers.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>

#include "change/choose_protection.h"
#include "change/half_clones.h"
#include "change/journal.h"
#include "change/likeness.h"
#include "change/protection.h"
#include "change/remove_names.h"
#include "change/undo_link.h"
#include "guest/staging.h"
#include "sys/directory.h"
#include "sys/scratch_name.h"

namespace vunify {
namespace {

using KnownNames = std::set<std::pair<std::string, std::string>>;  // filesystem, leaf

// What an earlier start kept without knowing it may be proven now.
KnownNames names_in_journals(const std::string& state_dir) {
  KnownNames known;
  for (const auto& set : read_journals(state_dir).sets)
    for (const auto& name : set.names)
      if (set.intent != Intent::keep || !name.root.empty()) {
        known.insert({set.fs, name.staged});
        known.insert({set.fs, name.staged + std::string(newer_suffix)});
      }
  return known;
}

// One staging directory.
class Leftovers {
 public:
  Leftovers(const Staging& staging, const KnownNames& known, Recovery& recovery)
      : staging_(staging), recovery_(recovery) {
    const auto fs = to_string(fs_id(staging.fd()));
    for (const auto& leaf : staging.names())
      if (leaf != probe_leaf && !known.contains({fs, leaf})) add(leaf);
  }

  void clear(const std::vector<const Guest*>& guests, const std::string& state_dir) {
    if (unknown_.empty()) return;
    const auto proof = prove_by_likeness(unknown_, staging_.fd(), guests);
    for (auto& [ino, one] : unknown_)
      if (proof.in_doubt) keep_for_good(one);
    remove(proof.proven, state_dir);
    for (const auto& [ino, one] : unknown_) tell(one);
  }

 private:
  void add(const std::string& leaf) {
    if (is_left_by_kernel(staging_.fd(), leaf)) return remove(leaf);
    const auto inode = stat_name(staging_.fd(), leaf.c_str());
    if (!inode) return;
    auto& one = unknown_[inode->ino];
    one.inode = *inode;
    one.for_good |= leaf.ends_with(for_good_suffix);
    one.leaves.push_back(leaf);
  }

  // What the kernel left in a guest (change/scratch_name.h).
  void remove(const std::string& leaf) {
    remove_name(staging_.fd(), leaf);
    ++recovery_.names;
  }

  void keep_for_good(Unknown& one) const {
    for (auto& leaf : one.leaves) {
      if (leaf.ends_with(for_good_suffix)) continue;
      const auto path = staging_.path() + "/" + leaf;
      std::error_code is_immutable;
      std::filesystem::rename(path, path + std::string(for_good_suffix), is_immutable);
      if (!is_immutable) leaf += for_good_suffix;
    }
  }

  void remove(const std::set<std::uint64_t>& proven, const std::string& state_dir) {
    if (proven.empty()) return;
    const RootDir root(staging_.path());
    std::vector<RemoveRequest> requests;
    for (const auto ino : proven) {
      RemoveRequest request{{}, {fs_id(staging_.fd()), ino}};
      for (const auto& leaf : unknown_.at(ino).leaves) request.names.push_back({&root, leaf});
      requests.push_back(std::move(request));
    }
    Journal journal(state_dir, "leftovers");
    const auto results = NameRemover(journal, staging_.fd(), staging_.path()).run(requests, [] { return false; });
    for (const auto& result : results) recovery_.names += result.removed;
  }

  // Also where an earlier line told it, under another name.
  void tell(const Unknown& one) {
    for (const auto& leaf : one.leaves) {
      const auto path = staging_.path() + "/" + leaf;
      const auto before = leaf.ends_with(for_good_suffix) ? path.substr(0, path.size() - for_good_suffix.size()) : path;
      std::erase_if(recovery_.kept, [&](const Kept& kept) { return kept.path == path || kept.path == before; });
      if (stat_name(staging_.fd(), leaf.c_str()))
        recovery_.kept.push_back({path, "no journal knows what it is: it may be a guest's only copy of a file"});
    }
  }

  const Staging& staging_;
  Recovery& recovery_;
  UnknownInodes unknown_;
};

// Nothing where none of ours is there, or another run has it.
std::unique_ptr<Staging> open_staging(const std::string& path) {
  try {
    return std::make_unique<Staging>(path);
  } catch (const StagingInUse&) {
    return nullptr;
  } catch (const std::system_error& error) {
    for (const int number : {ENOENT, ENOTDIR, ELOOP, EPERM, EXDEV})
      if (is_error(error, number)) return nullptr;
    throw;
  }
}

std::set<std::string> staging_paths_above(const std::vector<Guest>& guests) {
  std::set<std::string> paths;
  for (const auto& guest : guests)
    for (auto path = guest.root.host_path(); path.size() > 1;) {
      path.resize(path.rfind('/'));
      paths.insert(path + "/" + staging_leaf);
    }
  return paths;
}

std::vector<const Guest*> guests_on(const FsId& fs, const std::vector<Guest>& guests) {
  std::vector<const Guest*> members;
  for (const auto& guest : guests)
    if (guest.fs == fs) members.push_back(&guest);
  return members;
}

}  // namespace

void clear_leftovers(const std::vector<Guest>& guests, const std::string& state_dir, Recovery& recovery) {
  const auto known = names_in_journals(state_dir);
  for (const auto& path : staging_paths_above(guests)) {
    const auto staging = open_staging(path);
    if (!staging) continue;
    clear_half_clones(*staging, state_dir, recovery);
    const auto members = guests_on(fs_id(staging->fd()), guests);
    if (!members.empty()) Leftovers(*staging, known, recovery).clear(members, state_dir);
  }
  std::ranges::sort(recovery.kept, {}, &Kept::path);  // inode numbers say nothing to who reads the report
}

}  // namespace vunify
