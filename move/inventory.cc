// SPDX-License-Identifier: Apache-2.0
#include "move/inventory.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "move/pieces.h"
#include "sys/at.h"
#include "sys/mark.h"
#include "sys/mount.h"
#include "sys/walk.h"
#include "sys/xattr.h"

namespace vunify {
namespace {

constexpr auto xfs_acls = "trusted.SGI_ACL_";  // how XFS keeps what system.posix_acl_* tells

Timestamp from_timespec(const timespec& time) { return {time.tv_sec, static_cast<std::uint32_t>(time.tv_nsec)}; }

MovedName name_of(const struct stat& st) {
  MovedName name{.mode = st.st_mode, .uid = st.st_uid, .gid = st.st_gid, .mtime = from_timespec(st.st_mtim)};
  if (S_ISREG(st.st_mode)) name.size = static_cast<std::uint64_t>(st.st_size);
  name.is_sparse = S_ISREG(st.st_mode) && has_holes(name.size, static_cast<std::uint64_t>(st.st_blocks) * 512);
  if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) name.device = st.st_rdev;
  return name;
}

// Of what can be opened: a file or a directory. tag: its guest's, which what is shared carries as its own elsewhere.
void add_open_metadata(MovedName& name, int fd, std::uint32_t tag) {
  name.xattrs = read_xattrs(fd);
  std::erase_if(name.xattrs, [](const auto& one) { return one.first.starts_with(xfs_acls); });
  name.flags = inode_flags(fd) & moved_flags;
  name.project = project_id(fd);
  if (name.xattrs.erase(VUNIFY_MARK_XATTR) == 0) return;
  name.flags &= ~static_cast<std::uint32_t>(FS_IMMUTABLE_FL);
  name.project = tag;
}

// Neither opened nor woken: all of it by name.
void add_named_metadata(MovedName& name, At at) {
  const auto attributes = list_xattrs_at(at.dir, at.leaf);
  for (std::size_t begin = 0; begin < attributes.size();) {
    const std::string attribute(attributes.c_str() + begin);
    begin += attribute.size() + 1;
    auto value = get_xattr_at(at.dir, at.leaf, attribute.c_str());
    if (value && !is_mark(attribute)) name.xattrs.emplace(attribute, std::move(*value));
  }
}

struct Found {
  MovedName name;
  Stamp seen;
  std::uint64_t ino = 0;
  bool has_other_names = false;
};

// held: the inode (O_PATH).
Found look_at(int held, std::string leaf, std::uint32_t tag) {
  const At at{held};
  const auto st = stat_at(at);
  Found found{name_of(st),
              {static_cast<std::uint64_t>(st.st_size), from_timespec(st.st_mtim), from_timespec(st.st_ctim)},
              st.st_ino,
              st.st_nlink > 1 && !S_ISDIR(st.st_mode)};
  auto& name = found.name;
  name.leaf = std::move(leaf);
  if (S_ISREG(st.st_mode))
    add_open_metadata(name, reopen_regular(held, name.leaf).get(), tag);
  else if (S_ISDIR(st.st_mode))
    add_open_metadata(name, open_at(at, O_RDONLY | O_DIRECTORY).get(), tag);
  else
    add_named_metadata(name, at);
  if (S_ISLNK(st.st_mode)) name.target = read_link_at(at);
  return found;
}

// Whoever answers for what is mounted there is asked nothing.
Found look_at(const Listing& listing, std::string_view leaf, std::uint32_t tag) {
  const Fd held = hold_at({listing.fd, leaf.data()});
  if (mount_id(held.get()) != mount_id(listing.fd)) throw std::system_error(EXDEV, std::generic_category());
  return look_at(held.get(), std::string(leaf), tag);
}

// What is beneath a mount is not seen: an empty directory of root's.
Found mount_point(std::string leaf) {
  MovedName name{.leaf = std::move(leaf), .mode = S_IFDIR | 0755};
  return {.name = std::move(name), .seen = {}};
}

class Taking {
 public:
  explicit Taking(const Guest& guest) : guest_(guest) {
    auto root = look_at(guest.root.fd(), "", guest.root_tag);
    numbers_.emplace("", 0);
    inventory_.names.push_back(std::move(root.name));
    inventory_.seen.push_back(root.seen);
  }

  GuestInventory run() {
    Visitor visitor;
    visitor.visit = [this](const Listing& listing) { visit(listing); };
    visitor.failed = [this](const std::string& path, const std::system_error& error) { note(path, error); };
    visitor.stop = [this] { return has_failed_.load(); };
    const std::array visits = {RootVisit{&guest_.root, std::move(visitor)}};
    walk(visits);
    if (error_) throw std::system_error(*error_);
    return std::move(inventory_);
  }

 private:
  void visit(const Listing& listing) {
    std::vector<Found> found;
    for (auto& here : listing.entries) {
      const auto path = join_path(listing.path, here.leaf);
      try {
        auto one = look_at(listing, here.leaf, guest_.root_tag);
        here.enter = one.name.is_directory();
        if (S_ISSOCK(one.name.mode))
          leave(path, "a socket: who listens makes it anew");
        else
          found.push_back(std::move(one));
      } catch (const std::system_error& error) {
        note(path, error);
        if (here.inode.is_directory() && is_error(error, EXDEV)) found.push_back(mount_point(std::string(here.leaf)));
      }
    }
    add(std::string(listing.path), std::move(found));
  }

  void add(const std::string& directory, std::vector<Found> all) {
    const std::lock_guard lock(adding_);
    const auto parent = numbers_.at(directory);
    for (auto& [name, seen, ino, has_other_names] : all) {
      const auto number = static_cast<std::uint32_t>(inventory_.names.size());
      name.parent = parent;
      if (name.is_directory()) numbers_.emplace(join_path(directory, name.leaf), number);
      if (has_other_names) {
        const auto [first, is_first] = first_names_.emplace(ino, number);
        if (!is_first) name = {.parent = parent, .leaf = std::move(name.leaf), .same_as = first->second};
      }
      inventory_.names.push_back(std::move(name));
      inventory_.seen.push_back(seen);
    }
  }

  void note(const std::string& path, const std::system_error& error) {
    if (is_error(error, EXDEV)) return leave(path, "something is mounted there, or it is a subvolume");
    const std::lock_guard lock(adding_);
    if (!error_) error_.emplace(error.code(), guest_.path() + "/" + path);
    has_failed_ = true;
  }

  void leave(const std::string& path, const std::string& reason) {
    const std::lock_guard lock(adding_);
    inventory_.left.push_back(path + ": " + reason);
  }

  const Guest& guest_;
  std::mutex adding_;  // guards all below
  GuestInventory inventory_;
  std::unordered_map<std::string, std::uint32_t> numbers_;        // of directories
  std::unordered_map<std::uint64_t, std::uint32_t> first_names_;  // of inodes with more than one
  std::optional<std::system_error> error_;
  std::atomic<bool> has_failed_ = false;
};

}  // namespace

GuestInventory take_inventory(const Guest& guest) { return Taking(guest).run(); }

// A keeper's mtime agrees with that of what it took the place of to the second.
bool is_unchanged(const Stamp& seen, int fd) {
  const auto now = stat_fd(fd).stamp;
  if (seen.size != now.size || seen.mtime.sec != now.mtime.sec) return false;
  return seen.mtime.nsec == now.mtime.nsec || has_mark(fd);
}

}  // namespace vunify
