// SPDX-License-Identifier: GPL-2.0
/*
 * The guard: refuses whatever would change an inode that is in its map, whoever asks, root included. Reading, linking,
 * renaming and removing names stay as they are, so that package managers, which replace and never write, notice nothing.
 *
 * vunify takes an inode out of the map for the moment in which it changes it itself (change/protection). An inode that
 * dies takes its entry along; see vunify_guard_key for one that is given its number meanwhile.
 *
 * What was opened for writing before is not looked at: file_permission would be asked for every read, too. Whoever puts
 * an inode into the map holds a read lease on it, and asks for that once more: who was earlier is counted as a writer.
 *
 * Of the kernel's structures only what is needed is told, and found by name (CO-RE): one object runs on all kernels.
 * What a kernel has no hook for is not loaded there (sys/guard_programs.cc), which goes by the names of the sections.
 */
#include <linux/bpf.h>
#include <linux/errno.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "guard.h"

#define KERNEL __attribute__((preserve_access_index))

struct super_block {
	__u32 s_dev;
} KERNEL;

struct inode {
	unsigned short i_mode;
	struct super_block *i_sb;
	unsigned long i_ino;
	const unsigned int i_nlink;
	__u32 i_generation;
} KERNEL;

struct file {
	unsigned int f_mode;
	struct inode *f_inode;
} KERNEL;

struct dentry {
	struct inode *d_inode;
} KERNEL;

/* include/linux/fs.h, include/uapi/linux/stat.h */
#define FMODE_WRITE	0x2
#define S_IFMT		0170000
#define S_IFREG		0100000

/* include/uapi/linux/fs.h, fsverity.h, fs/ext4/ext4.h; those of 32-bit programs are smaller by their argument */
#define FS_IOC_SETFLAGS		0x40086602
#define FS_IOC32_SETFLAGS	0x40046602
#define FS_IOC_SETVERSION	0x40087602
#define FS_IOC32_SETVERSION	0x40047602
#define FS_IOC_FSSETXATTR	0x401c5820
#define FS_IOC_ENABLE_VERITY	0x40806685
#define EXT4_IOC_SETVERSION_OLD	0x40086604
#define EXT4_IOC32_SETVERSION_OLD 0x40046604
#define EXT4_IOC_MIGRATE	0x6609
#define EXT4_IOC_SWAP_BOOT	0x6611

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 20);
	__type(key, struct vunify_guard_key);
	__type(value, __u8);
} inodes SEC(".maps");

static __always_inline void name_inode(struct vunify_guard_key *key, struct inode *inode)
{
	key->ino = inode->i_ino;
	key->dev = inode->i_sb->s_dev;
	key->generation = inode->i_generation;
}

/* -EPERM for what is kept, 0 for all else. */
static __always_inline int verdict(struct inode *inode)
{
	struct vunify_guard_key key;

	if ((inode->i_mode & S_IFMT) != S_IFREG)
		return 0;
	name_inode(&key, inode);
	return bpf_map_lookup_elem(&inodes, &key) ? -EPERM : 0;
}

static __always_inline int verdict_of_ioctl(struct file *file, unsigned int command)
{
	switch (command) {
	case FS_IOC_SETFLAGS:
	case FS_IOC32_SETFLAGS:
	case FS_IOC_SETVERSION:		/* would be another key */
	case FS_IOC32_SETVERSION:
	case FS_IOC_FSSETXATTR:
	case FS_IOC_ENABLE_VERITY:
	case EXT4_IOC_SETVERSION_OLD:
	case EXT4_IOC32_SETVERSION_OLD:
	case EXT4_IOC_MIGRATE:
	case EXT4_IOC_SWAP_BOOT:
		return verdict(file->f_inode);
	}
	return 0;
}

/* As writers are counted before this is asked, none comes between it and the lease. */
SEC("lsm/file_open")
int BPF_PROG(file_open, struct file *file)
{
	return file->f_mode & FMODE_WRITE ? verdict(file->f_inode) : 0;
}

/* Also O_TRUNC and truncate(2). */
SEC("lsm/inode_setattr")
int BPF_PROG(inode_setattr, void *idmap, struct dentry *dentry)
{
	return verdict(dentry->d_inode);
}

/* The same, without an idmap: before Linux 6.9. */
SEC("lsm/inode_setattr")
int BPF_PROG(inode_setattr_old, struct dentry *dentry)
{
	return verdict(dentry->d_inode);
}

SEC("lsm/inode_setxattr")
int BPF_PROG(inode_setxattr, void *idmap, struct dentry *dentry)
{
	return verdict(dentry->d_inode);
}

SEC("lsm/inode_removexattr")
int BPF_PROG(inode_removexattr, void *idmap, struct dentry *dentry)
{
	return verdict(dentry->d_inode);
}

/* Linux 6.2; before, these are extended attributes like others. */
SEC("lsm/inode_set_acl")
int BPF_PROG(inode_set_acl, void *idmap, struct dentry *dentry)
{
	return verdict(dentry->d_inode);
}

SEC("lsm/inode_remove_acl")
int BPF_PROG(inode_remove_acl, void *idmap, struct dentry *dentry)
{
	return verdict(dentry->d_inode);
}

SEC("lsm/file_ioctl")
int BPF_PROG(file_ioctl, struct file *file, unsigned int command)
{
	return verdict_of_ioctl(file, command);
}

/* Linux 6.8; before, the other is asked. */
SEC("lsm/file_ioctl_compat")
int BPF_PROG(file_ioctl_compat, struct file *file, unsigned int command)
{
	return verdict_of_ioctl(file, command);
}

/* Linux 6.17: file_setattr(2), and what of the two ioctls above comes by other ways. */
SEC("lsm/inode_file_setattr")
int BPF_PROG(inode_file_setattr, struct dentry *dentry)
{
	return verdict(dentry->d_inode);
}

/* Every inode that leaves memory comes by; one without a name left is gone for good. */
SEC("lsm/inode_free_security")
int BPF_PROG(inode_free_security, struct inode *inode)
{
	struct vunify_guard_key key;

	if (inode->i_nlink || (inode->i_mode & S_IFMT) != S_IFREG)
		return 0;
	name_inode(&key, inode);
	bpf_map_delete_elem(&inodes, &key);
	return 0;
}
