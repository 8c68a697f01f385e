// SPDX-License-Identifier: Apache-2.0
#include "sys/guard.h"

#include <linux/bpf.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "kernel-cow/guard.h"
#include "sys/fd.h"
#include "sys/handle.h"

namespace vunify {
namespace {

using Key = vunify_guard_key;

constexpr const char* map_path = VUNIFY_GUARD_DIRECTORY "/" VUNIFY_GUARD_MAP;
constexpr const char* sign_path = VUNIFY_GUARD_DIRECTORY "/" VUNIFY_GUARD_SIGN;

int bpf(bpf_cmd command, bpf_attr& attr) { return static_cast<int>(::syscall(SYS_bpf, command, &attr, sizeof attr)); }

std::uint64_t pointer(const void* to) { return std::bit_cast<std::uintptr_t>(to); }

bpf_map_info info_of(const Fd& map) {
  bpf_map_info info{};
  bpf_attr attr{};
  attr.info.bpf_fd = static_cast<std::uint32_t>(map.get());
  attr.info.info_len = sizeof info;
  attr.info.info = pointer(&info);
  check(bpf(BPF_OBJ_GET_INFO_BY_FD, attr), "bpf", map_path);
  return info;
}

// A guard of another version has other keys, which nobody here can read.
bool is_ours(const Fd& map) {
  const auto info = info_of(map);
  return info.key_size == sizeof(Key) && info.value_size == sizeof(std::uint8_t);
}

Fd open_map() {
  if (::access(sign_path, F_OK) != 0) return {};
  bpf_attr attr{};
  attr.pathname = pointer(map_path);
  Fd map(bpf(BPF_OBJ_GET, attr));
  return map && is_ours(map) ? std::move(map) : Fd();
}

const Fd& map() {
  static const Fd fd = open_map();
  return fd;
}

// include/linux/kdev_t.h: MKDEV
std::uint32_t kernel_device(std::uint64_t dev) { return major(dev) << 20 | minor(dev); }
std::uint64_t device(std::uint32_t kernel_dev) { return makedev(kernel_dev >> 20, kernel_dev & 0xfffff); }

// Nothing where the filesystem tells no generation. It writes an int, whatever FS_IOC_GETVERSION says of its argument.
std::optional<Key> key_of(int fd) {
  long answer = 0;
  if (::ioctl(fd, FS_IOC_GETVERSION, &answer) != 0) return std::nullopt;
  std::uint32_t generation = 0;
  std::memcpy(&generation, &answer, sizeof generation);
  const auto inode = stat_fd(fd);
  return Key{inode.ino, kernel_device(inode.dev), generation};
}

int ask(bpf_cmd command, const Key& key, std::uint8_t& value) {
  bpf_attr attr{};
  attr.map_fd = static_cast<std::uint32_t>(map().get());
  attr.key = pointer(&key);
  if (command != BPF_MAP_DELETE_ELEM) attr.value = pointer(&value);
  return bpf(command, attr);
}

constexpr std::uint32_t many = 4096;  // keys asked for at a time

// False once these were the last. `at` is the kernel's own note of how far it came.
bool read_batch(std::vector<Key>& keys, bool is_first, std::uint32_t& at) {
  std::vector<Key> read(many);
  std::vector<std::uint8_t> values(many);
  std::uint32_t next = 0;
  bpf_attr attr{};
  attr.batch.map_fd = static_cast<std::uint32_t>(map().get());
  attr.batch.in_batch = is_first ? 0 : pointer(&at);
  attr.batch.out_batch = pointer(&next);
  attr.batch.keys = pointer(read.data());
  attr.batch.values = pointer(values.data());
  attr.batch.count = many;
  const int result = bpf(BPF_MAP_LOOKUP_BATCH, attr);
  if (result != 0 && errno != ENOENT) throw_errno("bpf", map_path);
  keys.insert(keys.end(), read.begin(), read.begin() + attr.batch.count);
  at = next;
  return result == 0;
}

std::vector<Key> all_keys() {
  std::vector<Key> keys;
  std::uint32_t at = 0;
  for (bool more = read_batch(keys, true, at); more;) more = read_batch(keys, false, at);
  return keys;
}

}  // namespace

std::uint64_t guard_room() { return info_of(map()).max_entries; }

bool is_guard_loaded() { return map() && ::access(sign_path, F_OK) == 0; }

void put_under_guard(int fd) {
  if (!is_guard_loaded()) throw std::system_error(ENODEV, std::generic_category(), "the guard is not loaded");
  const auto key = key_of(fd);
  if (!key) throw_errno("FS_IOC_GETVERSION");
  std::uint8_t value = 1;
  check(ask(BPF_MAP_UPDATE_ELEM, *key, value), "bpf", map_path);
}

void take_from_guard(int fd) {
  const auto key = map() ? key_of(fd) : std::nullopt;
  std::uint8_t value = 0;
  if (!key || ask(BPF_MAP_DELETE_ELEM, *key, value) == 0 || errno == ENOENT) return;
  throw_errno("bpf", map_path);
}

void empty_guard() {
  std::uint8_t value = 0;
  if (!map()) return;
  for (const auto& key : all_keys()) ask(BPF_MAP_DELETE_ELEM, key, value);
}

bool is_guarded(int fd) {
  const auto key = map() ? key_of(fd) : std::nullopt;
  std::uint8_t value = 0;
  return key && ask(BPF_MAP_LOOKUP_ELEM, *key, value) == 0;
}

GuardedInodes GuardedInodes::now() {
  GuardedInodes all;
  if (!is_guard_loaded()) return all;
  for (const auto& key : all_keys()) all.inodes_.push_back({device(key.dev), key.ino, key.generation});
  std::ranges::sort(all.inodes_);
  return all;
}

bool GuardedInodes::contains(const Inode& inode) const {
  const auto found = std::ranges::lower_bound(inodes_, Guarded{inode.dev, inode.ino, 0});
  return found != inodes_.end() && found->dev == inode.dev && found->ino == inode.ino;
}

bool GuardedInodes::contains(const Inode& inode, int dir, std::string_view leaf) const {
  if (!contains(inode)) return false;
  const auto generation = generation_at(dir, leaf.data());
  return generation && std::ranges::binary_search(inodes_, Guarded{inode.dev, inode.ino, *generation});
}

}  // namespace vunify
