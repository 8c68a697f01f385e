/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* What the kernel patch and the programs outside it agree on: flag bits and attribute names. Plain C, no includes. */
#ifndef VUNIFY_COWLINK_H
#define VUNIFY_COWLINK_H

/*
 * Inode flag, set with FS_IOC_SETFLAGS. With FS_IMMUTABLE_FL beside it: writes are refused or break the link, names may
 * be added and removed. The bit is Linux-VServer's (FS_IXUNLINK_FL); mainline gives it no meaning, and a kernel without
 * the patch refuses to set it.
 */
#define FS_IUNLINK_FL 0x08000000

/* Extended attribute on a shared inode: see sys/mark.h for its value. */
#define VUNIFY_MARK_XATTR "trusted.vunify"

#endif
