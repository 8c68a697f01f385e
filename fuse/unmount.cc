// SPDX-License-Identifier: Apache-2.0
#include "fuse/unmount.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <algorithm>

#include "guest/adopted.h"
#include "sys/mount_tree.h"
#include "sys/root_dir.h"

namespace vunify {
namespace {

const Mount* find_vcow(const std::string& point, const std::vector<Mount>& mounts) {
  const auto top =
      std::find_if(mounts.rbegin(), mounts.rend(), [&](const Mount& mount) { return mount.point == point; });
  return top != mounts.rend() && top->type == vcow_type ? &*top : nullptr;
}

bool lies_in(const Mount& mount, const std::optional<Located>& tree) {
  if (!tree || mount.dev != tree->dev) return false;
  return tree->path == "/" || mount.root == tree->path || mount.root.starts_with(tree->path + "/");
}

// An island by its name on the mount of vcow. The directories on the way are the guest's, who may move them at any
// time: they are opened for each step, and none is held, for that would keep the mount busy.
class Island {
 public:
  Island(std::string point, const Mount& mount) : point_(std::move(point)), path_(mount.point) {}

  void expect_unused() const {
    const auto name = open();
    if (is_mount_in_use(name.dir.get(), name.leaf)) throw_busy();
  }
  void unmount() const {
    const auto name = open();
    try {
      unmount_name(name.dir.get(), name.leaf);
    } catch (const std::system_error& error) {
      if (is_error(error, EBUSY)) throw_busy();
      throw;
    }
  }
  // Another mount of the same, to be placed where it was.
  Fd clone() const { return clone_tree(open_top().get(), 0); }
  void place(int tree) const { place_tree(tree, open_top().get()); }

 private:
  Name open() const {
    return open_name(RootDir(point_, open_host(point_, O_PATH | O_DIRECTORY)), path_.substr(point_.size() + 1));
  }
  // What is mounted there, or what that covered.
  Fd open_top() const {
    const auto name = open();
    return open_host(proc_path(name.dir.get()) + "/" + name.leaf, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  }
  [[noreturn]] void throw_busy() const {
    throw std::system_error(EBUSY, std::generic_category(), path_ + " is native, and in use");
  }

  std::string point_, path_;
};

std::vector<Island> find_unused(const std::string& point) {
  std::vector<Island> islands;
  for (const auto& island : find_islands(point, read_mounts())) islands.emplace_back(point, island);
  for (const auto& island : islands) island.expect_unused();
  return islands;
}

// They would keep it busy when the islands are gone already.
void expect_no_other_mounts(const std::string& point) {
  const auto mounts = read_mounts();
  const auto* vcow = find_vcow(point, mounts);
  if (vcow == nullptr) throw std::system_error(EINVAL, std::generic_category(), point);
  const auto on_it = std::ranges::count(mounts, vcow->id, &Mount::parent);
  if (static_cast<std::size_t>(on_it) != find_islands(point, mounts).size())
    throw std::system_error(EBUSY, std::generic_category(), "others are mounted on " + point);
}

}  // namespace

bool is_vcow(const std::string& point) { return find_vcow(point, read_mounts()) != nullptr; }

std::vector<Mount> find_islands(const std::string& point, const std::vector<Mount>& mounts) {
  const auto* vcow = find_vcow(point, mounts);
  if (vcow == nullptr) return {};
  auto beneath = mounts;  // as if vcow were not there
  std::erase_if(beneath, [&](const Mount& mount) { return mount.id == vcow->id || mount.parent == vcow->id; });
  const auto tree = locate(beneath, vcow->source), kept = locate(beneath, adopted_path(vcow->source));
  auto islands = mounts;
  std::erase_if(islands, [&](const Mount& mount) {
    return mount.parent != vcow->id || !(lies_in(mount, tree) || lies_in(mount, kept));
  });
  return islands;
}

void take_islands(const std::string& point) {
  for (const auto& island : find_unused(point)) island.unmount();
}

void unmount_guest(const std::string& point, int flags) {
  if ((flags & MNT_DETACH) == 0) expect_no_other_mounts(point);
  const auto islands = find_unused(point);
  std::vector<Fd> others;
  for (const auto& island : islands) others.push_back(island.clone());
  std::size_t taken = 0;
  try {
    for (; taken < islands.size(); ++taken) islands[taken].unmount();
    unmount_path(point, flags);
  } catch (const std::system_error&) {
    while (taken-- > 0) islands[taken].place(others[taken].get());
    throw;
  }
}

}  // namespace vunify
