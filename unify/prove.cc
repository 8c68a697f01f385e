// SPDX-License-Identifier: Apache-2.0
#include "unify/prove.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

#include "db/bytes.h"
#include "sys/guard.h"
#include "sys/handle.h"
#include "sys/inode_attr.h"
#include "sys/mark.h"
#include "sys/quiet_read.h"
#include "unify/refine.h"

namespace vunify {
namespace {

constexpr std::size_t largest_chunk = 128 << 10;  // fits a core's L2 cache twice
// Who takes the copy, of which the others get duplicates.
template <typename T>
const T* last_of_several(const std::vector<T>& all) {
  const auto last = std::find_if(all.rbegin(), all.rend(), [](const T& one) { return one.members.size() > 1; });
  return last == all.rend() ? nullptr : &*last;
}

}  // namespace

Copied duplicate(const Copied& copied) {
  try {
    return {copied.copy ? std::optional(copied.copy->duplicate()) : std::nullopt, copied.error};
  } catch (const std::system_error& error) {
    return {{}, error.code()};
  }
}

std::size_t chunk_bytes(std::size_t buffer_bytes, std::size_t members) {
  const auto share = buffer_bytes / (members + 1) / smallest_chunk * smallest_chunk;
  return std::clamp(share, smallest_chunk, largest_chunk);
}

struct Prover::Block {
  std::vector<std::unique_ptr<Reading>> readings;
  std::uint64_t offset = 0;               // all bytes before it are equal; a multiple of smallest_chunk
  std::optional<ContentDigest> digest{};  // of these bytes, where it is wanted
  bool is_begun = false;                  // some of it was read
  Copied copied{};

