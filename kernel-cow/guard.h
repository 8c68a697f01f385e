/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* What the guard (guard.bpf.c) and the programs outside the kernel agree on. Plain C; __u32 and __u64 are the includer's. */
#ifndef VUNIFY_GUARD_H
#define VUNIFY_GUARD_H

/*
 * An inode that the guard keeps. The generation is part of the key: an entry never speaks of a later inode that was
 * given the same number.
 */
struct vunify_guard_key {
	__u64 ino;
	__u32 dev;		/* of the superblock, as the kernel writes it: major << 20 | minor */
	__u32 generation;	/* FS_IOC_GETVERSION */
};

/* Beneath bpffs: a map of that name, and a link a program, named as the program is. */
#define VUNIFY_GUARD_DIRECTORY "/sys/fs/bpf/vunify"
#define VUNIFY_GUARD_MAP "inodes"
/* The program that is on every kernel, pinned last: where it is, all are. */
#define VUNIFY_GUARD_SIGN "file_open"

#endif
