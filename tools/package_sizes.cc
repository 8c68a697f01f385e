// SPDX-License-Identifier: Apache-2.0
#include "tools/package_sizes.h"

#include <fcntl.h>

#include <algorithm>
#include <set>

#include "packages/packages.h"
#include "tools/choose.h"
#include "tools/cli.h"
#include "tools/data_place.h"
#include "tools/text.h"

namespace vunify {
namespace {

class Sizes {
 public:
  explicit Sizes(const std::string& package) : package_(package) {}

  void add(const RootDir& root) {
    const auto read = read_packages(root);
    if (!read.unknown.empty()) throw std::runtime_error(read.unknown);
    std::uint64_t bytes = 0;
    bool has_it = false;
    auto fs = fs_id(root.fd());
    fs.subvolume = 0;
    for (const auto& package : read.packages) {
      if (package.name != package_) continue;
      has_it = true;
      for (const auto& path : package.files) bytes += add_file(root, path, fs);
    }
    if (!has_it) return;
    auto& size = sizes_[fs];
    ++size.guests;
    size.largest = std::max(size.largest, bytes);
  }

  const std::map<FsId, PackageSize>& all() const { return sizes_; }

 private:
  // What is not there, or no regular file, takes nothing.
  std::uint64_t add_file(const RootDir& root, const std::string& path, const FsId& fs) {
    try {
      const auto inode = stat_fd(root.open(path.substr(1), O_PATH | O_NOFOLLOW).get());
      if (!inode.is_regular()) return 0;
      if (seen_.insert({inode.dev, inode.ino}).second && lies_at_new_place(root, path.substr(1), fs))
        sizes_[fs].on_disk += inode.bytes_on_disk();
      return inode.bytes_on_disk();
    } catch (const std::system_error&) {
      return 0;
    }
  }

  // Data that is shared by reflink takes what one inode of it takes.
  bool lies_at_new_place(const RootDir& root, const std::string& path, const FsId& fs) {
    const auto place = data_place(root, path);
    return !place || places_[fs].insert(*place).second;
  }

  std::string package_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> seen_;  // device and inode
  std::map<FsId, std::set<std::uint64_t>> places_;          // where data begins on disk
  std::map<FsId, PackageSize> sizes_;
};

}  // namespace

std::map<FsId, PackageSize> package_sizes(const std::string& package, const std::string& config) {
  Options options;
  options.config = config;
  const auto mounts = read_mounts();
  Sizes sizes(package);
  for (const auto& root : roots_of_all(options, find_host_guests(options))) try {
      sizes.add(open_tree(root, mounts));
    } catch (const std::exception& error) {
      complain(printable(name_of(root)) + ": " + printable(error.what()));
    }
  return sizes.all();
}

}  // namespace vunify