  std::uint64_t size() const { return readings.front()->size(); }
  bool is_done() const { return offset >= size(); }
  void skip_common_hole();
};

// Where all of them have a hole, all of them hold zeros. The last page is read in any case: it shows that they are as
// long as they were, and that no writer came.
void Prover::Block::skip_common_hole() {
  if (!std::ranges::all_of(readings, [](const auto& reading) { return reading->is_sparse(); })) return;
  auto data = (size() - 1) / smallest_chunk * smallest_chunk;
  for (const auto& reading : readings) {
    if (data <= offset) return;
    data = std::min(data, reading->next_data(offset));
  }
  offset = std::max(offset, data / smallest_chunk * smallest_chunk);
}

std::uint64_t metadata_hash(const DigestKey& key, const InodeMetadata& metadata) {
  std::string bytes;
  put(bytes, metadata.flags);
  put(bytes, std::uint32_t{0});  // a project id, in what earlier versions recorded
  for (const auto& [name, value] : metadata.xattrs) {
    bytes.append(name).push_back('\0');
    put(bytes, static_cast<std::uint64_t>(value.size()));
    bytes += value;
  }
  return key.of(bytes).low;
}

Learnt learnt_of(const Held& held, const Digest& digest, Timestamp reading, const DigestKey& key) {
  return {.digest = digest,
          .match = metadata_hash(key, held.metadata),
          .seen = held.seen,
          .reading = reading,
          .handle = handle_of(held.fd.get()),
          .guarded = is_guarded(held.fd.get())};
}

void Prover::leave_for(std::uint32_t inode, const std::system_error& error) {
  leave(inode, verdict_of(error.code(), Attempt::open));
  if (left_.back().verdict == Verdict::unreadable) left_.back().reason = error.code().message();
}

Fd Prover::open_inode(std::uint32_t inode) const {
  const auto& root = survey_.guest_of(inode).root;
  const auto* keeper = survey_.candidates.unwalked_at(inode);
  if (keeper == nullptr) return root.open_to_read(survey_.path(survey_.names_of(inode).front()));
  auto fd = open_handle(root.fd(), keeper->handle);
  if (!fd) throw std::system_error(ENOENT, std::generic_category());
  return std::move(*fd);
}

Member Prover::hold(std::uint32_t inode, Fd opened) const {
  Member member;
  auto& held = member.held;
  member.inode = inode;
  member.reading = clock_now();
  held.fd = opened ? std::move(opened) : open_inode(inode);
  // Before the stat: what it says holds from here on.
  if (rules_.leases) held.lease = Lease::take(held.fd.get(), survey_.guest_of(inode).mount.dev);
  held.seen = stat_fd(held.fd.get());
  member.flags = inode_flags(held.fd.get());
  return member;
}

// A mark is read again: the walk may have it from the index, which is a hint. One that the walk read is void in a dry
// run still.
bool Prover::is_as_expected(const Member& member) const {
  const auto& file = survey_.file_of(member.inode);
  const auto& seen = member.held.seen;
  const bool unwalked = survey_.candidates.unwalked_at(member.inode) != nullptr;
  if (unwalked || file.marked) {
    const auto mark = mark_on(member.held.fd.get(), survey_.id_of(member.inode));
    if (mark != Mark::valid && !(mark == Mark::stale && file.stale_mark)) return false;
  }
  // What keeps it shared is not what keeps this guest.
  if (unwalked && seen.immutable && survey_.guest_of(member.inode).is_adopted()) return false;
  if (unwalked) return seen.is_regular() && seen.ino == file.ino && seen.stamp.size == file.stamp.size;
  return file.is_still(seen, survey_.inode(member.inode).shared);
}

// What several guests have is neither's, whatever it carries.
bool Prover::carries_other_tag(const Member& member) const {
  const auto project = project_id(member.held.fd.get());
  if (project == 0 || survey_.inode(member.inode).shared) return false;
  const auto names = survey_.names_of(member.inode);
  return names.front().guest == names.back().guest && project != survey_.guest_of(member.inode).tag();
}

std::optional<Verdict> Prover::what_forbids(const Member& member) {
  if (!is_as_expected(member)) return Verdict::changed;
  if ((member.flags & owner_flags) != 0 && !survey_.inode(member.inode).shared) return Verdict::own_flags;
  if ((member.flags & unshareable_flags) != 0) return Verdict::not_shareable;
  if (rules_.metadata && carries_other_tag(member)) return Verdict::other_tag;
  if (locks_.is_locked(survey_.guest_of(member.inode).mount.dev, member.held.seen.ino)) return Verdict::locked;
  if (rules_.leases && !member.held.lease) return Verdict::open_for_writing;
  return std::nullopt;
}

// Nothing where it was left alone.
std::unique_ptr<Reading> Prover::open(std::uint32_t inode, Fd opened) {
  try {
    auto member = hold(inode, std::move(opened));
    const auto forbidden = what_forbids(member);
    if (!forbidden) {
      ++read_files_;
      return std::make_unique<Reading>(std::move(member), rules_.copies_in != nullptr);
    }
    leave(inode, *forbidden);
  } catch (const std::system_error& error) {
    leave_for(inode, error);
  }
  return nullptr;
}

std::vector<std::unique_ptr<Reading>> Prover::open_all(const std::vector<std::uint32_t>& inodes) {
  assert(inodes.size() <= rules_.max_open);
  std::vector<std::unique_ptr<Reading>> readings;
  for (const auto inode : inodes)
    if (auto reading = open(inode)) readings.push_back(std::move(reading));
  return readings;
}

// False where the file is out: given up for a writer, shorter than it was, or unreadable.
bool Prover::read_chunk(Reading& reading, std::uint64_t offset, std::size_t size, std::vector<char>& chunk) {
  const auto& held = reading.member.held;
  try {
    chunk.resize(std::min<std::uint64_t>(size, reading.size() - offset));
    const auto got = reading.reader.read_at(offset, chunk);
    read_bytes_ += got;
    counters_.bytes += got;
    if (got == chunk.size() && (!held.lease || held.lease->is_kept())) return true;
    leave(reading.member.inode, Verdict::changed);
  } catch (const std::system_error& error) {
    leave_for(reading.member.inode, error);
  }
  return false;
}

// Of the one that is left of several: where others dropped out, nobody knows what they hold.
Verdict Prover::verdict_of_single(bool others_dropped_out) const {
  if (stop_.requested()) return Verdict::not_reached;
  return others_dropped_out ? Verdict::twin_busy : Verdict::content_differs;
}

// One chunk of every reading. What is equal goes on together; what is alone is left.
std::vector<Prover::Block> Prover::step(Block block) {
  block.skip_common_hole();
  const auto left_before = left_.size();
  const auto size = chunk_bytes(rules_.buffer_bytes, block.readings.size());
  const auto read_next = [&](std::size_t i, std::vector<char>& chunk) {
    auto& reading = *block.readings[i];
    if (stop_.requested()) {
      leave(reading.member.inode, Verdict::not_reached);
      return false;
    }
    return read_chunk(reading, block.offset, size, chunk);
  };
  auto refined = refine(block.readings.size(), read_next, key_);
  const auto single = verdict_of_single(left_.size() > left_before);
  std::vector<Block> blocks;
  const auto* last = last_of_several(refined);
  for (auto& one : refined) {
    auto& [members, chunk] = one;
    Block next{{}, block.offset + chunk.size(), block.digest, true};
    if (next.digest) next.digest->add(block.offset, chunk);
    for (const auto i : members) next.readings.push_back(std::move(block.readings[i]));
    if (members.size() == 1) {
      leave_single(std::move(next), single);
      continue;
    }
    next.copied = &one == last ? std::move(block.copied) : duplicate(block.copied);
    blocks.push_back(copy_on(std::move(next), block, chunk));
  }
  return blocks;
}

// What no shared inode holds yet, and several guests do. All of a group are in one place.
bool Prover::wants_copy(const Block& block) const {
  if (!rules_.copies_in) return false;
  const auto& readings = block.readings;
  const auto guest_of = [&](const auto& reading) { return survey_.guest_number(reading->member.inode); };
  const auto first = guest_of(readings.front());
  const auto is_shared = [&](const auto& reading) { return survey_.inode(reading->member.inode).shared; };
  if (rules_.copies_in(readings.front()->member.inode) < 0) return false;
  return (!rules_.metadata || std::ranges::none_of(readings, is_shared)) &&
         std::ranges::any_of(readings, [&](const auto& r) { return guest_of(r) != first; });
}

FreshCopy Prover::begin_copy(const Reading& original) const {
  const auto& member = original.member;
  return {rules_.copies_in(member.inode), member.held.seen, original.reader.was_absent()};
}

// One that has to be copied though its beginning was not, for it was read beside a shared inode, is read once more.
Prover::Block Prover::copy_on(Block next, const Block& before, const std::vector<char>& chunk) {
  auto& copy = next.copied.copy;
  if (!wants_copy(next)) {
    copy.reset();
  } else if (!copy && !next.copied.error && before.is_begun) {
    next.offset = 0;
    next.is_begun = false;
    if (next.digest) next.digest.emplace(key_);
  } else if (!next.copied.error) {
    try {
      const auto& original = *next.readings.front();
      if (!copy) copy.emplace(begin_copy(original));
      original.write_to(*copy, before.offset, chunk);
    } catch (const std::system_error& failed) {
      next.copied = {{}, failed.code()};
    }
  }
  return next;
}

// False where it did not come to the end of it.
bool Prover::read_to_end(Reading& reading, std::uint64_t offset, ContentDigest& digest, Verdict if_stopped,
                         FreshCopy* copy) {
  std::vector<char> chunk;
  for (auto at = offset; at < reading.size(); at += largest_chunk) {
    if (reading.is_sparse()) at = std::max(at, reading.next_data(at) / smallest_chunk * smallest_chunk);
    if (at >= reading.size()) break;
    if (stop_.requested()) {
      leave(reading.member.inode, if_stopped);
      return false;
    }
    if (!read_chunk(reading, at, largest_chunk, chunk)) return false;
    digest.add(at, chunk);
    if (copy != nullptr) reading.write_to(*copy, at, chunk);
  }
  reading.member.digest = digest.value(reading.size());
  return true;
}

// Its lease goes with it; but for a digest it is read on, so that the next run need not open it.
void Prover::leave_single(Block block, Verdict verdict) {
  auto& reading = *block.readings.front();
  reading.member.held.lease.reset();
  if (!block.digest) return leave(reading.member.inode, verdict);
  if (!read_to_end(reading, block.offset, *block.digest, verdict)) return;
  if (!see_metadata(reading.member)) return;
  left_.push_back({reading.member.inode, verdict, {}, learnt_of(reading.member, key_)});
}

// False where it is out. A guest can give a file more attributes than the kernel lists (E2BIG).
bool Prover::see_metadata(Member& member) {
  try {
    if (rules_.metadata) member.held.metadata = read_metadata(member.held.fd.get(), member.held.seen, member.flags);
    return true;
  } catch (const std::system_error& error) {
    leave_for(member.inode, error);
    return false;
  }
}

// Equal bytes; now split by inode metadata.
void Prover::finish(Block block, std::vector<ProvenClass>& proven) {
  std::vector<ProvenClass> classes;
  const auto digest = block.digest ? block.digest->value(block.size()) : Digest{};
  const auto left_before = left_.size();
  for (auto& reading : block.readings) {
    auto& member = reading->member;
    member.digest = digest;
    if (!see_metadata(member)) continue;
    auto same = std::ranges::find_if(classes, [&](const ProvenClass& c) {
      return !rules_.metadata || agree(c.members.front().held.metadata, member.held.metadata, rules_.mtime);
    });
    if (same == classes.end()) same = classes.emplace(classes.end());
    same->members.push_back(std::move(member));
  }
  const auto single = left_.size() > left_before ? Verdict::twin_busy : Verdict::metadata_differs;
  const auto* last = last_of_several(classes);
  for (auto& one : classes) {
    auto& [members, copied] = one;
    if (members.size() > 1) {
      copied = &one == last ? std::move(block.copied) : duplicate(block.copied);
      proven.push_back({std::move(members), std::move(copied)});
      continue;
    }
    leave(members[0].inode, single);
    if (rules_.digests) left_.back().learnt = learnt_of(members[0], key_);
  }
}

Proof Prover::prove(const std::vector<std::uint32_t>& inodes) {
  Proof proof;
  std::vector<Block> partition;
  auto readings = open_all(inodes);
  if (readings.size() == 1) leave(readings[0]->member.inode, verdict_of_single(inodes.size() > 1));
  if (readings.size() > 1) {
    partition.push_back({std::move(readings)});
    if (rules_.digests) partition[0].digest.emplace(key_);
  }
  while (!partition.empty()) {
    auto block = std::move(partition.back());
    partition.pop_back();
    if (block.is_done())
      finish(std::move(block), proof.classes);
    else
      std::ranges::move(step(std::move(block)), std::back_inserter(partition));
  }
  counters_.files += inodes.size();
  proof.left = std::exchange(left_, {});
  return proof;
}

std::variant<Learnt, LeftAlone> Prover::learn(std::uint32_t inode) {
  if (const auto reading = open(inode)) {
    reading->member.held.lease.reset();  // no writer has to wait for it
    ContentDigest digest(key_);
    if (read_to_end(*reading, 0, digest, Verdict::not_reached) && see_metadata(reading->member))
      return learnt_of(reading->member, key_);
  }
  return std::exchange(left_, {}).front();
}

std::variant<ProvenClass, LeftAlone> Prover::copy(std::uint32_t inode, Fd opened) {
  ProvenClass alone;
  if (const auto reading = open(inode, std::move(opened))) {
    try {
      ContentDigest digest(key_);
      FreshCopy copy(rules_.copies_in(inode), reading->member.held.seen, resident_bytes(reading->fd()) == 0);
      if (!read_to_end(*reading, 0, digest, Verdict::not_reached, &copy) || !see_metadata(reading->member))
        return std::exchange(left_, {}).front();
      alone.copied.copy = std::move(copy);
    } catch (const std::system_error& failed) {
      alone.copied.error = failed.code();
    }
    alone.members.push_back(std::move(reading->member));
    return alone;
  }
  return std::exchange(left_, {}).front();
}

}  // namespace vunify
