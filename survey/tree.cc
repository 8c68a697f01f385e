// SPDX-License-Identifier: Apache-2.0
#include "survey/tree.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "sys/root_dir.h"

namespace vunify {
namespace {

constexpr std::size_t text_bytes = 64 << 10;
constexpr std::uint32_t waymark_every = 16;  // files

// Copies a name and its NUL; returns what comes behind.
char* put_name(char* to, std::string_view name) {
  *std::ranges::copy(name, to).out = '\0';
  return to + name.size() + 1;
}

}  // namespace

File::File(const Inode& inode)
    : ino(inode.ino),
      stamp(inode.stamp),
      uid(inode.uid),
      gid(inode.gid),
      nlink(inode.nlink),
      blocks_low(static_cast<std::uint32_t>(inode.blocks)),
      blocks_high(static_cast<std::uint16_t>(inode.blocks >> 32)),
      mode(static_cast<std::uint16_t>(inode.mode & 07777)),
      immutable(inode.immutable) {}

bool File::is_still(const Inode& now, bool shared) const {
  const bool same =
      now.is_regular() && now.ino == ino && now.stamp.size == stamp.size && stamp.mtime == ShortTime(now.stamp.mtime);
  return same && (shared || (stamp.ctime == ShortTime(now.stamp.ctime) && now.nlink == nlink));
}

void Tree::add(std::string_view directory, std::span<const File> files, std::span<const std::string_view> leaves) {
  assert(files.size() == leaves.size());
  if (files.empty()) return;
  std::size_t bytes = directory.size() + 1;
  for (const auto leaf : leaves) bytes += leaf.size() + 1;
  const std::lock_guard lock(filling_);
  char* const text = make_room(bytes);
  directories_.push_back({text, static_cast<std::uint32_t>(files_.size())});
  char* at = put_name(text, directory);
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (files_.size() % waymark_every == 0) waymarks_.push_back(static_cast<std::uint32_t>(at - text));
    files_.push_back(files[i]);
    at = put_name(at, leaves[i]);
  }
}

char* Tree::make_room(std::size_t bytes) {
  if (bytes > room_) {
    room_ = std::max(bytes, text_bytes);
    next_ = texts_.emplace_back(new char[room_]).get();
  }
  room_ -= bytes;
  return std::exchange(next_, next_ + bytes);
}

std::string Tree::path(std::uint32_t index) const {
  assert(index < files_.size());
  std::size_t low = 0;
  for (auto high = directories_.size(); high - low > 1;) {
    const auto middle = (low + high) / 2;
    (directories_[middle].first_file <= index ? low : high) = middle;
  }
  return join_path(directories_[low].text, leaf_of(directories_[low], index));
}

// From the nearest waymark, or the directory's first leaf, it is some names further.
const char* Tree::leaf_of(const Directory& directory, std::uint32_t index) const {
  const auto waymark = index / waymark_every * waymark_every;
  const bool within = waymark >= directory.first_file;
  const char* leaf = directory.text + (within ? waymarks_[index / waymark_every] : std::strlen(directory.text) + 1);
  for (auto i = within ? waymark : directory.first_file; i < index; ++i) leaf += std::strlen(leaf) + 1;
  return leaf;
}

}  // namespace vunify
