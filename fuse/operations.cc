// SPDX-License-Identifier: Apache-2.0
#include "fuse/operations.h"

#include "fuse/requests.h"

namespace vunify {
namespace {

// Not wanted: a cache of writes in the kernel (it would take passthrough away), splicing, which our hooks do not see,
// directories shown in part only, and pages dropped when a time changed, for nobody else changes the files.
constexpr unsigned unwanted = FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
                              FUSE_CAP_SPLICE_MOVE | FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_AUTO_INVAL_DATA |
                              FUSE_CAP_HANDLE_KILLPRIV | FUSE_CAP_EXPORT_SUPPORT | FUSE_CAP_FLOCK_LOCKS |
                              FUSE_CAP_POSIX_LOCKS;
constexpr unsigned wanted_of_libfuse = FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_DONT_MASK | FUSE_CAP_POSIX_ACL |
                                       FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_READDIRPLUS | FUSE_CAP_ASYNC_READ |
                                       FUSE_CAP_ASYNC_DIO | FUSE_CAP_IOCTL_DIR | FUSE_CAP_EXPLICIT_INVAL_DATA;

void agree(void*, fuse_conn_info* connection) {
  connection->want = ((connection->want & ~unwanted) | wanted_of_libfuse) & connection->capable;
  connection->time_gran = 1;
  connection->max_write = most_written;
}

}  // namespace

fuse_lowlevel_ops operations() {
  fuse_lowlevel_ops all{};
  all.init = agree;
  all.lookup = serve_lookup;
  all.forget = serve_forget;
  all.forget_multi = serve_forget_multi;
  all.getattr = serve_getattr;
  all.setattr = serve_setattr;
  all.readlink = serve_readlink;
  all.create = serve_create;
  all.mkdir = serve_mkdir;
  all.mknod = serve_mknod;
  all.symlink = serve_symlink;
  all.link = serve_link;
  all.unlink = serve_unlink;
  all.rmdir = serve_rmdir;
  all.rename = serve_rename;
  all.open = serve_open;
  all.release = serve_release;
  all.read = serve_read;
  all.write = serve_write;
  all.fsync = serve_fsync;
  all.fallocate = serve_fallocate;
  all.lseek = serve_lseek;
  all.copy_file_range = serve_copy_file_range;
  all.opendir = serve_opendir;
  all.readdir = serve_readdir;
  all.readdirplus = serve_readdirplus;
  all.fsyncdir = serve_fsyncdir;
  all.getxattr = serve_getxattr;
  all.listxattr = serve_listxattr;
  all.setxattr = serve_setxattr;
  all.removexattr = serve_removexattr;
  all.ioctl = serve_ioctl;
  all.statfs = serve_statfs;
  return all;
}

}  // namespace vunify
