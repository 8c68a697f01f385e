// SPDX-License-Identifier: Apache-2.0
// What the kernel asks, one function for each operation, by the file it is in. All may be called by many threads; each
// answers its request once.
#pragma once

#include "fuse/wire.h"

namespace vunify {

// lookup
void serve_lookup(fuse_req_t request, fuse_ino_t parent, const char* name);
void serve_forget(fuse_req_t request, fuse_ino_t id, std::uint64_t lookups);
void serve_forget_multi(fuse_req_t request, std::size_t count, fuse_forget_data* forgets);

// attributes
void serve_getattr(fuse_req_t request, fuse_ino_t id, fuse_file_info* file);
void serve_setattr(fuse_req_t request, fuse_ino_t id, struct stat* wanted, int which, fuse_file_info* file);
void serve_readlink(fuse_req_t request, fuse_ino_t id);

// creation
void serve_create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* file);
void serve_mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode);
void serve_mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, dev_t device);
void serve_symlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name);

// names
void serve_link(fuse_req_t request, fuse_ino_t id, fuse_ino_t parent, const char* name);
void serve_unlink(fuse_req_t request, fuse_ino_t parent, const char* name);
void serve_rmdir(fuse_req_t request, fuse_ino_t parent, const char* name);
void serve_rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent, const char* new_name,
                  unsigned flags);

// files
void serve_open(fuse_req_t request, fuse_ino_t id, fuse_file_info* file);
void serve_release(fuse_req_t request, fuse_ino_t id, fuse_file_info* file);

// data
void serve_read(fuse_req_t request, fuse_ino_t id, std::size_t size, off_t offset, fuse_file_info* file);
void serve_write(fuse_req_t request, fuse_ino_t id, const char* bytes, std::size_t size, off_t offset,
                 fuse_file_info* file);
void serve_fsync(fuse_req_t request, fuse_ino_t id, int data_only, fuse_file_info* file);
void serve_fallocate(fuse_req_t request, fuse_ino_t id, int mode, off_t offset, off_t length, fuse_file_info* file);
void serve_lseek(fuse_req_t request, fuse_ino_t id, off_t offset, int whence, fuse_file_info* file);
void serve_copy_file_range(fuse_req_t request, fuse_ino_t from, off_t from_offset, fuse_file_info* from_file,
                           fuse_ino_t to, off_t to_offset, fuse_file_info* to_file, std::size_t length, int flags);

// directories
void serve_opendir(fuse_req_t request, fuse_ino_t id, fuse_file_info* file);
void serve_readdir(fuse_req_t request, fuse_ino_t id, std::size_t size, off_t place, fuse_file_info* file);
void serve_readdirplus(fuse_req_t request, fuse_ino_t id, std::size_t size, off_t place, fuse_file_info* file);
void serve_fsyncdir(fuse_req_t request, fuse_ino_t id, int data_only, fuse_file_info* file);

// xattrs
void serve_getxattr(fuse_req_t request, fuse_ino_t id, const char* name, std::size_t size);
void serve_listxattr(fuse_req_t request, fuse_ino_t id, std::size_t size);
void serve_setxattr(fuse_req_t request, fuse_ino_t id, const char* name, const char* value, std::size_t size,
                    int flags);
void serve_removexattr(fuse_req_t request, fuse_ino_t id, const char* name);

// ioctl
void serve_ioctl(fuse_req_t request, fuse_ino_t id, unsigned command, void* argument, fuse_file_info* file,
                 unsigned flags, const void* in, std::size_t in_size, std::size_t out_size);

// statfs
void serve_statfs(fuse_req_t request, fuse_ino_t id);

// All of them, and what is agreed upon with the kernel.
fuse_lowlevel_ops operations();

}  // namespace vunify
