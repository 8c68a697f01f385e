// SPDX-License-Identifier: Apache-2.0
#include "host/check_roots.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "guest/adopted.h"
#include "host/config_file.h"
#include "host/way.h"
#include "sys/fd.h"
#include "sys/inode.h"
#include "sys/mount.h"
#include "sys/root_dir.h"

namespace vunify {
namespace {

namespace fs = std::filesystem;

// A root, followed on the host.
struct Root {
  Followed way;
  GuestPlace place;
  Inode inode, above;  // of its tree, and of the directory that this is in
};

struct Looked {
  ToldGuest told;
  std::optional<Root> root{};  // nothing where it has none, or is left alone

  HostGuest& guest() { return told.guest; }
  const HostGuest& guest() const { return told.guest; }
};

std::string id_of(const HostGuest& guest) { return guest.provider + ":" + guest.name; }

[[noreturn]] void object(const ToldGuest& told, const std::string& reason) {
  throw Misconfigured(
      {told.file, told.line, "the root of " + told.guest.name + ", " + told.guest.root + ", " + reason});
}

bool is_beneath(const std::string& path, const std::string& directory) {
  return path.starts_with(directory == "/" ? directory : directory + "/") && path != directory;
}

bool is_or_is_beneath(const std::string& path, const std::string& directory) {
  return path == directory || is_beneath(path, directory);
}

// No stat(2): what is mounted there need not answer.
bool is_symlink(const std::string& path) {
  std::error_code none;
  return !fs::read_symlink(path.substr(0, path.find_last_not_of('/') + 1), none).empty();
}

bool is_image(const std::string& path) {
  std::error_code unseen;
  return fs::is_regular_file(path, unseen) || fs::is_block_file(path, unseen);
}

Inode inode_of(const std::string& path) { return stat_fd(open_host(path, O_PATH | O_NOFOLLOW).get()); }

// Where it leads, as far as it does.
std::string resolved(const std::string& path) {
  try {
    return follow(path).path;
  } catch (const std::system_error&) {
    return path;
  }
}

class Looking {
 public:
  explicit Looking(const std::string& config) : mounts_(read_mounts()), config_(resolved(config)) {}

  // Follows its root. Throws Misconfigured where it cannot be reached.
  Looked open(ToldGuest told) const {
    if (!told.guest.left_alone.empty()) return {.told = std::move(told)};
    if (!told.guest.root.starts_with('/')) object(told, "is not an absolute path");
    if (is_symlink(told.guest.root)) object(told, "is a symlink");
    auto root = open_root(told);
    if (root)
      told.guest.root = root->place.path;
    else
      told.guest.left_alone = reason::image;
    return {.told = std::move(told), .root = std::move(root)};
  }

  // What can be said of it without the others. Throws Misconfigured.
  void check(Looked& one) const {
    if (!one.root) return;
    expect_name(one.told);
    expect_outside_configuration(one.told, one.root->place);
    expect_owner(one.told, one.root->inode);
    tell_own_filesystem(one.guest(), *one.root);
  }

 private:
  // Nothing where an image is in its place.
  std::optional<Root> open_root(const ToldGuest& told) const {
    try {
      auto way = follow(told.way.empty() ? told.guest.root : told.way);
      if (!way.by_root) object(told, "is come by through a symlink that is not root's");
      auto place = find_guest(way.path, mounts_);
      const std::string parent(split_path(place.root).parent);
      return Root{std::move(way), place, inode_of(place.root), inode_of(parent.empty() ? "/" : parent)};
    } catch (const std::system_error& error) {
      if (is_image(told.guest.root)) return std::nullopt;
      object(told, "cannot be reached: " + std::string(error.what()));
    }
  }

  // On a command line a word with a slash is a directory: nobody could take that guest back by its name.
  static void expect_name(const ToldGuest& told) {
    if (told.guest.name.find('/') != told.guest.name.npos) object(told, "is that of a name with a slash");
  }

  void expect_outside_configuration(const ToldGuest& told, const GuestPlace& place) const {
    if (place.path == "/") object(told, "is the host's own");
    const auto parent = std::string(split_path(told.guest.config).parent);
    for (const auto& directory : {config_, resolved(parent)})
      if (is_or_is_beneath(directory, place.path)) object(told, "has the host's configuration in it");
  }

