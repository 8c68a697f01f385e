// SPDX-License-Identifier: Apache-2.0
#include "hashindex/prove.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>

#include "hashindex/rank.h"
#include "sys/handle.h"
#include "sys/inode_attr.h"
#include "sys/mark.h"
#include "sys/quiet_read.h"

namespace vunify {
namespace {

constexpr std::size_t smallest_chunk = 4 << 10;
constexpr std::size_t largest_chunk = 128 << 10;  // fits a core's L2 cache twice
constexpr auto locks_age = std::chrono::milliseconds(50);
constexpr int locks_share = 50;  // a look at them takes one of so many parts of the time at most

bool is_gone(const std::system_error& error) {
  return is_error(error, ENOENT) || is_error(error, ENOTDIR) || is_error(error, ELOOP) || is_error(error, EINVAL) ||
         is_error(error, EXDEV);
}

// A shared inode's ctime and link count move with every name another guest removes.
bool is_as_scanned(const Inode& now, const File& then, bool shared) {
  const bool same = now.is_regular() && now.ino == then.ino && now.stamp.size == then.stamp.size &&
                    now.stamp.mtime == then.stamp.mtime;
  return same && (shared || (now.stamp.ctime == then.stamp.ctime && now.nlink == then.nlink));
}

}  // namespace

struct Prover::Reading {
  explicit Reading(Held h) : held(std::move(h)), reader(held.fd.get()) {}
  Held held;
  QuietReader reader;
};

struct Prover::Strand {
  std::vector<std::unique_ptr<Reading>> readings;
  std::uint64_t offset = 0;             // all bytes before it are equal; a multiple of smallest_chunk
  std::optional<ContentDigest> digest;  // of these bytes
  std::optional<Verdict> lone;          // of the one that is left, and still read for its digest
  std::uint64_t size() const { return readings.front()->held.seen.stamp.size; }
  bool is_done() const { return offset >= size(); }
  bool is_sparse() const;
  void skip_common_hole();
};

bool Prover::Strand::is_sparse() const {
  return std::ranges::all_of(readings, [](const std::unique_ptr<Reading>& reading) {
    return reading->held.seen.bytes_on_disk() < reading->held.seen.stamp.size;
  });
}

// Where all of them have a hole, all of them hold zeros. The last page is read in any case: it shows that they are as
// long as they were, and that no writer came.
void Prover::Strand::skip_common_hole() {
  if (!is_sparse()) return;
  auto data = (size() - 1) / smallest_chunk * smallest_chunk;
  for (const auto& reading : readings) {
    if (data <= offset) return;
    data = std::min(data, next_data(reading->held.fd.get(), offset));
  }
  offset = std::max(offset, data / smallest_chunk * smallest_chunk);
}

Learnt learnt_of(const Held& held, const DigestKey& key) {
  return {held.digest, fold(key, held.policy), held.seen, held.reading, handle_of(held.fd.get()), false};
}

bool Prover::is_locked(const Guest& guest, std::uint64_t ino) {
  const auto now = std::chrono::steady_clock::now();
  if (now >= locks_due_) {
    locks_ = FileLocks::read();
    const auto seen = std::chrono::steady_clock::now();
    locks_due_ = seen + std::max<std::chrono::steady_clock::duration>(locks_age, locks_share * (seen - now));
  }
  return locks_.is_locked(guest.mount.dev, ino);
}

Fd Prover::open_inode(std::uint32_t inode) const {
  const auto& root = scene_.guests[scene_.candidates.guest_of(inode)].root;
  if (const auto* keeper = scene_.candidates.unwalked_at(inode)) {
    auto fd = open_handle(root.fd(), keeper->handle);
    if (!fd) throw std::system_error(ENOENT, std::generic_category());
    return std::move(*fd);
  }
  const auto name = scene_.candidates.names_of(scene_.candidates.inodes[inode]).front();
  return root.open_to_read(scene_.scan.trees[name.guest].path(name.file));
}

// A mark is read again: the walk may have it from the index, which is a hint.
bool Prover::is_as_expected(std::uint32_t inode, const Held& held) const {
  const auto& file = scene_.candidates.file_of(scene_.scan, inode);
  const auto& guest = scene_.guests[scene_.candidates.guest_of(inode)];
  const bool unwalked = scene_.candidates.unwalked_at(inode) != nullptr;
  if ((unwalked || file.marked) && !is_marked(held.fd.get(), {guest.fs, file.ino})) return false;
  if (unwalked) return held.seen.is_regular() && held.seen.ino == file.ino && held.seen.stamp.size == file.stamp.size;
  return is_as_scanned(held.seen, file, scene_.candidates.inodes[inode].shared);
}

// Verdict::shared where it can be held; else why not.
Held Prover::hold(std::uint32_t inode, Verdict& verdict) {
  const auto& guest = scene_.guests[scene_.candidates.guest_of(inode)];
  Held held;
  held.inode = inode;
  held.reading = clock_now();
  held.fd = open_inode(inode);
  // Before the stat: what it says holds from here on.
  if (rules_.leases) held.lease = Lease::take(held.fd.get(), guest.mount.dev);
  held.seen = stat_fd(held.fd.get());
  held.flags = inode_flags(held.fd.get());
  if (!is_as_expected(inode, held))
    verdict = Verdict::changed;
  else if ((held.flags & own_flags) != 0 && !scene_.candidates.inodes[inode].shared)
    verdict = Verdict::own_flags;
  else if (is_locked(guest, held.seen.ino))
    verdict = Verdict::locked;
  else if (rules_.leases && !held.lease)
    verdict = Verdict::open_for_writing;
  return held;
}

std::unique_ptr<Prover::Reading> Prover::open(std::uint32_t inode, std::vector<LeftAlone>& left) {
  auto verdict = Verdict::shared;
  try {
    auto held = hold(inode, verdict);
    if (verdict == Verdict::shared) {
      ++read_files_;
      return std::make_unique<Reading>(std::move(held));
    }
    left.push_back({inode, verdict, {}, {}});
  } catch (const std::system_error& error) {
    if (is_gone(error))
      left.push_back({inode, Verdict::vanished, {}, {}});
    else if (is_error(error, EWOULDBLOCK))  // somebody holds a write lease on it
      left.push_back({inode, Verdict::open_for_writing, {}, {}});
    else
      left.push_back({inode, Verdict::unreadable, error.code().message(), {}});
  }
  return nullptr;
}

std::size_t Prover::chunk_bytes(std::size_t members) const {
  const auto share = rules_.buffer_bytes / (members + 1) / smallest_chunk * smallest_chunk;
  return std::clamp(share, smallest_chunk, largest_chunk);
}

// False where the file is out: given up for a writer, shorter than it was, or unreadable.
bool Prover::read_chunk(Reading& reading, std::uint64_t offset, std::vector<char>& chunk,
                        std::vector<LeftAlone>& left) {
  const auto inode = reading.held.inode;
  try {
    const auto wanted = std::min<std::uint64_t>(chunk.capacity(), reading.held.seen.stamp.size - offset);
    chunk.resize(wanted);
    const auto got = reading.reader.read_at(offset, chunk);
    read_bytes_ += got;
    scene_.counters.bytes += got;
    if (got == wanted && (!reading.held.lease || reading.held.lease->held())) return true;
    left.push_back({inode, Verdict::changed, {}, {}});
  } catch (const std::system_error& error) {
    left.push_back({inode, Verdict::unreadable, error.code().message(), {}});
  }
  return false;
}

// Of the one that is left of several: where others dropped out, nobody knows what they hold.
Verdict Prover::lone_verdict(bool others_dropped_out) const {
  if (scene_.stop.requested()) return Verdict::not_reached;
  return others_dropped_out ? Verdict::twin_busy : Verdict::content_differs;
}

// Those that are alone are out, and their leases with them; but for a digest they are read on.
void Prover::part_from_the_lone(std::vector<Strand>& strands, Verdict verdict, std::vector<LeftAlone>& left) const {
  std::erase_if(strands, [&](Strand& strand) {
    if (strand.readings.size() > 1) return false;
    if (!strand.lone) strand.lone = verdict;
    if (!rules_.digests) left.push_back({strand.readings[0]->held.inode, *strand.lone, {}, {}});
    return !rules_.digests;
  });
}

// One chunk of every reading. What is equal goes on together.
std::vector<Prover::Strand> Prover::step(Strand strand, std::vector<LeftAlone>& left) {
  strand.skip_common_hole();
  const auto left_before = left.size();
  const auto size = chunk_bytes(strand.readings.size());
  std::vector<Strand> strands;
  std::vector<std::vector<char>> chunks;  // chunks[i] is what strands[i] reads here
  std::multimap<Digest, std::size_t> by_digest;
  std::vector<char> chunk;
  for (auto& reading : strand.readings) {
    chunk.reserve(size);
    if (scene_.stop.requested()) {
      left.push_back({reading->held.inode, strand.lone.value_or(Verdict::not_reached), {}, {}});
      continue;
    }
    if (!read_chunk(*reading, strand.offset, chunk, left)) continue;
    // Nearly all are equal to the first: only the others are worth a digest.
    std::size_t mine = 0;
    if (!chunks.empty() && chunk != chunks[0]) {
      const auto digest = scene_.key.of(chunk);
      const auto [begin, end] = by_digest.equal_range(digest);
      const auto found = std::find_if(begin, end, [&](const auto& entry) { return chunks[entry.second] == chunk; });
      mine = found == end ? strands.size() : found->second;
      if (found == end) by_digest.emplace(digest, mine);
    }
    if (mine == strands.size()) {
      strands.push_back({{}, strand.offset + chunk.size(), strand.digest, strand.lone});
      chunks.push_back(std::move(chunk));
      chunk = {};
    }
    strands[mine].readings.push_back(std::move(reading));
  }
  for (std::size_t i = 0; i < strands.size(); ++i)
    if (strands[i].digest) strands[i].digest->add(strand.offset, chunks[i]);
  part_from_the_lone(strands, lone_verdict(left.size() > left_before), left);
  return strands;
}

void Prover::finish_lone(Strand strand, std::vector<LeftAlone>& left) const {
  auto& held = strand.readings[0]->held;
  held.digest = strand.digest->value(strand.size());
  if (rules_.metadata) held.policy = read_policy(held.fd.get(), held.seen, held.flags);
  left.push_back({held.inode, *strand.lone, {}, learnt_of(held, scene_.key)});
}

// Equal bytes; now split by policy metadata.
void Prover::finish(Strand strand, Proof& proof) {
  std::vector<ProvenClass> classes;
  const auto digest = strand.digest ? strand.digest->value(strand.size()) : Digest{};
  for (auto& reading : strand.readings) {
    auto& held = reading->held;
    held.digest = digest;
    if (rules_.metadata) held.policy = read_policy(held.fd.get(), held.seen, held.flags);
    const auto same = [&](const ProvenClass& c) {
      return !rules_.metadata || agree(c.front().policy, held.policy, rules_.mtime);
    };
    auto found = std::ranges::find_if(classes, same);
    if (found == classes.end()) found = classes.emplace(classes.end());
    found->push_back(std::move(held));
  }
  const auto learnt = [&](const Held& held) {
    return rules_.digests ? std::optional(learnt_of(held, scene_.key)) : std::nullopt;
  };
  for (auto& c : classes) {
    if (c.size() > 1)
      proof.classes.push_back(std::move(c));
    else
      proof.left.push_back({c[0].inode, Verdict::metadata_differs, {}, learnt(c[0])});
  }
}

Proof Prover::prove(const std::vector<std::uint32_t>& inodes) {
  Proof proof;
  std::vector<Strand> open_strands(1);
  for (const auto inode : inodes)
    if (auto reading = open(inode, proof.left)) open_strands[0].readings.push_back(std::move(reading));
  auto& readings = open_strands[0].readings;
  if (readings.size() == 1) proof.left.push_back({readings[0]->held.inode, lone_verdict(inodes.size() > 1), {}, {}});
  if (rules_.digests) open_strands[0].digest.emplace(scene_.key);
  if (readings.size() < 2) open_strands.clear();
  while (!open_strands.empty()) {
    auto strand = std::move(open_strands.back());
    open_strands.pop_back();
    if (!strand.is_done())
      std::ranges::move(step(std::move(strand), proof.left), std::back_inserter(open_strands));
    else if (strand.lone)
      finish_lone(std::move(strand), proof.left);
    else
      finish(std::move(strand), proof);
  }
  scene_.counters.files += inodes.size();
  return proof;
}

// False where it did not come to the end of it.
bool Prover::digest_all(Reading& reading, std::vector<LeftAlone>& left) {
  ContentDigest digest(scene_.key);
  std::vector<char> chunk;
  chunk.reserve(largest_chunk);
  auto& held = reading.held;
  const auto size = held.seen.stamp.size;
  const bool sparse = held.seen.bytes_on_disk() < size;
  for (std::uint64_t at = 0; at < size; at += largest_chunk) {
    if (sparse) at = next_data(held.fd.get(), at) / largest_chunk * largest_chunk;
    if (at >= size) break;
    if (scene_.stop.requested()) return left.push_back({held.inode, Verdict::not_reached, {}, {}}), false;
    if (!read_chunk(reading, at, chunk, left)) return false;
    digest.add(at, chunk);
  }
  held.digest = digest.value(size);
  return true;
}

std::optional<Learnt> Prover::learn(std::uint32_t inode, std::vector<LeftAlone>& left) {
  const auto reading = open(inode, left);
  if (!reading) return std::nullopt;
  reading->held.lease.reset();  // this reading proves nothing: no writer has to wait for it
  if (!digest_all(*reading, left)) return std::nullopt;
  auto& held = reading->held;
  if (rules_.metadata) held.policy = read_policy(held.fd.get(), held.seen, held.flags);
  return learnt_of(held, scene_.key);
}

std::vector<std::vector<std::uint32_t>> Prover::cut(const CandidateGroup& group, std::vector<LeftAlone>& left) {
  std::map<Digest, std::vector<std::uint32_t>> by_digest;
  std::map<Digest, Learnt> first;  // of each digest: all there is to tell of one that is alone
  for (auto inode = group.first; inode < group.first + group.count; ++inode) {
    const auto learnt = learn(inode, left);
    if (!learnt) continue;
    by_digest[learnt->digest].push_back(inode);
    first.emplace(learnt->digest, *learnt);
  }
  std::vector<std::vector<std::uint32_t>> parts;
  for (auto& [digest, inodes] : by_digest) {
    if (inodes.size() == 1) {
      left.push_back({inodes[0], Verdict::content_differs, {}, first.at(digest)});
      continue;
    }
    std::ranges::move(parts_by_rank(scene_.candidates, std::move(inodes), rules_.max_open), std::back_inserter(parts));
  }
  return parts;
}

}  // namespace vunify
