// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdio>

#include "sys/fd.h"
#include "tests/scratch.h"
#include "tests/tree.h"

namespace vunify::test {
namespace {

std::string hex(const std::string& bytes) {
  std::string text;
  for (const unsigned char byte : bytes) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    text += digits;
  }
  return text;
}

// Holes are passed over, and zeros count as holes: how a file is laid out is not what it holds.
std::string hash_of(int dir, const std::string& leaf) {
  constexpr off_t chunk = 1 << 16;
  static thread_local char buffer[chunk];
  const Fd file(check(::openat(dir, leaf.c_str(), O_RDONLY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC), "openat", leaf));
  XXH64_hash_t hash = 0;
  for (off_t at = ::lseek(file.get(), 0, SEEK_DATA); at >= 0; at = ::lseek(file.get(), at, SEEK_DATA)) {
    const off_t start = at / chunk * chunk;
    const auto got = static_cast<std::size_t>(check(::pread(file.get(), buffer, chunk, start), "pread", leaf));
    if (std::any_of(buffer, buffer + got, [](char c) { return c != 0; }))
      hash = XXH3_64bits_withSeed(buffer, got, hash + static_cast<XXH64_hash_t>(start) * 31 + 1);
    at = start + chunk;
  }
  return std::to_string(hash);
}

std::string target_of(int dir, const std::string& leaf) {
  char target[4096];
  const auto size = check(::readlinkat(dir, leaf.c_str(), target, sizeof target), "readlinkat", leaf);
  return {target, static_cast<std::size_t>(size)};
}

std::string xattrs_of(int dir, const std::string& leaf) {
  const auto path = proc_path(dir) + "/" + leaf;
  std::string list(1 << 16, '\0');
  const auto size = ::llistxattr(path.c_str(), list.data(), list.size());
  std::vector<std::string> texts;
  for (ssize_t at = 0; at < size;) {
    const std::string name = list.c_str() + at;
    at += static_cast<ssize_t>(name.size()) + 1;
    std::string value(1 << 16, '\0');
    const auto length = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
    if (name == "trusted.vunify" || length < 0) continue;
    texts.push_back(" " + name + "=" + hex(value.substr(0, static_cast<std::size_t>(length))));
  }
  std::ranges::sort(texts);
  std::string all;
  for (const auto& text : texts) all += text;
  return all;
}

std::string content_of(int dir, const std::string& leaf, const struct stat& st) {
  if (S_ISREG(st.st_mode)) return std::to_string(st.st_size) + " " + hash_of(dir, leaf);
  if (S_ISLNK(st.st_mode)) return target_of(dir, leaf);
  if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) return "dev " + std::to_string(st.st_rdev);
  return "-";
}

std::string describe(int dir, const std::string& leaf, const struct stat& st) {
  char head[96];
  std::snprintf(head, sizeof head, "%06o %u %u %lld ", st.st_mode, st.st_uid, st.st_gid,
                static_cast<long long>(st.st_mtim.tv_sec));
  return head + content_of(dir, leaf, st) + xattrs_of(dir, leaf);
}

}  // namespace

std::map<std::string, std::string> image_of(const std::string& dir) {
  std::map<std::string, std::string> image;
  for_each_name(dir, [&](int parent, const std::string& leaf, const std::string& path, const struct stat& st) {
    image[path] = describe(parent, leaf, st);
  });
  return image;
}

std::vector<std::vector<std::string>> link_sets(const std::string& dir) {
  std::map<std::pair<dev_t, ino_t>, std::vector<std::string>> names;
  for_each_name(dir, [&](int, const std::string&, const std::string& path, const struct stat& st) {
    if (!S_ISDIR(st.st_mode)) names[{st.st_dev, st.st_ino}].push_back(path);
  });
  std::vector<std::vector<std::string>> sets;
  for (auto& [inode, paths] : names)
    if (paths.size() > 1) sets.push_back(std::move(paths));
  for (auto& set : sets) std::ranges::sort(set);
  std::ranges::sort(sets);
  return sets;
}

}  // namespace vunify::test
