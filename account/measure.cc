// SPDX-License-Identifier: Apache-2.0
#include "account/measure.h"

#include <fcntl.h>

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>

#include "account/layout.h"
#include "account/linked_names.h"
#include "account/sweep.h"
#include "sys/walk.h"

namespace vunify {
namespace {

// A directory that is walked with all beneath it: a holder's root, or a subvolume inside his tree.
struct Top {
  std::uint32_t holder = 0;
  std::uint32_t volume = 0;
  std::string prefix;  // its path from the holder's root, with a slash; or empty
  const RootDir* tree = nullptr;
};

// A file whose extents the walk has looked at, and st_blocks is not all that is to be said.
struct LaidOut {
  std::uint64_t bytes = 0;
  bool is_shared = false;
};

using InodeKey = std::pair<std::uint32_t, std::uint64_t>;  // volume and number

class Measurement {
 public:
  Measurement(const HeldFilesystem& held, const MeasureRules& rules, const Stop& stop, Counters& counters)
      : held_(held), rules_(rules), stop_(stop), counters_(counters) {}

  Measured run() {
    for (std::uint32_t i = 0; i < held_.holders.size(); ++i) {
      const auto& holder = held_.holders[i];
      tops_.push_back({i, volume_of(holder.root.dev), {}, &holder.tree});
      if (!rules_.part) add_part(i, {});
    }
    for (std::size_t begin = 0; begin < tops_.size() && !stop_.requested();) {
      const auto end = tops_.size();
      walk_tops(begin, end);
      begin = end;
      add_subvolumes();
    }
    if (!stop_.requested()) divide_all();
    return take();
  }

 private:
  using Sums = std::map<std::uint32_t, Usage>;  // of one directory, by part

  std::uint32_t volume_of(std::uint64_t dev) {
    const auto found = std::ranges::find(measured_.devs, dev);
    if (found == measured_.devs.end()) return measured_.devs.push_back(dev), measured_.devs.size() - 1;
    return static_cast<std::uint32_t>(found - measured_.devs.begin());
  }

  std::uint32_t add_part(std::uint32_t holder, std::string name) {
    measured_.parts.push_back({holder, std::move(name), {}});
    usages_.emplace_back();
    return static_cast<std::uint32_t>(usages_.size() - 1);
  }

  void walk_tops(std::size_t begin, std::size_t end) {
    std::vector<RootVisit> visits;
    for (auto i = begin; i < end; ++i) {
      const auto& top = tops_[i];
      Visitor visitor;
      visitor.visit = [this, &top](const Listing& listing) { visit(top, listing); };
      visitor.failed = [this, &top](const std::string& path, const std::system_error& error) {
        fail(top, path, error);
      };
      visitor.stop = [this] { return stop_.requested(); };
      visits.push_back({top.tree, std::move(visitor)});
    }
    walk(visits);
  }

  // Nothing is mounted on what we look at: another device is a subvolume.
  void fail(const Top& top, const std::string& path, const std::system_error& error) {
    const std::lock_guard lock(mutex_);
    if (is_error(error, EXDEV))
      subvolumes_.push_back({top.holder, 0, join_path(top.prefix + path, ""), top.tree, path});
    else
      measured_.failed.push_back({top.holder, top.prefix + path, error.code().message()});
  }

  struct Subvolume : Top {
    std::string path;  // in the tree that it was found in
  };

  void add_subvolumes() {
    for (const auto& found : std::exchange(subvolumes_, {})) {
      try {
        Fd dir = found.tree->open(found.path, O_RDONLY | O_DIRECTORY | O_NOATIME);
        const auto inode = stat_fd(dir.get());
        if (is_root(inode.dev, inode.ino)) continue;
        const auto& tree = subtrees_.emplace_back(found.tree->host_path() + "/" + found.path, std::move(dir));
        tops_.push_back({found.holder, volume_of(inode.dev), found.prefix, &tree});
      } catch (const std::system_error& error) {
        fail({found.holder, 0, {}, nullptr}, found.prefix, error);
      }
    }
  }

  bool is_root(std::uint64_t dev, std::uint64_t ino) const {
    return std::ranges::any_of(held_.holders,
                               [&](const Holder& one) { return one.root.dev == dev && one.root.ino == ino; });
  }

