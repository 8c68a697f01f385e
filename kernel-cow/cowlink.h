/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR Apache-2.0 */
/* What the kernel patch and programs agree on: flag bits and names. Plain C. */
#ifndef VUNIFY_COWLINK_H
#define VUNIFY_COWLINK_H

/*
 * Inode flag, set with FS_IOC_SETFLAGS. With FS_IMMUTABLE_FL beside it: writes
 * are refused or break the link, names may be added and removed. The bit is
 * Linux-VServer's (FS_IXUNLINK_FL); mainline gives it no meaning, and a kernel
 * without the patch refuses to set it.
 */
#define FS_IUNLINK_FL 0x08000000

/* Flag of a directory: no guest's process passes it. Linux-VServer's bit too. */
#define FS_BARRIER_FL 0x04000000

/*
 * Both are bits of statx(2)'s stx_attributes, too; its mask has them where the
 * kernel and the filesystem keep them.
 */

/* Extended attribute on a shared inode: see sys/mark.h for its value. */
#define VUNIFY_MARK_XATTR "trusted.vunify"

/*
 * The name that the kernel links a copy under before it is renamed over the
 * shared name; where a guest has taken it, with .1 to .9, then with a number of
 * 32 bits, by chance. Numbers are hexadecimal. Only a crash leaves it behind:
 * FS_IUNLINK_FL without FS_IMMUTABLE_FL, one link, free to remove.
 */
#define COWLINK_SCRATCH ".cowlink"

#endif
