// SPDX-License-Identifier: Apache-2.0
#include "sys/inode.h"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bit>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "sys/fd.h"

namespace vunify {
namespace {

// include/uapi/linux/fs.h, Linux 6.9: struct fsuuid2, FS_IOC_GETFSUUID. Debian 12's headers do not have it yet.
struct FsUuid {
  std::uint8_t length;
  std::uint8_t bytes[16];
};
constexpr unsigned long get_fs_uuid = _IOR(0x15, 0, FsUuid);

// fs/ext4/ext4.h, Linux 6.0: struct fsuuid, EXT4_IOC_GETFSUUID; the number has the size of what stands before the
// bytes.
struct Ext4Uuid {
  std::uint32_t length;
  std::uint32_t flags;
  std::uint8_t bytes[16];
};
constexpr unsigned long get_ext4_uuid = _IOR('f', 44, std::uint64_t);

// fs/xfs/libxfs/xfs_fs.h: struct xfs_fsop_geom_v1, XFS_IOC_FSGEOMETRY_V1.
struct XfsGeometry {
  std::uint32_t sizes[8];
  std::uint64_t extents[4];
  std::uint8_t uuid[16];
  std::uint64_t more[4];
};
constexpr unsigned long get_xfs_geometry = _IOR('X', 100, XfsGeometry);
static_assert(sizeof(XfsGeometry) == 112);

constexpr std::uint64_t first_subvolume_object = 256;  // include/uapi/linux/btrfs_tree.h, BTRFS_FIRST_FREE_OBJECTID

constexpr unsigned wanted = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;

// What the kernel knows by itself: a FUSE daemon, or a server far away, is not waited for.
constexpr int what_is_known = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;

// Which mount it is the kernel tells, whoever answers for the filesystem: it is not asked where nothing of it is
// wanted.
bool is_mount_point(int dir, const char* leaf) {
  struct statx there {
  }, here{};
  return ::statx(dir, leaf, what_is_known, 0, &there) == 0 &&
         ::statx(dir, "", what_is_known | AT_EMPTY_PATH, 0, &here) == 0 && there.stx_mnt_id != here.stx_mnt_id;
}

Inode from_statx(const struct statx& st) {
  Inode inode;
  inode.dev = makedev(st.stx_dev_major, st.stx_dev_minor);
  inode.ino = st.stx_ino;
  inode.blocks = st.stx_blocks;
  inode.stamp = {st.stx_size, {st.stx_mtime.tv_sec, st.stx_mtime.tv_nsec}, {st.stx_ctime.tv_sec, st.stx_ctime.tv_nsec}};
  if (st.stx_mask & STATX_BTIME) inode.born = {st.stx_btime.tv_sec, st.stx_btime.tv_nsec};
  inode.mode = st.stx_mode;
  inode.uid = st.stx_uid;
  inode.gid = st.stx_gid;
  inode.nlink = st.stx_nlink;
  inode.immutable = st.stx_attributes & STATX_ATTR_IMMUTABLE;
  inode.append_only = st.stx_attributes & STATX_ATTR_APPEND;
  if (st.stx_mask & STATX_MNT_ID) inode.mount = st.stx_mnt_id;
  return inode;
}

std::uint64_t big_endian(const std::uint8_t* bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | bytes[i];
  return value;
}

bool read_btrfs_uuid(int fd, FsUuid& uuid) {
  btrfs_ioctl_fs_info_args args{};
  if (::ioctl(fd, BTRFS_IOC_FS_INFO, &args) != 0) return false;
  std::memcpy(uuid.bytes, args.fsid, sizeof uuid.bytes);
  return true;
}

bool read_ext4_uuid(int fd, FsUuid& uuid) {
  Ext4Uuid answer{sizeof uuid.bytes, 0, {}};
  if (::ioctl(fd, get_ext4_uuid, &answer) != 0) return false;
  std::memcpy(uuid.bytes, answer.bytes, sizeof uuid.bytes);
  return true;
}

bool read_xfs_uuid(int fd, FsUuid& uuid) {
  XfsGeometry answer{};
  if (::ioctl(fd, get_xfs_geometry, &answer) != 0) return false;
  std::memcpy(uuid.bytes, answer.uuid, sizeof uuid.bytes);
  return true;
}

// Each is asked in its own way, which kernels before 6.9 know, too: f_fsid is another there, and on XFS the device's
// number. btrfs mixes the subvolume into whatever else it answers.
bool read_uuid(int fd, long type, FsUuid& uuid) {
  if (type == BTRFS_SUPER_MAGIC) return read_btrfs_uuid(fd, uuid);
  if (type == EXT4_SUPER_MAGIC && read_ext4_uuid(fd, uuid)) return true;  // not ext2, which has the same number
  if (type == XFS_SUPER_MAGIC && read_xfs_uuid(fd, uuid)) return true;
  return ::ioctl(fd, get_fs_uuid, &uuid) == 0 && uuid.length == 16;
}

// The subvolume that fd lies in: BTRFS_IOC_INO_LOOKUP with treeid 0 answers it (man btrfs-ioctl).
std::uint64_t btrfs_subvolume(int fd) {
  btrfs_ioctl_ino_lookup_args args{};
  args.objectid = first_subvolume_object;
  return ::ioctl(fd, BTRFS_IOC_INO_LOOKUP, &args) == 0 ? args.treeid : 0;
}

Timestamp read_clock(clockid_t clock) {
  timespec now{};
  check(::clock_gettime(clock, &now), "clock_gettime");
  return {now.tv_sec, static_cast<std::uint32_t>(now.tv_nsec)};
}

}  // namespace

FsId fs_id(int fd) {
  struct statfs fs {};
  check(::fstatfs(fd, &fs), "statfs");
  FsId id;
  if (fs.f_type == BTRFS_SUPER_MAGIC) id.subvolume = btrfs_subvolume(fd);
  FsUuid uuid{};
  if (read_uuid(fd, static_cast<long>(fs.f_type), uuid)) {
    id.uuid_high = big_endian(uuid.bytes);
    id.uuid_low = big_endian(uuid.bytes + 8);
  }
  // None told, or one that was never set (mkfs -U clear): the kernel's own number for it.
  if (id.uuid_high == 0 && id.uuid_low == 0) id.uuid_low = std::bit_cast<std::uint64_t>(fs.f_fsid);
  return id;
}

std::string to_string(const FsId& fs) {
  char text[64];
  const auto high = fs.uuid_high, low = fs.uuid_low;
  std::snprintf(text, sizeof text, "%08x-%04x-%04x-%04x-%012llx", static_cast<unsigned>(high >> 32),
                static_cast<unsigned>(high >> 16 & 0xffff), static_cast<unsigned>(high & 0xffff),
                static_cast<unsigned>(low >> 48), static_cast<unsigned long long>(low & 0xffffffffffff));
  return fs.subvolume == 0 ? text : std::string(text) + "/" + std::to_string(fs.subvolume);
}

bool Inode::is_regular() const { return S_ISREG(mode); }
bool Inode::is_directory() const { return S_ISDIR(mode); }
bool Inode::is_symlink() const { return S_ISLNK(mode); }

Inode stat_fd(int fd) {
  struct statx st {};
  check(::statx(fd, "", AT_EMPTY_PATH, wanted, &st), "statx");
  return from_statx(st);
}

std::optional<Inode> stat_name(int dir, const char* leaf) {
  struct statx st {};
  if (::statx(dir, leaf, what_is_known, wanted, &st) == 0) return from_statx(st);
  if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
  if (errno == EACCES && is_mount_point(dir, leaf)) errno = EXDEV;
  throw_errno("statx", leaf);
}

void set_times(int fd, std::optional<Timestamp> atime, Timestamp mtime) {
  timespec times[2] = {{0, UTIME_OMIT}, {mtime.sec, mtime.nsec}};
  if (atime) times[0] = {atime->sec, atime->nsec};
  check(::utimensat(fd, "", times, AT_EMPTY_PATH), "utimensat");
}

void touch(int fd) {
  const timespec times[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
  check(::utimensat(fd, "", times, AT_EMPTY_PATH), "utimensat");
}

Timestamp access_time(int fd) {
  struct statx st {};
  check(::statx(fd, "", AT_EMPTY_PATH, STATX_ATIME, &st), "statx");
  return {st.stx_atime.tv_sec, st.stx_atime.tv_nsec};
}

void set_owner_and_mode(int fd, std::uint32_t uid, std::uint32_t gid, std::uint32_t mode) {
  check(::fchown(fd, uid, gid), "fchown");
  check(::fchmod(fd, mode & 07777), "fchmod");
}

Timestamp clock_now() { return read_clock(CLOCK_REALTIME); }

}  // namespace vunify