  void visit(const Top& top, const Listing& listing) {
    Sums sums;
    const auto own = stat_fd(listing.fd);
    add_single(bytes_of(own), part_of(top, listing.path, true), sums);
    std::uint64_t bytes = 0;
    for (auto& entry : listing.entries) {
      if (entry.inode.is_directory()) {
        entry.enter = !is_others_root(listing.fd, entry);
        continue;
      }
      const auto inode = entry.inode.is_regular() ? entry.inode : stat_name(listing.fd, entry.leaf.data());
      if (!inode) continue;
      add(top, join_path(listing.path, entry.leaf), *inode, sums);
      bytes += inode->bytes_on_disk();
    }
    counters_.files += listing.entries.size();
    counters_.bytes += bytes;
    const std::lock_guard lock(mutex_);
    measured_.files += listing.entries.size();
    for (const auto& [part, usage] : sums) usages_[part] += usage;
  }

  // A number alone may be a subvolume's.
  bool is_others_root(int dir, const Entry& entry) const {
    const auto has_number = [&](const Holder& one) { return one.root.ino == entry.inode.ino; };
    if (std::ranges::none_of(held_.holders, has_number)) return false;
    const auto inode = stat_name(dir, entry.leaf.data());
    return inode && is_root(inode->dev, inode->ino);
  }

  std::uint32_t part_of(const Top& top, std::string_view path, bool is_directory) {
    if (!rules_.part) return top.holder;
    auto name = rules_.part(top.holder, top.prefix.empty() ? path : top.prefix + std::string(path), is_directory);
    const std::lock_guard lock(mutex_);
    const auto [found, is_new] = part_numbers_.try_emplace({top.holder, name});
    if (is_new) found->second = add_part(top.holder, std::move(name));
    return found->second;
  }

  static void add_single(std::uint64_t bytes, std::uint32_t part, Sums& sums) {
    sums[part] += {.logical = bytes, .exclusive = bytes, .fair = bytes, .inodes = 1};
  }

  void add(const Top& top, const std::string& path, const Inode& inode, Sums& sums) {
    const auto part = part_of(top, path, false);
    if (inode.nlink > 1) {
      if (has_extents(inode) && linked_.is_first(top.volume, inode.ino)) look_at_extents(top, path, inode);
      return linked_.add({inode.ino, bytes_of(inode), top.volume, inode.is_regular(), part});
    }
    const auto laid_out =
        has_extents(inode) ? look_at_extents(top, path, inode, Share{top.holder, part}) : std::nullopt;
    if (!laid_out) return add_single(bytes_of(inode), part, sums);
    if (!laid_out->is_shared) return add_single(laid_out->bytes, part, sums);
    sums[part] += {.logical = laid_out->bytes, .inodes = 1};
  }

  bool has_extents(const Inode& inode) const { return held_.shares_data() && inode.is_regular() && inode.blocks != 0; }

  // On btrfs directories and symlinks are metadata, whatever they say.
  std::uint64_t bytes_of(const Inode& inode) const {
    return held_.mount.type == "btrfs" && !inode.is_regular() ? 0 : inode.bytes_on_disk();
  }

  std::optional<Layout> layout_of(const Top& top, const std::string& path, const Inode& inode) const {
    try {
      const Fd file = top.tree->open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOATIME);
      if (stat_fd(file.get()).ino != inode.ino) return std::nullopt;
      return held_.mount.type == "xfs" ? layout_on_xfs(file.get(), inode) : layout_on_btrfs(file.get(), inode);
    } catch (const std::system_error&) {
      return std::nullopt;  // gone, or leased: st_blocks is what is known
    }
  }

  // holder: of a file with one name.
  std::optional<LaidOut> look_at_extents(const Top& top, const std::string& path, const Inode& inode,
                                         std::optional<Share> holder = {}) {
    auto layout = layout_of(top, path, inode);
    if (!layout || (!layout->is_shared && layout->bytes == inode.bytes_on_disk())) return std::nullopt;
    const LaidOut laid_out{layout->bytes, layout->is_shared};
    if (holder && !layout->is_shared) return laid_out;
    const std::lock_guard lock(mutex_);
    const auto file = static_cast<std::uint32_t>(holders_of_files_.size());
    holders_of_files_.push_back(holder ? std::vector{*holder} : std::vector<Share>());
    inodes_of_files_.push_back({top.volume, inode.ino});
    if (!holder) laid_out_[{top.volume, inode.ino}] = {file, laid_out};
    for (auto& piece : layout->pieces) pieces_.push_back({piece.extent, piece.begin, piece.end, file});
    return laid_out;
  }

