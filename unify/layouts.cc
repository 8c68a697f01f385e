// SPDX-License-Identifier: Apache-2.0
#include "unify/layouts.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "db/bytes.h"
#include "sys/inode_attr.h"

namespace vunify {
namespace {

std::uint64_t refusal_hash(const DigestKey& key, Verdict verdict) {
  std::string bytes = "refused";
  put(bytes, static_cast<std::uint64_t>(verdict));
  return key.of(bytes).low;
}

void put_extent(std::string& bytes, const Extent& extent, std::uint64_t size) {
  put(bytes, extent.logical);
  put(bytes, extent.physical);
  put(bytes, std::min(extent.length, size - extent.logical));
}

bool follows(const Extent& before, const Extent& next) {
  return before.logical + before.length == next.logical && before.physical + before.length == next.physical;
}

// What is delayed will have a place.
bool is_not_stored_apart(const std::vector<Extent>& extents) {
  return extents.empty() ||
         std::ranges::any_of(extents, [](const Extent& extent) { return extent.in_metadata && !extent.delayed; });
}

bool is_delayed(const std::vector<Extent>& extents) { return std::ranges::any_of(extents, &Extent::delayed); }

}  // namespace

// Filesystems tell one run of blocks in one piece or in several, and what they keep ready behind a file's end comes and
// goes.
std::uint64_t layout_hash(const DigestKey& key, const std::vector<Extent>& extents, std::uint64_t size) {
  std::string bytes = "places";
  Extent run;
  for (const auto& extent : extents) {
    if (extent.logical >= size) break;
    if (run.length > 0 && follows(run, extent)) {
      run.length += extent.length;
      continue;
    }
    if (run.length > 0) put_extent(bytes, run, size);
    run = extent;
  }
  if (run.length > 0) put_extent(bytes, run, size);
  return key.of(bytes).low;
}

Layouts::Layouts(const Survey& survey, const DigestKey& key, bool flush)
    : survey_(survey),
      key_(key),
      flush_(flush),
      refusals_{{{refusal_hash(key, Verdict::not_shareable), Verdict::not_shareable},
                 {refusal_hash(key, Verdict::own_flags), Verdict::own_flags}}} {}

std::vector<LeftAlone> Layouts::sort(const CandidateGroup& group, std::span<const Known> known) {
  assert(unknown_.empty() && (known.empty() || known.size() >= group.count));
  layouts_.clear();
  left_.clear();
  size_ = survey_.file_of(group.first).stamp.size;
  for (std::uint32_t i = 0; i < group.count; ++i)
    if (known.empty() || !add_known(group.first + i, known[i])) unknown_.push_back(group.first + i);
  std::ranges::reverse(unknown_);  // taken from the end
  while (!unknown_.empty()) {
    const auto inode = unknown_.back();
    unknown_.pop_back();
    add_unknown(inode);
  }
  return std::exchange(left_, {});
}

// By their first inodes, for a hash's order changes with the key: a dry run is to choose as the run after it does.
std::vector<Layout*> Layouts::all() {
  std::vector<Layout*> all;
  for (auto& [hash, layout] : layouts_) all.push_back(&layout);
  std::ranges::sort(all, {}, [](const Layout* layout) { return layout->inodes.empty() ? 0 : layout->inodes.front(); });
  return all;
}

std::vector<Layout*> Layouts::sharable() {
  auto sharable = all();
  std::erase_if(sharable, [](const Layout* layout) { return layout->refused || layout->inodes.empty(); });
  return sharable;
}

Layout& Layouts::refused(Verdict verdict) {
  return at(std::ranges::find(refusals_, verdict, &std::pair<std::uint64_t, Verdict>::second)->first);
}

Layout& Layouts::at(std::uint64_t hash) {
  const auto [found, is_new] = layouts_.try_emplace(hash);
  auto& layout = found->second;
  if (!is_new) return layout;
  layout.hash = hash;
  const auto refusal = std::ranges::find(refusals_, hash, &std::pair<std::uint64_t, Verdict>::first);
  if (refusal != refusals_.end()) layout.refused = refusal->second;
  return layout;
}

// False where it has to be looked at. Two contents at one place: one of them lay there, and was moved.
bool Layouts::add_known(std::uint32_t inode, const Known& known) {
  if (known.match == 0) return false;
  auto& layout = at(known.match);
  if (layout.is_read() && known.is_known() && layout.digest != known.digest) return false;
  if (known.is_known()) layout.digest = known.digest;
  layout.inodes.push_back(inode);
  return true;
}

void Layouts::add_unknown(std::uint32_t inode) {
  const auto hash = look(inode);
  if (!hash) return;
  auto& layout = at(*hash);
  if (!is_confirmed(layout)) {
    unknown_.insert(unknown_.end(), layout.inodes.begin(), layout.inodes.end());
    layout.inodes.clear();
    layout.digest = {};
  }
  layout.is_seen = true;
  layout.inodes.push_back(inode);
}

// Before one that was looked at is added to those whose places are only known.
bool Layouts::is_confirmed(Layout& layout) {
  if (layout.is_seen || layout.refused || layout.inodes.empty()) return true;
  const auto left = left_.size();
  const bool confirmed = look(layout.inodes.front()) == layout.hash;
  left_.resize(left);  // where it is not, it is looked at again
  return confirmed;
}

Fd Layouts::open(std::uint32_t inode) const {
  const auto name = survey_.guest_name(survey_.names_of(inode).front());
  return name.root->open_to_read(name.path);
}

std::optional<std::uint64_t> Layouts::look(std::uint32_t inode) {
  try {
    const auto fd = open(inode);
    const auto now = stat_fd(fd.get());
    if (!now.is_regular() || now.ino != survey_.file_of(inode).ino)
      throw std::system_error(ENOENT, std::generic_category());
    const bool shared = survey_.inode(inode).shared;
    if (!shared && (inode_flags(fd.get()) & owner_flags) != 0) return refused(Verdict::own_flags).hash;
    auto extents = extents_of(fd.get(), false);
    if (flush_ && is_delayed(extents)) extents = extents_of(fd.get(), true);
    if (is_not_stored_apart(extents)) return refused(Verdict::not_shareable).hash;
    // What has no place yet lies where nobody else does.
    return is_delayed(extents) ? hash({{0, ~std::uint64_t{inode}, size_, false, true, true}}) : hash(extents);
  } catch (const std::system_error& error) {
    left_.push_back({inode, verdict_of(error.code(), Attempt::open), error.code().message()});
    return std::nullopt;
  }
}

}  // namespace vunify
