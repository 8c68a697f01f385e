// SPDX-License-Identifier: Apache-2.0
#include "account/measure.h"

#include <fcntl.h>

#include <algorithm>
#include <mutex>

#include "account/layout.h"
#include "account/linked_names.h"
#include "account/shared_files.h"
#include "account/walk_holders.h"
#include "sys/at.h"
#include "sys/stored_extents.h"

namespace vunify {
namespace {

class Measurement {
 public:
  Measurement(const HeldFilesystem& held, const MeasureRules& rules, const Stop& stop, Counters& counters)
      : held_(held),
        rules_(rules),
        is_btrfs_(held.mount.type == "btrfs"),
        block_(statvfs_of(held.holders.front().tree.fd()).f_frsize),
        stop_(stop),
        counters_(counters),
        walk_(held, stop),
        contents_(rules.contents, rules.asked) {}

  Measured run() {
    counters_.begin(Phase::walk, rules_.files);
    // Its trees are read, where only what is written stands.
    if (is_btrfs_) sync_filesystem(held_.holders.front().tree.open_directory("").get(), held_.mount.point);
    for (std::uint32_t i = 0; !rules_.part && i < held_.holders.size(); ++i) parts_.part_of(i, {});
    walk_.run([this](const Top& top, const Listing& listing) { visit(top, listing); },
              [this](std::size_t holder, const std::string& path, const std::system_error& error) {
                const std::lock_guard lock(failing_);
                failed_.push_back({holder, path, error.code().message()});
              });
    if (!stop_.requested()) divide_all();
    counters_.begin(Phase::done);
    return take();
  }

 private:
  // Of one directory. It itself is an inode of its holder's as well.
  void visit(const Top& top, const Listing& listing) {
    Parts::Sums sums;
    const auto directory = stat_fd(listing.fd);
    add_single(bytes_of(directory), part_of(top, listing.path, directory), sums);
    std::uint64_t bytes = 0;
    auto parts = parts_in(top, listing);
    for (const auto& entry : listing.entries) {
      if (entry.inode.is_directory()) continue;
      const auto inode = entry.inode.is_regular() ? entry.inode : stat_name(listing.fd, entry.leaf.data());
      if (!inode) continue;
      const Seen name{top, listing, entry.leaf, is_btrfs_ ? &parts : nullptr};
      add(name, *inode, sums);
      bytes += inode->bytes_on_disk();
    }
    counters_.files += listing.entries.size();
    counters_.bytes += bytes;
    parts_.add(sums);
  }

  Share part_of(const Top& top, std::string_view path, const Inode& inode) {
    if (!rules_.part) return {top.holder, top.holder};
    return parts_.part_of(top.holder, rules_.part(top.holder, top.prefix + std::string(path), inode));
  }

  static void add_single(std::uint64_t bytes, const Share& holder, Parts::Sums& sums) {
    sums[holder.part] += {.logical = bytes, .exclusive = bytes, .fair = bytes, .inodes = 1};
  }

  using PartsOfInodes = std::map<std::uint64_t, std::vector<ExtentPart>>;

  // A name in a directory that is looked at, and the parts of the files in it that are to be told of, on btrfs.
  struct Seen {
    const Top& top;
    const Listing& listing;
    std::string_view leaf;
    PartsOfInodes* parts;  // nullptr: files are asked
  };

  void add(const Seen& name, const Inode& inode, Parts::Sums& sums) {
    const auto& top = name.top;
    const auto holder = part_of(top, rules_.part ? join_path(name.listing.path, name.leaf) : std::string(), inode);
    const InodeNumber number{top.volume, inode.ino};
    if (inode.nlink > 1) {
      linked_.add({inode.ino, bytes_of(inode), top.volume, inode.is_regular(), holder.part});
      if (!may_share_extents(inode) || (!is_btrfs_ && !linked_.is_first(top.volume, inode.ino))) return;
      if (const auto layout = layout_of(name, inode)) files_.add(number, *layout, {});
      return;
    }
    const auto layout = may_share_extents(inode) ? layout_of(name, inode) : std::nullopt;
    if (!layout || !layout->is_shared) return add_single(layout ? layout->bytes : bytes_of(inode), holder, sums);
    files_.add(number, *layout, holder);
    sums[holder.part] += {.logical = layout->bytes, .inodes = 1};
  }

  bool may_share_extents(const Inode& inode) const {
    return held_.shares_data() && !rules_.apparent && inode.is_regular() && inode.blocks != 0;
  }

  // On btrfs directories and symlinks are metadata, whatever they say; on ext4 what is kept in the inode itself is less
  // than a block, and told as what takes something so that tar(1) takes it for no hole.
  std::uint64_t bytes_of(const Inode& inode) const {
    if (rules_.apparent) return inode.is_regular() || inode.is_symlink() ? inode.stamp.size : 0;
    return is_btrfs_ && !inode.is_regular() ? 0 : inode.bytes_on_disk() / block_ * block_;
  }

