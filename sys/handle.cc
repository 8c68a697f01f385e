// SPDX-License-Identifier: Apache-2.0
#include "sys/handle.h"

#include <fcntl.h>

#include <cstring>

namespace vunify {
namespace {

union HandleBuffer {
  file_handle handle;
  char bytes[sizeof(file_handle) + MAX_HANDLE_SZ];
};

int get_handle(int fd, HandleBuffer& buffer) {
  buffer.handle.handle_bytes = MAX_HANDLE_SZ;
  int mount = 0;
  return ::name_to_handle_at(fd, "", &buffer.handle, &mount, AT_EMPTY_PATH);
}

constexpr int ino32_gen = 1, ino32_gen_parent = 2;        // include/linux/exportfs.h
constexpr int ino64_gen = 0x81, ino64_gen_parent = 0x82;  // fs/xfs/xfs_export.h

// Where the generation stands in a handle of that type; nothing where it has none.
std::optional<std::size_t> generation_offset(int type) {
  if (type == ino32_gen || type == ino32_gen_parent) return sizeof(std::uint32_t);
  if (type == ino64_gen || type == ino64_gen_parent) return sizeof(std::uint64_t);
  return std::nullopt;
}

}  // namespace

std::optional<std::uint32_t> generation_at(int dir, const char* leaf) {
  HandleBuffer buffer{};
  buffer.handle.handle_bytes = MAX_HANDLE_SZ;
  int mount = 0;
  if (::name_to_handle_at(dir, leaf, &buffer.handle, &mount, 0) != 0) return std::nullopt;
  const auto offset = generation_offset(buffer.handle.handle_type);
  std::uint32_t generation = 0;
  if (!offset || *offset + sizeof generation > buffer.handle.handle_bytes) return std::nullopt;
  std::memcpy(&generation, buffer.bytes + sizeof(file_handle) + *offset, sizeof generation);
  return generation;
}

std::string handle_of(int fd) {
  HandleBuffer buffer{};
  if (get_handle(fd, buffer) != 0) return {};
  return {buffer.bytes, sizeof(file_handle) + buffer.handle.handle_bytes};
}

std::optional<Fd> open_handle(int on_mount, const std::string& handle, OnLease on_lease) {
  HandleBuffer buffer{};
  if (handle.size() < sizeof(file_handle) || handle.size() > sizeof buffer) return std::nullopt;
  std::memcpy(buffer.bytes, handle.data(), handle.size());
  buffer.handle.handle_bytes = static_cast<unsigned>(handle.size() - sizeof(file_handle));
  const int flags = O_RDONLY | O_CLOEXEC | (on_lease == OnLease::fail ? O_NONBLOCK : 0);
  Fd fd(::open_by_handle_at(on_mount, &buffer.handle, flags));
  if (fd) return fd;
  if (errno == ESTALE || errno == ENOENT) return std::nullopt;
  throw_errno("open_by_handle_at");
}

Fd hold_on_mount_of(int dir, int fd) {
  HandleBuffer buffer{};
  check(get_handle(fd, buffer), "name_to_handle_at");
  return Fd(check(::open_by_handle_at(dir, &buffer.handle, O_PATH | O_CLOEXEC), "open_by_handle_at"));
}

}  // namespace vunify
