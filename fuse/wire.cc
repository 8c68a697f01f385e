// SPDX-License-Identifier: Apache-2.0
#include "fuse/wire.h"

#include <linux/fuse.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "fuse/recovery.h"
#include "sys/capability.h"

namespace vunify {
namespace {

// Bits of INIT, 64 of them in two halves.
constexpr std::uint64_t init_ext = std::uint64_t{1} << 30;
constexpr std::uint64_t parallel_dirops = std::uint64_t{1} << 18;
constexpr std::uint64_t no_opendir = std::uint64_t{1} << 24;
constexpr std::uint64_t killpriv_v2 = std::uint64_t{1} << 28;
constexpr std::uint64_t passthrough = std::uint64_t{1} << 37;
constexpr std::uint64_t has_resend = std::uint64_t{1} << 39;
constexpr std::uint64_t allow_idmap = std::uint64_t{1} << 40;
constexpr std::uint64_t wanted_bits = parallel_dirops | no_opendir | killpriv_v2 | has_resend | allow_idmap;

constexpr std::uint32_t stack_depth = 1;  // of what lies beneath us; overlayfs may still be put on top

constexpr std::uint32_t open_kill_suidgid = 1U << 0;
constexpr std::uint32_t write_kill_suidgid = 1U << 2;
constexpr std::uint32_t setattr_kill_suidgid = 1U << 11;

constexpr std::uint32_t fopen_passthrough = 1U << 7;
constexpr std::uint32_t fopen_noflush = 1U << 5;

thread_local bool kill_setid = false;
thread_local fuse_in_header asking{};

bool asks_to_kill_setid(const fuse_in_header& header, const void* payload) {
  switch (header.opcode) {
    case FUSE_OPEN:
      return (static_cast<const fuse_open_in*>(payload)->open_flags & open_kill_suidgid) != 0;
    case FUSE_WRITE:
      return (static_cast<const fuse_write_in*>(payload)->write_flags & write_kill_suidgid) != 0;
    case FUSE_SETATTR:
      return (static_cast<const fuse_setattr_in*>(payload)->valid & setattr_kill_suidgid) != 0;
    default:
      return false;
  }
}

std::uint64_t offered_by(const fuse_init_in& init) {
  const std::uint64_t flags = init.flags;
  return (flags & init_ext) == 0 ? flags : flags | std::uint64_t{init.flags2} << 32;
}

fuse_open_out to_wire(const Opened& opened) {
  fuse_open_out out{};
  out.fh = opened.handle;
  if (opened.backing != 0) {
    out.open_flags |= fopen_passthrough | fopen_noflush;
    out.padding = static_cast<std::uint32_t>(opened.backing);  // Linux 6.9 calls it backing_id
  } else if (opened.keep_cache) {
    out.open_flags |= FOPEN_KEEP_CACHE;
  }
  if (opened.direct) out.open_flags |= FOPEN_DIRECT_IO;
  return out;
}

fuse_attr to_wire(const struct stat& st) {
  fuse_attr attr{};
  attr.ino = st.st_ino;
  attr.size = static_cast<std::uint64_t>(st.st_size);
  attr.blocks = static_cast<std::uint64_t>(st.st_blocks);
  attr.atime = static_cast<std::uint64_t>(st.st_atim.tv_sec);
  attr.mtime = static_cast<std::uint64_t>(st.st_mtim.tv_sec);
  attr.ctime = static_cast<std::uint64_t>(st.st_ctim.tv_sec);
  attr.atimensec = static_cast<std::uint32_t>(st.st_atim.tv_nsec);
  attr.mtimensec = static_cast<std::uint32_t>(st.st_mtim.tv_nsec);
  attr.ctimensec = static_cast<std::uint32_t>(st.st_ctim.tv_nsec);
  attr.mode = st.st_mode;
  attr.nlink = static_cast<std::uint32_t>(st.st_nlink);
  attr.uid = st.st_uid;
  attr.gid = st.st_gid;
  attr.rdev = static_cast<std::uint32_t>(st.st_rdev);
  attr.blksize = static_cast<std::uint32_t>(st.st_blksize);
  return attr;
}

fuse_entry_out to_wire(const fuse_entry_param& entry) {
  fuse_entry_out out{};
  out.nodeid = entry.ino;
  out.generation = entry.generation;
  out.entry_valid = static_cast<std::uint64_t>(entry.entry_timeout);
  out.attr_valid = static_cast<std::uint64_t>(entry.attr_timeout);
  out.attr = to_wire(entry.attr);
  return out;
}

}  // namespace

void Wire::attach(fuse_session* session) {
  fuse_custom_io io{};
  io.read = read;
  io.writev = writev;
  fuse_session_custom_io(session, &io, fuse_session_fd(session));
}

ssize_t Wire::read(int fd, void* buffer, size_t size, void* user) {
  auto& wire = *static_cast<Wire*>(user);
  const auto got = wire.first_.empty() ? ::read(fd, buffer, size) : wire.take_first(buffer);
  if (got <= 0) return got;
  if (auto* slot = Requests::mine()) take_over(wire.served_, *slot);
  wire.see_request(buffer, static_cast<std::size_t>(got));
  return got;
}

// Where the kernel has its answer already it does not know the request any more, and says so (ENOENT).
ssize_t Wire::take_first(void* buffer) {
  const auto first = std::exchange(first_, {});
  std::memcpy(buffer, first.data(), first.size());
  return static_cast<ssize_t>(first.size());
}

ssize_t Wire::writev(int fd, iovec* parts, int count, void* user) {
  auto& wire = *static_cast<Wire*>(user);
  const auto& header = *static_cast<const fuse_out_header*>(parts[0].iov_base);
  const bool answers_init = wire.init_ != 0 && header.unique == wire.init_ && header.error == 0 && count > 1;
  if (answers_init) wire.complete_init(parts[1].iov_base);
  Requests::tell_answering(header.unique);
  return ::writev(fd, parts, count);
}

void Wire::see_request(void* buffer, std::size_t size) {
  if (size < sizeof(fuse_in_header)) return;
  auto& header = *static_cast<fuse_in_header*>(buffer);
  const void* payload = &header + 1;
  kill_setid = asks_to_kill_setid(header, payload);
  asking = header;
  if (header.opcode == FUSE_TMPFILE) header.opcode = FUSE_CREATE;
  if (header.opcode != FUSE_INIT) return;
  init_ = header.unique;
  offered_ = offered_by(*static_cast<const fuse_init_in*>(payload));
}

void Wire::complete_init(void* reply) {
  auto& init = *static_cast<fuse_init_out*>(reply);
  auto flags = wanted_bits & offered_;
  if (wants_passthrough_) flags |= passthrough & offered_;
  has_passthrough_ = (flags & passthrough) != 0;
  if ((offered_ & init_ext) != 0) flags |= init_ext;
  init.flags |= static_cast<std::uint32_t>(flags);
  init.flags2 |= static_cast<std::uint32_t>(flags >> 32);
  if (has_passthrough_) init.unused[0] = stack_depth;  // Linux 6.9 calls it max_stack_depth
}

bool can_resend(std::span<const char> init) {
  fuse_init_in asks{};
  if (init.size() < sizeof(fuse_in_header) + sizeof asks) return false;
  std::memcpy(&asks, init.data() + sizeof(fuse_in_header), sizeof asks);
  return (offered_by(asks) & has_resend) != 0;
}

bool must_kill_setid() { return kill_setid; }
bool is_root_asking() {
  if (asking.pid == 0) return false;
  return asking.uid == 0 || process_has_capability(static_cast<int>(asking.pid), dac_override);
}

int asking_process() { return static_cast<int>(asking.pid); }

int reply_open(fuse_req_t request, const Opened& opened) {
  const auto out = to_wire(opened);
  return fuse_reply_buf(request, reinterpret_cast<const char*>(&out), sizeof out);
}

int reply_create(fuse_req_t request, const fuse_entry_param& entry, const Opened& opened) {
  struct {
    fuse_entry_out entry;
    fuse_open_out open;
  } const out{to_wire(entry), to_wire(opened)};
  return fuse_reply_buf(request, reinterpret_cast<const char*>(&out), sizeof out);
}

}  // namespace vunify
