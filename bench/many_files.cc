// SPDX-License-Identifier: Apache-2.0
// Makes guests of many small files, as packages leave them: 10 to 50 files a directory, five components deep, 100 bytes
// to 4 KiB each. Nine of ten files are the same in every guest, the tenth is its guest's own. The same numbers make the
// same trees.
//
//   many_files DIR FILES [GUESTS]      makes DIR/g01 ... with FILES files in all; GUESTS is 20 unless told
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <tbb/parallel_for.h>

#include <random>

#include "sys/fd.h"
#include "sys/inode.h"

namespace {

using namespace vunify;

constexpr std::int64_t first_mtime = 1'600'000'000;  // of the first directory; each next is an hour younger

// The nth thing of its kind: the same in every guest where guest is 0.
std::mt19937_64 dice(std::uint64_t kind, std::uint64_t guest, std::uint64_t n) {
  std::seed_seq seed{kind, guest, n};
  return std::mt19937_64(seed);
}

std::string word(std::mt19937_64& random, int least, int most) {
  std::string letters;
  for (auto left = least + static_cast<int>(random() % static_cast<unsigned>(most - least + 1)); left > 0; --left)
    letters += static_cast<char>('a' + random() % 26);
  return letters;
}

Fd make_directory(int parent, const std::string& leaf) {
  if (::mkdirat(parent, leaf.c_str(), 0755) < 0 && errno != EEXIST) throw_errno("mkdirat", leaf);
  return Fd(check(::openat(parent, leaf.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "openat", leaf));
}

Fd make_way(int root, std::uint64_t directory) {
  auto random = dice(1, 0, directory);
  Fd at = make_directory(root, "usr");
  at = make_directory(at.get(), "share");
  at = make_directory(at.get(), fmt::format("part-{:03}", directory / 100));
  at = make_directory(at.get(), fmt::format("{}-{}", word(random, 4, 12), directory));
  return make_directory(at.get(), word(random, 3, 8));
}

std::string bytes_of(std::mt19937_64& random) {
  std::string bytes(100 + random() % 3997, '\0');
  for (auto& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

void make_file(int directory, std::uint64_t guest, std::uint64_t n, std::int64_t mtime) {
  auto naming = dice(2, 0, n);
  const auto leaf = fmt::format("{}{}.{}", word(naming, 3, 12), n % 1000, word(naming, 1, 4));
  const bool is_own = naming() % 10 == 0;
  auto random = dice(3, is_own ? guest : 0, n);
  const Fd file(check(::openat(directory, leaf.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644), "openat", leaf));
  write_all(file.get(), bytes_of(random), leaf);
  set_times(file.get(), std::nullopt, {mtime + (is_own ? static_cast<std::int64_t>(random() % 3'000) : 0), 0});
}

void make_guest(const std::string& where, std::uint64_t guest, std::uint64_t files) {
  ::mkdir(where.c_str(), 0755);
  const Fd root = open_host(where, O_RDONLY | O_DIRECTORY);
  auto sizes = dice(4, 0, 0);
  for (std::uint64_t directory = 0, n = 0; n < files; ++directory) {
    const Fd at = make_way(root.get(), directory);
    for (auto left = std::min(10 + sizes() % 41, files - n); left > 0; --left, ++n)
      make_file(at.get(), guest, n, first_mtime + static_cast<std::int64_t>(directory) * 3600);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return fmt::print(stderr, "usage: many_files DIR FILES [GUESTS]\n"), 2;
  const std::uint64_t files = std::stoull(argv[2]), guests = argc > 3 ? std::stoull(argv[3]) : 20;
  ::umask(0);
  tbb::parallel_for(std::uint64_t{0}, guests, [&](std::uint64_t guest) {
    make_guest(fmt::format("{}/g{:02}", argv[1], guest + 1), guest + 1,
               files * (guest + 1) / guests - files * guest / guests);
  });
}