  static void expect_owner(ToldGuest& told, const Inode& inode) {
    if (inode.uid == 0) return;
    if (inode.uid != told.owner)
      object(told, "is owned by user " + std::to_string(inode.uid) + ", who is neither root nor the guest's root");
    told.guest.no_links = reason::shifted(inode.uid);
  }

  // Names are linked within a mount, inodes are shared within a subvolume.
  void tell_own_filesystem(HostGuest& guest, const Root& root) const {
    if (root.above.mount == root.inode.mount && root.above.dev == root.inode.dev) return;
    const auto mount = std::ranges::find(mounts_, root.inode.mount, &Mount::id);
    const bool is_mount = mount != mounts_.end() && root.above.mount != root.inode.mount;
    if (is_mount && mount->type == "overlay")
      guest.left_alone = reason::overlay;
    else if (is_mount && mount->root == "/" && mount->type != "btrfs")
      guest.left_alone = reason::own_filesystem;
    else
      guest.no_links = reason::own_subvolume;
  }

  const std::vector<Mount> mounts_;
  const std::string config_;
};

// All of them, beside each other.
class Guests {
 public:
  Guests(Told told, const std::string& config) : looking_(config) {
    result_.mistakes = std::move(told.mistakes);
    for (auto& one : told.guests) look(std::move(one));
  }

  HostGuests check() && {
    for (auto& one : looked_) take(one);
    std::ranges::stable_sort(result_.guests, {}, &HostGuest::name);
    return std::move(result_);
  }

 private:
  using DirectoryId = std::pair<std::uint64_t, std::uint64_t>;

  void look(ToldGuest told) {
    for (const auto& layer : told.layers) layers_.insert(resolved(layer));
    try {
      auto one = looking_.open(std::move(told));
      add_root(one);
      looking_.check(one);
      looked_.push_back(std::move(one));
    } catch (const Misconfigured& error) {
      result_.mistakes.push_back(error.mistake);
    }
  }

  // Also of one that is left alone, or turns out to be a mistake: its tree is no less a guest's.
  void add_root(const Looked& one) {
    const auto& path = one.guest().root;
    if (!path.empty()) roots_.emplace(one.root ? path : resolved(path), id_of(one.guest()));
    if (one.root) roots_.emplace(one.root->place.root, id_of(one.guest()));
  }

  void take(Looked& one) {
    try {
      if (one.root) {
        expect_outside_others(one);
        leave_layers_alone(one);
        if (is_known(one)) return;
      }
      result_.guests.push_back(std::move(one.guest()));
    } catch (const Misconfigured& error) {
      result_.mistakes.push_back(error.mistake);
    }
  }

  void expect_outside_others(const Looked& one) const {
    for (const auto& directory : one.root->way.through)
      if (const auto other = roots_.find(directory); other != roots_.end() && directory != one.guest().root)
        object(one.told, "is in the tree of " + other->second);
  }

  void leave_layers_alone(Looked& one) const {
    const auto& path = one.root->place.path;
    for (const auto& layer : layers_)
      if (is_or_is_beneath(layer, path) || is_beneath(path, layer)) one.guest().left_alone = reason::overlay;
  }

  // The one that is known by this root hears of the other's name.
  bool is_known(const Looked& one) {
    const DirectoryId root{one.root->inode.dev, one.root->inode.ino};
    const auto [known, is_new] = by_root_.emplace(root, result_.guests.size());
    if (is_new) return false;
    auto& first = result_.guests[known->second];
    const auto id = id_of(one.guest());
    if (id != id_of(first)) first.also_known.push_back(id);
    return true;
  }

  Looking looking_;
  std::vector<Looked> looked_;
  std::map<std::string, std::string> roots_;  // whose they are, "provider:name"
  std::set<std::string> layers_;
  std::map<DirectoryId, std::size_t> by_root_;  // index into the result's guests
  HostGuests result_;
};

}  // namespace

HostGuests check_roots(Told told, const std::string& config) { return Guests(std::move(told), config).check(); }

}  // namespace vunify
