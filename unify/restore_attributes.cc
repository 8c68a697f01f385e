// SPDX-License-Identifier: Apache-2.0
#include "unify/restore_attributes.h"

#include <fcntl.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <array>
#include <mutex>

#include "hashindex/recorded.h"
#include "sys/held_attr.h"
#include "sys/inode_attr.h"
#include "sys/mark.h"
#include "sys/xattr.h"
#include "unify/prove.h"
#include "unify/tally.h"

namespace vunify {
namespace {

constexpr std::uint32_t restored_at_once = 4096;  // inodes looked up in one go

// What an owner without privilege may set of an immutable inode.
constexpr std::array<std::uint32_t, 5> settable = {FS_SYNC_FL, FS_NODUMP_FL, FS_NOATIME_FL, FS_COMPR_FL, FS_NOCOMP_FL};

// ext4 refuses all changes of an immutable inode's flags and project (ext4_ioctl_check_immutable).
// vcow breaks the link first.
bool may_be_set(const Place& place) { return row_of(place.protection).flags != 0 && place.mount.type != "ext4"; }

// As the kernel tells it of an inode that is held, not opened; nothing where it does not, or where the inode carries a
// tag.
std::optional<InodeMetadata> look_at(int path_fd) {
  const auto attr = held_attr(path_fd);
  if (!attr || attr->project != 0) return std::nullopt;
  InodeMetadata seen;
  seen.flags = attr->flags & metadata_flags;
  seen.xattrs = read_xattrs(path_fd, VUNIFY_MARK_XATTR);
  return seen;
}

class Restorer {
 public:
  Restorer(const Survey& survey, const Run& run) : survey_(survey), run_(run), key_(run.key()) {}

  // False where it is not what was recorded, and cannot be made so.
  bool restore(std::uint32_t inode, std::uint64_t match) const {
    const auto names = survey_.guest_names(inode);
    const auto& name = names.front();
    const auto seen = look_at(name.root->open(name.path, O_PATH | O_NOFOLLOW).get());
    if (seen && metadata_hash(key_, *seen) == match) return true;
    const auto fd = name.root->open_inode(name.path, survey_.file_of(inode).ino);
    if (!fd || !is_marked(fd->get(), survey_.id_of(inode))) return true;  // the guest has put another there
    const auto now = read_metadata(fd->get());
    const auto recorded = find_recorded(now, match);
    if (recorded && !run_.dry_run) give_back(fd->get(), now, *recorded);
    return recorded.has_value();
  }

 private:
  static void give_back(int fd, const InodeMetadata& now, const InodeMetadata& recorded) {
    change_inode_flags(fd, recorded.flags & ~now.flags, now.flags & ~recorded.flags);
    set_project_id(fd, 0);
  }

  // The index holds a hash: what it was made of is found by trying.
  std::optional<InodeMetadata> find_recorded(InodeMetadata metadata, std::uint64_t match) const {
    for (std::uint32_t set = 0; set < 1U << settable.size(); ++set) {
      for (std::size_t bit = 0; bit < settable.size(); ++bit)
        metadata.flags = (set >> bit & 1) != 0 ? metadata.flags | settable[bit] : metadata.flags & ~settable[bit];
      if (metadata_hash(key_, metadata) == match) return metadata;
    }
    return std::nullopt;
  }

  const Survey& survey_;
  const Run& run_;
  DigestKey key_;
};

}  // namespace

void restore_attributes(const Survey& survey, const Places& places, const Run& run, Outcome& outcome) {
  if (run.index == nullptr || std::ranges::none_of(places.all(), may_be_set)) return;
  const Restorer restorer(survey, run);
  std::mutex failing;  // guards outcome
  const auto end = static_cast<std::uint32_t>(survey.candidates.inodes.size());
  const auto restore = [&](std::uint32_t inode, RecordedShared& records) {
    const auto recorded = records.find(survey.guest_of(inode).fs, survey.file_of(inode));
    if (!recorded || !recorded->is_as_seen || run.stop.requested()) return;
    std::string reason = "its flags are not what was shared";
    try {
      if (restorer.restore(inode, recorded->record.match)) return;
    } catch (const std::system_error& error) {
      if (is_error(error, ENOENT)) return;
      reason = error.code().message();
    }
    const std::lock_guard lock(failing);
    outcome.failed.push_back(failure_at(survey, survey.names_of(inode).front(), reason));
  };
  tbb::parallel_for(0U, end, restored_at_once, [&](std::uint32_t first) {
    RecordedShared records(run.index->store());
    for (auto inode = first; inode < std::min(end, first + restored_at_once); ++inode)
      if (survey.inode(inode).shared && survey.inode(inode).name_count > 0 &&
          may_be_set(places.of(survey.guest_number(inode))))
        restore(inode, records);
  });
}

}  // namespace vunify