  // Of what lies in one directory and was not seen elsewhere, asked for at once. None but on btrfs.
  PartsOfInodes parts_in(const Top& top, const Listing& listing) {
    std::vector<std::uint64_t> inos;  // entries come in the order of their inodes
    for (const auto& [leaf, inode, enter, unseen] : listing.entries) {
      if (!is_btrfs_ || !may_share_extents(inode)) continue;
      if (inode.nlink == 1 || linked_.is_first(top.volume, inode.ino)) inos.push_back(inode.ino);
    }
    return inos.empty() ? PartsOfInodes() : extent_parts(listing.fd, inos);
  }

  static std::optional<FileLayout> layout_of(const Seen& name, const Inode& inode) {
    if (name.parts == nullptr) return layout_of_file({name.listing.fd, name.leaf.data()}, inode);
    const auto parts = name.parts->extract(inode.ino);
    return parts ? std::optional(layout_on_btrfs(parts.mapped())) : std::nullopt;
  }

  // Nothing where st_blocks says all; or where it is gone, or leased by its guest: then that is what is known.
  static std::optional<FileLayout> layout_of_file(At name, const Inode& inode) {
    try {
      const Fd file = open_at(name, O_RDONLY | O_NONBLOCK | O_NOATIME);
      if (stat_fd(file.get()).ino != inode.ino) return std::nullopt;
      auto layout = layout_on_xfs(file.get(), inode);
      if (!layout.is_shared && layout.bytes == inode.bytes_on_disk()) return std::nullopt;
      return layout;
    } catch (const std::system_error&) {
      return std::nullopt;
    }
  }

  void divide_all() {
    linked_.for_each_inode([this](std::span<const LinkedName> names) { divide_inode(names); });
    const auto asked = std::ranges::find(walk_.devs(), rules_.asked.dev) - walk_.devs().begin();
    files_.bring_forward({static_cast<std::uint32_t>(asked), rules_.asked.ino});
    files_.sweep(is_btrfs_, [this](std::uint64_t bytes, const std::vector<Share>& holders, const InodeNumber& inode) {
      divide(bytes, holders, inode);
    });
  }

  void divide_inode(std::span<const LinkedName> names) {
    std::vector<Share> holders;
    for (const auto& name : names) holders.push_back(parts_.share_of(name.part));
    leave_one_each(holders);
    const auto& first = names.front();
    const InodeNumber number{first.volume, first.ino};
    const auto file = files_.find(number);
    const auto bytes = file ? file->bytes : first.bytes;
    const auto need = holders.size() > 1 && first.is_regular ? bytes : 0;
    for (const auto& one : holders) usage_of(one) += {.logical = bytes, .inodes = 1, .deunify_need = need};
    if (file && file->is_shared) return files_.set_holders(*file, std::move(holders));
    divide(bytes, holders, number);
  }

  // Exactly: each gets bytes / n, and what is left over the first.
  void divide(std::uint64_t bytes, const std::vector<Share>& holders, const InodeNumber& inode) {
    const auto each = bytes / holders.size();
    for (const auto& one : holders) usage_of(one).fair += each;
    usage_of(holders.front()).fair += bytes - each * holders.size();
    if (holders.size() == 1) usage_of(holders.front()).exclusive += bytes;
    contents_.add({walk_.devs()[inode.volume], inode.ino}, bytes, holders);
  }

  Usage& usage_of(const Share& share) { return parts_.all()[share.part].usage; }

  Measured take() {
    Measured measured{.holders = std::vector<Usage>(held_.holders.size()),
                      .parts = std::move(parts_.all()),
                      .contents = contents_.largest(),
                      .asked = contents_.pieces(),
                      .devs = walk_.devs(),
                      .failed = std::move(failed_)};
    for (const auto& part : measured.parts) measured.holders[part.holder] += part.usage;
    std::ranges::sort(measured.parts, {}, [](const PartUsage& part) { return std::tie(part.holder, part.name); });
    return measured;
  }

  const HeldFilesystem& held_;
  const MeasureRules& rules_;
  bool is_btrfs_;
  std::uint64_t block_;  // bytes
  const Stop& stop_;
  Counters& counters_;
  HolderWalk walk_;
  Parts parts_;
  NamesOfLinked linked_;
  SharedFiles files_;
  Contents contents_;
  std::mutex failing_;  // guards failed_
  std::vector<Unread> failed_;
};

}  // namespace

Measured measure(const HeldFilesystem& held, const MeasureRules& rules, const Stop& stop, Counters& counters) {
  return Measurement(held, rules, stop, counters).run();
}

}  // namespace vunify
