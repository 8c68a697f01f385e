// SPDX-License-Identifier: Apache-2.0
#include "guest/guest.h"

#include <algorithm>
#include <cctype>
#include <compare>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>
#include <tuple>

#include "guest/adopted.h"
#include "guest/tag.h"
#include "sys/beneath.h"
#include "sys/directory.h"
#include "sys/told_path.h"

namespace vunify {
namespace {

// Which directory, by whatever path it is reached.
struct DirectoryId {
  std::uint64_t dev = 0;
  std::uint64_t ino = 0;
  auto operator<=>(const DirectoryId&) const = default;
};

DirectoryId id_of(int fd) {
  const Inode inode = stat_fd(fd);
  return {inode.dev, inode.ino};
}

struct Candidate {
  std::string given;  // the path as it was named
  Guest guest;
  DirectoryId id;
  std::set<DirectoryId> above;    // every directory above the root, up to "/"
  std::string within_filesystem;  // the root's path within its filesystem: a bind mount has another path above it
};

// A layer of an overlay that is mounted in another mount namespace. Its path was told to the kernel there, or, as a
// container is made, on the host, before that namespace got a root of its own: both is looked at. It is not opened
// there, for what a guest mounts may never answer.
struct OtherLayer {
  std::string path;
  std::optional<Located> there;
  std::optional<DirectoryId> here;
};

struct Surroundings {
  std::vector<Mount> mounts;
  std::map<DirectoryId, std::string> layers;
  std::vector<OtherLayer> other_layers;
};

// A layer that this mount namespace does not show cannot be compared, and cannot be a root either.
std::map<DirectoryId, std::string> layers_by_id(const std::vector<Mount>& mounts) {
  std::map<DirectoryId, std::string> layers;
  for (const auto& layer : overlay_layers(mounts)) {
    try {
      const RootDir directory(std::filesystem::canonical(layer));
      layers.emplace(id_of(directory.fd()), layer);
    } catch (const std::system_error&) {
      continue;
    }
  }
  return layers;
}

// The path is a guest's word.
std::optional<DirectoryId> id_on_host(const std::string& path, const std::vector<Mount>& mounts) {
  const auto directory = hold_told_directory(path, mounts);
  return directory ? std::optional(id_of(directory->get())) : std::nullopt;
}

std::vector<OtherLayer> other_layers(const std::vector<Mount>& ours) {
  std::map<std::tuple<std::string, std::uint64_t, std::string>, OtherLayer> layers;  // most tables are copies of ours
  for (const auto& mounts : read_other_mounts())
    for (const auto& path : overlay_layers(mounts)) {
      auto there = locate(mounts, path);
      const auto [dev, within] = there.value_or(Located{});
      if (!layers.contains({path, dev, within}))
        layers[{path, dev, within}] = {path, std::move(there), id_on_host(path, ours)};
    }
  std::vector<OtherLayer> all;
  for (auto& [key, layer] : layers) all.push_back(std::move(layer));
  return all;
}

std::set<DirectoryId> directories_above(const RootDir& root) {
  std::set<DirectoryId> above;
  DirectoryId last = id_of(root.fd());
  for (Fd dir = open_parent(root.fd()); id_of(dir.get()) != last; dir = open_parent(dir.get())) {
    last = id_of(dir.get());
    above.insert(last);
  }
  return above;
}

// Empty where the mount's point is not shown.
std::string path_within_filesystem(const Guest& guest) {
  if (guest.mount.point.empty()) return {};
  const auto below = guest.root.host_path().substr(guest.mount.point == "/" ? 0 : guest.mount.point.size());
  const auto path = guest.mount.root == "/" ? below : guest.mount.root + below;
  return path.size() > 1 && path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
}

Candidate open_candidate(GuestRoot given, const std::vector<Mount>& mounts) {
  const auto place = find_guest(given.path, mounts);
  Guest guest{std::move(given.name), given.xid, RootDir(place.root), {}, {}};
  guest.rules = std::move(given.rules);
  if (place.is_adopted()) guest.adopted_from = place.path;
  guest.is_mounted = place.is_mounted || (place.is_adopted() && !lock_root(guest.root.fd(), lock_shared));
  guest.root.make_view();
  guest.fs = fs_id(guest.root.fd());
  guest.root_tag = tag_of(guest.root.fd());
  guest.mount = find_mount(mounts, guest.root.fd()).value_or(Mount{});
  const DirectoryId id = id_of(guest.root.fd());
  auto above = directories_above(guest.root);
  auto within_filesystem = path_within_filesystem(guest);
  return {std::move(given.path), std::move(guest), id, std::move(above), std::move(within_filesystem)};
}

// "no such file or directory": the system's words, as a reason.
std::string reason_of(const std::system_error& error) {
  auto reason = error.code().message();
  if (!reason.empty()) reason[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(reason[0])));
  return reason;
}

bool is_inside(const Candidate& inner, const Candidate& outer) {
  if (inner.above.contains(outer.id)) return true;
  return inner.guest.mount.dev == outer.guest.mount.dev && is_beneath(inner.within_filesystem, outer.within_filesystem);
}

// On one mount the directories above a root tell what it is inside of; from one mount to another only paths do.
bool are_comparable(const Candidate& one, const Candidate& other) {
  const auto &mount = one.guest.mount, &others = other.guest.mount;
  if (mount.dev != others.dev || mount.id == others.id) return true;
  return !one.within_filesystem.empty() && !other.within_filesystem.empty();
}

// What cannot be known of where a root lies, and so of what it shares with whom; empty where all is known.
std::string reason_by_mount(const Candidate& candidate, const std::vector<Candidate>& all) {
  if (candidate.guest.mount.type.empty())
    return "is on a mount that this process cannot see (chroot, and no statmount(2)): run vunify where it can";
  for (const auto& other : all)
    if (!are_comparable(candidate, other))
      return "may be inside " + other.guest.root.host_path() +
             " or above it: its mount is not all seen from this chroot";
  return {};
}

// Two filesystems of one UUID. An overlay may tell that of its upper layer.
bool are_clones(const Guest& one, const Guest& other) {
  if (one.mount.dev == other.mount.dev || one.mount.type == "overlay" || other.mount.type == "overlay") return false;
  return one.fs.uuid_high == other.fs.uuid_high && one.fs.uuid_low == other.fs.uuid_low;
}

// A cloned disk beside its original: inodes are known by UUID and number, and both have the same.
std::string reason_by_clone(const Candidate& candidate, const std::vector<Candidate>& all) {
  for (const auto& other : all)
    if (are_clones(candidate.guest, other.guest))
      return "its filesystem and that of " + other.guest.root.host_path() + " have the same UUID, " +
             to_string(candidate.guest.fs) + ": give one of them another (tune2fs -U random, xfs_admin -U generate)";
  return {};
}

// Of the host's reading of its path only the directory itself counts: else a guest that mounts its own "/" as a layer
// would keep all others from being unified.
bool is_in(const Candidate& candidate, const OtherLayer& layer) {
  const auto& path = candidate.within_filesystem;
  if (layer.here == candidate.id) return true;
  if (!layer.there || layer.there->dev != candidate.guest.mount.dev || path.empty()) return false;
  return is_or_is_beneath(path, layer.there->path);
}

std::string reason_by_overlay(const Candidate& candidate, const Surroundings& around) {
  for (const auto& [id, layer] : around.layers) {
    if (id == candidate.id) return "is a layer of a mounted overlay: unify while that is not mounted";
    if (candidate.above.contains(id)) return "is inside " + layer + ", a layer of a mounted overlay";
  }
  for (const auto& layer : around.other_layers)
    if (is_in(candidate, layer))
      return "is in " + layer.path +
             ", a layer of an overlay that another mount namespace has mounted: unify while that is not mounted";
  return {};
}

// Why the candidate at index cannot be a guest, beside all the others; empty where it can. Of two alike the first
// stays.
std::string reason_against(std::size_t index, const std::vector<Candidate>& all) {
  const Candidate& candidate = all[index];
  for (std::size_t other = 0; other < index; ++other)
    if (all[other].id == candidate.id) return "named twice (also as " + all[other].guest.path() + ")";
  for (const auto& other : all)
    if (is_inside(candidate, other)) return "is inside " + other.guest.path() + ", another root";
  if (candidate.guest.mount.type == "overlay") return "is an overlay mount: unify where its layers come from instead";
  return {};
}

// Its reason is empty where the candidate can be a guest.
Refusal refusal_of(std::size_t index, const std::vector<Candidate>& all, const Surroundings& around) {
  auto unknown = reason_by_mount(all[index], all);
  if (unknown.empty()) unknown = reason_by_clone(all[index], all);
  if (!unknown.empty()) return {.path = all[index].given, .reason = std::move(unknown), .unknown = true};
  auto reason = reason_against(index, all);
  if (!reason.empty()) return {.path = all[index].given, .reason = std::move(reason)};
  if (all[index].guest.mount.type == vcow_type)
    return {.path = all[index].given, .reason = mounted_reason, .for_now = true};
  return {.path = all[index].given, .reason = reason_by_overlay(all[index], around), .for_now = true};
}

std::string last_component(const std::string& path) { return path == "/" ? path : std::string(split_path(path).leaf); }

void give_names(std::vector<Guest>& guests) {
  const auto name_of = [](const Guest& guest) {
    return guest.name.empty() ? last_component(guest.path()) : guest.name;
  };
  std::map<std::string, int> uses;
  for (const auto& guest : guests) ++uses[name_of(guest)];
  for (auto& guest : guests)
    if (guest.name.empty()) guest.name = uses[name_of(guest)] == 1 ? name_of(guest) : guest.path();
}

std::vector<Candidate> open_candidates(std::vector<GuestRoot> roots, const std::vector<Mount>& mounts,
                                       std::vector<Refusal>& refused) {
  std::vector<Candidate> candidates;
  for (auto& root : roots) {
    const auto path = root.path;
    try {
      candidates.push_back(open_candidate(std::move(root), mounts));
    } catch (const std::system_error& error) {
      refused.push_back({path, reason_of(error)});
    }
  }
  std::ranges::stable_sort(candidates, {}, [](const Candidate& one) { return one.guest.path(); });
  return candidates;
}

// The directories on the way to path, as they are found: what is not there yet has none, nor anything beneath it.
std::vector<Candidate> open_way_to(const std::string& path, const std::vector<Mount>& mounts) {
  std::vector<Candidate> way;
  std::filesystem::path prefix;
  for (const auto& component : std::filesystem::absolute(path).lexically_normal()) {
    prefix /= component;
    if (std::error_code unseen; std::filesystem::is_directory(prefix, unseen))
      way.push_back(open_candidate({prefix}, mounts));
  }
  return way;
}

std::vector<GuestRoot> by_hand(const std::vector<std::string>& paths) {
  std::vector<GuestRoot> roots;
  for (const auto& path : paths) roots.push_back({path});
  return roots;
}

}  // namespace

