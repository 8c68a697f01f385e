// SPDX-License-Identifier: Apache-2.0
#include "packages/sqlite_copy.h"

#include <fcntl.h>

#include <bit>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <vector>

#include "packages/big_endian.h"
#include "sys/inode.h"
#include "sys/link.h"
#include "sys/quiet_read.h"

namespace vunify {
namespace {

constexpr std::size_t page_one_head = 100, wal_head = 32, frame_head = 24;
constexpr std::size_t piece_bytes = 1 << 20;
constexpr int most_tries = 3;

// What a name leads to, and whether it has changed: the log is removed and made anew.
using State = std::optional<std::tuple<std::uint64_t, Stamp>>;
State state_of(const RootDir& dir, const std::string& leaf) {
  const auto inode = stat_name(dir.fd(), leaf.c_str());
  if (!inode) return std::nullopt;
  return std::tuple(inode->ino, inode->stamp);
}

void copy_file(int from, int to) {
  QuietReader reader(from);
  std::vector<char> piece(piece_bytes);
  std::uint64_t at = 0;
  while (const auto got = reader.read_at(at, piece)) {
    write_all(to, {piece.data(), got}, "copy");
    at += got;
    if (at > most_sqlite_bytes) throw std::runtime_error("too large");
  }
}

// The log's running sum over pairs of 32-bit words, which are of the byte order that its magic number tells.
class Checksum {
 public:
  explicit Checksum(bool big) : big_(big) {}

  void add(std::string_view bytes) {
    for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      first_ += word(bytes, at) + second_;
      second_ += word(bytes, at + 4) + first_;
    }
  }
  bool is(std::string_view bytes, std::size_t at) const {
    return first_ == big_endian(bytes, at) && second_ == big_endian(bytes, at + 4);
  }

 private:
  std::uint32_t word(std::string_view bytes, std::size_t at) const {
    const auto value = big_endian(bytes, at);
    return big_ ? value : __builtin_bswap32(value);
  }

  bool big_;
  std::uint32_t first_ = 0, second_ = 0;
};

// Reads the frames of a log in order, as far as they belong to it.
class Wal {
 public:
  explicit Wal(int fd) : reader_(fd), head_(read(0, wal_head)), sum_((magic() & 1) != 0) {
    if (head_.size() < wal_head || (magic() & ~1u) != 0x377f0682) return;
    sum_.add(std::string_view(head_).substr(0, 24));
    page_bytes_ = sum_.is(head_, 24) ? big_endian(head_, 8) : 0;
    if (page_bytes_ < 512 || page_bytes_ > 65536 || !std::has_single_bit(page_bytes_)) page_bytes_ = 0;
  }

  bool is_valid() const { return page_bytes_ != 0; }
  std::uint32_t page_bytes() const { return page_bytes_; }

  // The next frame; false where there is none.
  bool next() {
    frame_ = read(at_, frame_head + page_bytes_);
    if (frame_.size() < frame_head + page_bytes_ || frame_.compare(8, 8, head_, 16, 8) != 0) return false;
    sum_.add(std::string_view(frame_).substr(0, 8));
    sum_.add(page());
    at_ += frame_.size();
    return sum_.is(frame_, 16) && page_number() != 0;
  }
  std::uint32_t page_number() const { return big_endian(frame_, 0); }
  // Of the whole database, where this frame ends a transaction, or else 0.
  std::uint32_t pages() const { return big_endian(frame_, 4); }
  std::string_view page() const { return std::string_view(frame_).substr(frame_head); }

 private:
  std::uint32_t magic() const { return head_.size() < wal_head ? 0 : big_endian(head_, 0); }
  std::string read(std::uint64_t at, std::size_t bytes) {
    std::string got(bytes, '\0');
    got.resize(reader_.read_at(at, got));
    return got;
  }

  QuietReader reader_;
  std::string head_;
  Checksum sum_;
  std::uint32_t page_bytes_ = 0;
  std::uint64_t at_ = wal_head;
  std::string frame_;
};

// How many frames are committed, and how many pages the database then has.
std::pair<std::size_t, std::uint32_t> committed_frames(int log) {
  Wal wal(log);
  std::pair<std::size_t, std::uint32_t> committed{0, 0};
  for (std::size_t frames = 1; wal.is_valid() && wal.next(); ++frames)
    if (wal.pages() != 0) committed = {frames, wal.pages()};
  return committed;
}

void apply_log(int log, int copy) {
  const auto [frames, pages] = committed_frames(log);
  Wal wal(log);
  const auto place_of = [&](std::uint64_t page) { return page * wal.page_bytes(); };
  if (place_of(pages) > most_sqlite_bytes) throw std::runtime_error("too large");
  for (std::size_t i = 0; i < frames && wal.next(); ++i)
    if (wal.page_number() <= pages) write_at(copy, place_of(wal.page_number() - 1), wal.page(), "copy");
  if (frames > 0) resize(copy, place_of(pages), "copy");
}

// Bytes 18 and 19 of the first page say 2 where a log belongs to the file, 1 where none does.
void forget_log(int copy) {
  std::string head(page_one_head, '\0');
  if (QuietReader(copy).read_at(0, head) < head.size() || !head.starts_with("SQLite format 3"))
    throw std::runtime_error("no database");
  write_at(copy, 18, "\1\1", "copy");
}

Fd copy_once(const RootDir& dir, const std::string& leaf, const std::string& host_directory) {
  Fd copy = make_unnamed(open_host(host_directory, O_RDONLY | O_DIRECTORY).get());
  copy_file(dir.open_regular(leaf).get(), copy.get());
  if (state_of(dir, leaf + "-wal")) apply_log(dir.open_regular(leaf + "-wal").get(), copy.get());
  forget_log(copy.get());
  return copy;
}

}  // namespace

Fd copy_sqlite(const RootDir& dir, const std::string& leaf, const std::string& host_directory) {
  const auto journal = stat_name(dir.fd(), (leaf + "-journal").c_str());
  if (journal && journal->stamp.size > 0) throw std::runtime_error("in the middle of a change");
  const auto state = [&] { return std::pair(state_of(dir, leaf), state_of(dir, leaf + "-wal")); };
  for (int tries = 0; tries < most_tries; ++tries) {
    const auto before = state();
    Fd copy = copy_once(dir, leaf, host_directory);
    if (state() == before) return copy;
  }
  throw std::runtime_error("being written");
}

}  // namespace vunify
