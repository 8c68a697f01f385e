// SPDX-License-Identifier: Apache-2.0
#include "guest/guest.h"

#include <algorithm>
#include <cctype>
#include <compare>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>

#include "sys/directory.h"

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

struct Surroundings {
  std::vector<Mount> mounts;
  std::map<DirectoryId, std::string> layers;
};

bool is_beneath(const std::string& path, const std::string& directory) {
  return path.starts_with(directory == "/" ? directory : directory + "/") && path != directory;
}

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

Candidate open_candidate(const std::string& given, const std::vector<Mount>& mounts) {
  Guest guest{{}, {}, RootDir(std::filesystem::canonical(given)), {}, {}};
  guest.root.make_view();
  guest.fs = fs_id(guest.root.fd());
  guest.mount = find_mount(mounts, guest.root.fd()).value_or(Mount{});
  const DirectoryId id = id_of(guest.root.fd());
  auto above = directories_above(guest.root);
  auto within_filesystem = path_within_filesystem(guest);
  return {given, std::move(guest), id, std::move(above), std::move(within_filesystem)};
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

std::string reason_by_overlay(const Candidate& candidate, const std::map<DirectoryId, std::string>& layers) {
  if (candidate.guest.mount.type == "overlay") return "is an overlay mount: unify where its layers come from instead";
  for (const auto& [id, layer] : layers) {
    if (id == candidate.id) return "is a layer of a mounted overlay: unify while that is not mounted";
    if (candidate.above.contains(id)) return "is inside " + layer + ", a layer of a mounted overlay";
  }
  return {};
}

// Why the candidate at index cannot be a guest, beside all the others; empty where it can. Of two alike the first
// stays.
std::string reason_against(std::size_t index, const std::vector<Candidate>& all, const Surroundings& around) {
  const Candidate& candidate = all[index];
  for (std::size_t other = 0; other < index; ++other)
    if (all[other].id == candidate.id) return "named twice (also as " + all[other].guest.root.host_path() + ")";
  for (const auto& other : all)
    if (is_inside(candidate, other)) return "is inside " + other.guest.root.host_path() + ", another root";
  return reason_by_overlay(candidate, around.layers);
}

// Its reason is empty where the candidate can be a guest.
Refusal refusal_of(std::size_t index, const std::vector<Candidate>& all, const Surroundings& around) {
  auto unknown = reason_by_mount(all[index], all);
  if (!unknown.empty()) return {all[index].given, std::move(unknown), true};
  return {all[index].given, reason_against(index, all, around)};
}

std::string last_component(const std::string& path) { return path == "/" ? path : std::string(split_path(path).leaf); }

void give_names(std::vector<Guest>& guests) {
  std::map<std::string, int> uses;
  for (const auto& guest : guests) ++uses[last_component(guest.root.host_path())];
  for (auto& guest : guests) {
    const auto& path = guest.root.host_path();
    const auto leaf = last_component(path);
    guest.name = uses[leaf] == 1 ? leaf : path;
  }
}

std::vector<Candidate> open_candidates(const std::vector<std::string>& paths, const std::vector<Mount>& mounts,
                                       std::vector<Refusal>& refused) {
  std::vector<Candidate> candidates;
  for (const auto& path : paths) {
    try {
      candidates.push_back(open_candidate(path, mounts));
    } catch (const std::system_error& error) {
      refused.push_back({path, reason_of(error)});
    }
  }
  std::ranges::stable_sort(candidates, {}, [](const Candidate& one) { return one.guest.root.host_path(); });
  return candidates;
}

}  // namespace

OpenedGuests open_guests(const std::vector<std::string>& paths) {
  Surroundings around{read_mounts(), {}};
  around.layers = layers_by_id(around.mounts);
  OpenedGuests opened;
  auto candidates = open_candidates(paths, around.mounts, opened.refused);
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
  return all;
}

}  // namespace vunify
