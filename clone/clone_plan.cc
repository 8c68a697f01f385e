// SPDX-License-Identifier: Apache-2.0
#include "clone/clone_plan.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <string>

#include "sys/mark.h"

namespace vunify {
namespace {

// Of each package manager, where it keeps what is installed.
constexpr std::array<std::string_view, 9> package_databases = {
    "/var/lib/dpkg", "/var/lib/rpm", "/usr/lib/sysimage/rpm", "/lib/apk/db",  "/usr/lib/apk/db",
    "/var/lib/apk",  "/var/lib/dnf", "/var/lib/pacman",       "/var/lib/apt",
};

bool is_symlink(const Inode& inode) { return S_ISLNK(inode.mode); }

// The flag, or the guard, tells in a guest that is not adopted. In one that is, an inode that carries one is shared
// with guests that are not, and vcow does not keep these apart.
bool is_shared(const ClonePlan& plan, int dir, const Entry& entry, const Inode& inode) {
  const bool is_kept = inode.immutable || plan.guarded.contains(inode, dir, entry.leaf);
  if (inode.nlink < 2 || is_kept == plan.guest->is_adopted()) return false;
  return mark_at(dir, std::string(entry.leaf), {plan.guest->fs, inode.ino}) == Mark::valid;
}

// As the walk of a run sees it (survey/scan): what is empty, or lies within the inode, gains nothing.
bool may_be_shared(const Inode& inode) {
  constexpr std::uint64_t smallest_block = 1024;
  return inode.nlink == 1 && inode.stamp.size > 0 && inode.bytes_on_disk() >= smallest_block && !inode.immutable &&
         !inode.append_only;
}

bool shares_inodes(Protection protection) {
  return protection != Protection::none && protection != Protection::reflink;
}

}  // namespace

bool is_apart(const ClonePlan& plan, std::string_view path) {
  if (std::ranges::find(package_databases, path) != package_databases.end()) return true;
  if (!plan.conffiles.unknown.empty() && path == "/etc") return true;
  return plan.exclude.excludes(path) || plan.conffiles.paths.contains(std::string(path));
}

Way way_of(const ClonePlan& plan, const IdentityRule* rule, int dir, const Entry& entry, const Inode& inode) {
  if (rule != nullptr && !is_symlink(inode)) {
    if (rule->treatment == Treatment::remove) return Way::omit;
    if (rule->treatment == Treatment::reset && inode.is_regular()) return Way::empty;
  }
  if (!inode.is_regular() || entry.unseen || !plan.may_link) return Way::copy;
  if (is_shared(plan, dir, entry, inode)) return Way::link;
  return shares_inodes(plan.protection) && may_be_shared(inode) ? Way::share : Way::copy;
}

}  // namespace vunify
