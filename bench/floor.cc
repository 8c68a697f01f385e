// SPDX-License-Identifier: Apache-2.0
// The floor: the least that the kernel allows anybody to do who wants to know which files of these trees are equal.
// Walk: getdents and statx for every name, in parallel. Read: every file whose size is not unique, once, with XXH3, by
// the same threads. Nothing is compared, kept or decided. What vunify takes is told as a multiple of it.
//
//   floor [--walk | --extents] [--jobs N] DIR...      prints "walk SECONDS read SECONDS files N bytes N"; --walk leaves
//   out the rest; --extents asks each inode where its data lies, instead of reading (FIEMAP: no call tells of many)
#include <fcntl.h>
#include <fmt/core.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for_each.h>
#include <unistd.h>
#include <xxhash.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

#include "bench/walk_files.h"
#include "sys/clone.h"

namespace {

using namespace vunify;

thread_local volatile std::uint64_t benchmark_sink;  // so that the digest is taken

std::uint64_t size_of(const Found& file) { return file.inode.stamp.size; }

// Each inode once, where another one has its size.
std::vector<Found> worth_reading(std::vector<Found> found) {
  std::unordered_map<std::uint64_t, std::set<std::uint64_t>> inodes_of_size;
  for (const auto& file : found) inodes_of_size[size_of(file)].insert(file.inode.ino);
  std::set<std::uint64_t> taken;
  std::erase_if(found, [&](const Found& file) {
    return size_of(file) == 0 || inodes_of_size[size_of(file)].size() < 2 || !taken.insert(file.inode.ino).second;
  });
  return found;
}

std::vector<Found> each_once(std::vector<Found> found) {
  std::set<std::uint64_t> taken;
  std::erase_if(found, [&](const Found& file) { return size_of(file) == 0 || !taken.insert(file.inode.ino).second; });
  return found;
}

std::uint64_t count_extents(const Found& file) {
  return extents_of(file.root->open(file.path, O_RDONLY | O_NOATIME | O_NOFOLLOW).get(), true).size();
}

using Hash = std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)>;

std::uint64_t read_one(const Found& file) {
  thread_local std::vector<char> buffer(128 << 10);
  thread_local const Hash hash(XXH3_createState(), XXH3_freeState);
  const Fd fd = file.root->open(file.path, O_RDONLY | O_NOATIME | O_NOFOLLOW);
  XXH3_128bits_reset(hash.get());
  std::uint64_t bytes = 0;
  for (ssize_t got; (got = read(fd.get(), buffer.data(), buffer.size())) > 0; bytes += static_cast<std::uint64_t>(got))
    XXH3_128bits_update(hash.get(), buffer.data(), static_cast<std::size_t>(got));
  benchmark_sink = XXH3_128bits_digest(hash.get()).low64;
  return bytes;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

int measure(int argc, char** argv) {
  int first = 1;
  const bool only_walk = argc > first && std::strcmp(argv[first], "--walk") == 0;
  const bool extents = argc > first && std::strcmp(argv[first], "--extents") == 0;
  first += only_walk || extents;
  const tbb::global_control threads(tbb::global_control::max_allowed_parallelism, take_jobs(argc, argv, first));
  const std::vector<RootDir> roots(argv + first, argv + argc);
  const auto start = std::chrono::steady_clock::now();
  const auto found = walk_files(roots);
  const auto walk_seconds = seconds_since(start);
  if (only_walk) return fmt::print("walk {:.3f} files {}\n", walk_seconds, found.size()), 0;
  const auto files = extents ? each_once(found) : worth_reading(found);
  std::atomic<std::uint64_t> bytes{0};
  tbb::parallel_for_each(files, [&](const Found& file) { bytes += extents ? count_extents(file) : read_one(file); });
  fmt::print("walk {:.3f} read {:.3f} files {} bytes {}\n", walk_seconds, seconds_since(start) - walk_seconds,
             files.size(), bytes.load());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return measure(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "floor: {}\n", error.what());
    return 2;
  }
}