  void divide_all() {
    linked_.for_each_inode([this](std::span<const LinkedName> names) { divide_inode(names); });
    const auto give = [this](std::uint64_t bytes, const std::vector<Share>& holders, std::uint32_t file) {
      divide(bytes, holders, usages_);
      note(inodes_of_files_[file], bytes, holders);
    };
    held_.mount.type == "btrfs" ? sweep_extents(std::move(pieces_), holders_of_files_, give)
                                : sweep_ranges(pieces_, holders_of_files_, give);
  }

  void divide_inode(std::span<const LinkedName> names) {
    std::vector<Share> holders;
    for (const auto& name : names)
      holders.push_back({static_cast<std::uint32_t>(measured_.parts[name.part].holder), name.part});
    leave_one_each(holders);
    const InodeKey key{names.front().volume, names.front().ino};
    const auto found = laid_out_.find(key);
    const auto bytes = found == laid_out_.end() ? names.front().bytes : found->second.second.bytes;
    const bool is_broken_apart = holders.size() > 1 && names.front().is_regular;
    for (const auto& one : holders)
      usages_[one.part] += {.logical = bytes, .inodes = 1, .deunify_need = is_broken_apart ? bytes : 0};
    if (found != laid_out_.end() && found->second.second.is_shared) {
      holders_of_files_[found->second.first] = std::move(holders);
      return;
    }
    divide(bytes, holders, usages_);
    note(key, bytes, holders);
  }

  void note(const InodeKey& key, std::uint64_t bytes, const std::vector<Share>& shares) {
    const HeldInode inode{measured_.devs[key.first], key.second};
    const bool is_asked = inode == rules_.asked;
    if (!is_asked && (rules_.contents == 0 || shares.size() < 2)) return;
    Content content{inode, bytes, {}};
    for (const auto& share : shares) content.holders.push_back(share.holder);
    if (is_asked) add_piece(measured_.asked, content);
    if (rules_.contents != 0 && shares.size() > 1) add_content(std::move(content));
  }

  static void add_piece(std::vector<Content>& pieces, const Content& piece) {
    const auto found = std::ranges::find(pieces, piece.holders, &Content::holders);
    found == pieces.end() ? pieces.push_back(piece) : void(found->bytes += piece.bytes);
  }

  static std::uint64_t saved_by(const Content& content) { return content.bytes * (content.holders.size() - 1); }

  static bool saves_more(const Content& one, const Content& other) {
    return std::tuple(saved_by(one), other.inode.ino) > std::tuple(saved_by(other), one.inode.ino);
  }

  // Kept as a heap, the least on top.
  void add_content(Content content) {
    auto& contents = measured_.contents;
    if (!contents.empty() && contents.back().inode == content.inode && contents.back().holders == content.holders) {
      contents.back().bytes += content.bytes;
      return;
    }
    contents.push_back(std::move(content));
    if (contents.size() >= 2 * rules_.contents + 1024) leave_largest();
  }

  void leave_largest() {
    auto& contents = measured_.contents;
    std::ranges::sort(contents, saves_more);
    contents.resize(std::min(contents.size(), rules_.contents));
  }

  Measured take() {
    measured_.holders.resize(held_.holders.size());
    for (std::size_t i = 0; i < usages_.size(); ++i) {
      measured_.parts[i].usage = usages_[i];
      measured_.holders[measured_.parts[i].holder] += usages_[i];
    }
    std::ranges::sort(measured_.parts, {}, [](const PartUsage& part) { return std::tie(part.holder, part.name); });
    leave_largest();
    return std::move(measured_);
  }

  const HeldFilesystem& held_;
  const MeasureRules& rules_;
  const Stop& stop_;
  Counters& counters_;
  std::deque<Top> tops_;
  std::deque<RootDir> subtrees_;
  LinkedNames linked_;

  std::mutex mutex_;  // guards all below during the walk
  Measured measured_;
  std::vector<Usage> usages_;  // by part, as measured_.parts
  std::map<std::pair<std::uint32_t, std::string>, std::uint32_t> part_numbers_;
  std::vector<Subvolume> subvolumes_;
  std::vector<Piece> pieces_;
  HoldersOfFiles holders_of_files_;
  std::vector<InodeKey> inodes_of_files_;
  std::map<InodeKey, std::pair<std::uint32_t, LaidOut>> laid_out_;  // of those with several names
};

}  // namespace

Measured measure(const HeldFilesystem& held, const MeasureRules& rules, const Stop& stop, Counters& counters) {
  return Measurement(held, rules, stop, counters).run();
}

}  // namespace vunify
