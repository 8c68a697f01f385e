// SPDX-License-Identifier: Apache-2.0
#include "move/supply.h"

#include <tbb/parallel_for.h>

#include "move/pieces.h"
#include "sys/clone.h"
#include "sys/quiet_read.h"

namespace vunify {
namespace {

// Where it can be opened, and still has the size it was found with.
std::optional<Fd> open_still(const AlikeFile& file) {
  try {
    Fd fd = file.root->open_regular(file.path);
    if (stat_fd(fd.get()).stamp.size == file.size) return fd;
  } catch (const std::system_error&) {  // gone, leased, or no file any more
  }
  return std::nullopt;
}

std::optional<Fingerprint> read_it(int fd, const TransferKey& key) {
  try {
    return fingerprint_of(fd, key);
  } catch (const std::system_error&) {
    return std::nullopt;
  }
}

// Between filesystems the kernel copies nothing by itself.
void copy_bytes(int from, int to, bool is_sparse) {
  const auto source = stat_fd(from);
  if (source.dev == stat_fd(to).dev) {
    copy_contents(from, to);
    return;
  }
  read_pieces(from, source.stamp.size, [&](std::uint64_t offset, std::string_view piece) {
    each_run(offset, piece, is_sparse,
             [&](std::uint64_t at, std::string_view run) { write_at(to, at, run, "a copy"); });
  });
  resize(to, source.stamp.size, "a copy");
}

}  // namespace

void Supply::take_from(const std::vector<AlikeFile>& files, bool ours) {
  tbb::parallel_for(std::size_t{0}, files.size(), [&](std::size_t i) { take_from(files[i], ours); });
}

std::optional<std::uint32_t> Supply::claim(Sketch sketch, bool is_sparse) {
  const std::lock_guard lock(claiming_);
  const auto [first, last] = needs_.equal_range(sketch);
  for (auto need = first; need != last; ++need) {
    const auto number = need->second;
    if (names_[number].is_sparse != is_sparse) continue;
    needs_.erase(need);
    return number;
  }
  return std::nullopt;
}

void Supply::take_from(const AlikeFile& file, bool ours) {
  const auto source = open_still(file);
  if (!source) return;
  const PageCacheGuard guard(source->get());
  const auto fingerprint = read_it(source->get(), key_);
  if (!fingerprint) return;
  const auto sketch = sketch_of(*fingerprint);
  for (bool may_take_over = ours; const auto number = claim(sketch, file.is_sparse); may_take_over = false) {
    if (may_take_over) tree_.take_over(*file.root, file.path, *number);
    const bool is_met = may_take_over || give(file, source->get(), *number, *fingerprint);
    const std::lock_guard lock(claiming_);
    if (!is_met) {
      needs_.emplace(sketch, *number);  // another file may have it
      return;
    }
    met_.emplace(*number, *fingerprint);
    bytes_ += file.size;
  }
}

void Supply::take_back(std::uint32_t number) {
  tree_.remove_file(number);
  met_.erase(number);
  bytes_ -= names_[number].size;
}

bool Supply::give(const AlikeFile& file, int source, std::uint32_t number, const Fingerprint& fingerprint) {
  const Fd copy = tree_.make_file(number);
  try {
    copy_bytes(source, copy.get(), file.is_sparse);
    if (fingerprint_of(copy.get(), key_) == fingerprint) {
      tree_.finish_file(copy.get(), number);
      return true;
    }
  } catch (const std::system_error& error) {
    if (is_disk_full(error)) throw std::system_error(error.code(), file.path);
  }
  tree_.remove_file(number);
  return false;
}

}  // namespace vunify