std::optional<Refusal> refusal(const std::string& path, std::string reason) {
  return Refusal{.path = path, .reason = std::move(reason)};
}

std::optional<Refusal> expect_outside(const std::string& path, const std::vector<std::string>& roots) {
  const auto mounts = read_mounts();
  const auto way = open_way_to(path, mounts);
  std::vector<Refusal> of_no_concern;
  for (const auto& root : open_candidates(by_hand(roots), mounts, of_no_concern))
    for (const auto& directory : way)
      if (directory.id == root.id || is_inside(directory, root))
        return Refusal{.path = path, .reason = "is in " + root.guest.path() + ": a guest could write to it"};
  return std::nullopt;
}

OpenedGuests open_guests(const std::vector<std::string>& paths) { return open_guests(by_hand(paths)); }

OpenedGuests open_guests(std::vector<GuestRoot> roots) {
  Surroundings around{.mounts = read_mounts(), .layers = {}, .other_layers = {}};
  around.layers = layers_by_id(around.mounts);
  around.other_layers = other_layers(around.mounts);
  OpenedGuests opened;
  auto candidates = open_candidates(std::move(roots), around.mounts, opened.refused);
  std::vector<Refusal> refusals;
  for (std::size_t i = 0; i < candidates.size(); ++i) refusals.push_back(refusal_of(i, candidates, around));
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (refusals[i].reason.empty())
      opened.guests.push_back(std::move(candidates[i].guest));
    else
      opened.refused.push_back(std::move(refusals[i]));
  }
  give_names(opened.guests);
  return opened;
}

std::vector<std::vector<std::uint32_t>> guests_by_mount(const std::vector<Guest>& guests) {
  std::map<std::pair<FsId, std::uint64_t>, std::vector<std::uint32_t>> by_mount;
  for (std::uint32_t i = 0; i < guests.size(); ++i) by_mount[{guests[i].fs, guests[i].mount.id}].push_back(i);
  std::vector<std::vector<std::uint32_t>> all;
  for (auto& [mount, members] : by_mount) all.push_back(std::move(members));
  std::ranges::sort(all, [](const auto& one, const auto& other) {
    return std::pair(other.size(), one.front()) < std::pair(one.size(), other.front());
  });
  return all;
}

}  // namespace vunify
