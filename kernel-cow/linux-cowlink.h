/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_COWLINK_H
#define _LINUX_COWLINK_H
/*
 * Shared inodes: immutable, but their names are free (IS_COWLINK()), and the
 * first change through a name gives the name an inode of its own.  Also
 * barriers, directories that no guest passes.
 */
#include <linux/fs.h>
#include <linux/fileattr.h>
#include <linux/path.h>
#include <linux/stat.h>

/* What the caller wants to do, which says who may */
enum cowlink_why {
	COWLINK_WRITE,		/* open for writing, truncate */
	COWLINK_TOUCH,		/* utimes, setxattr, removexattr */
	COWLINK_CHMOD,
	COWLINK_CHOWN,
};

#ifdef CONFIG_FS_COWLINK

#define COWLINK_FL		(FS_IUNLINK_FL | FS_BARRIER_FL)

int __cowlink_break(struct path *path, enum cowlink_why why,
		    unsigned int lookup_flags);
int __cowlink_raced(const struct path *path, enum cowlink_why why,
		    unsigned int lookup_flags);
int __cowlink_access(struct mnt_idmap *idmap, struct inode *inode, int mode);
bool __cowlink_in_guest(void);
int cowlink_fileattr_set(struct mnt_idmap *idmap, struct dentry *dentry,
			 struct fileattr *old, struct fileattr *fa);

#else

#define COWLINK_FL		0

static inline int __cowlink_break(struct path *path, enum cowlink_why why,
				  unsigned int lookup_flags)
{
	return -EPERM;
}

static inline int __cowlink_raced(const struct path *path, enum cowlink_why why,
				  unsigned int lookup_flags)
{
	return -EPERM;
}

static inline int __cowlink_access(struct mnt_idmap *idmap,
				   struct inode *inode, int mode)
{
	return -EPERM;
}

static inline bool __cowlink_in_guest(void)
{
	return false;
}

static inline int cowlink_fileattr_set(struct mnt_idmap *idmap,
				       struct dentry *dentry,
				       struct fileattr *old, struct fileattr *fa)
{
	return d_inode(dentry)->i_op->fileattr_set(idmap, dentry, fa);
}

#endif

/*
 * Before a change by path, with no lock and no mnt_want_write() held.  On success
 * path->dentry may be another one.  -ESTALE wants the path looked up again, with
 * LOOKUP_REVAL in lookup_flags the second time.
 */
static inline int cowlink_break(struct path *path, enum cowlink_why why,
				unsigned int lookup_flags)
{
	if (likely(!IS_COWLINK(d_backing_inode(path->dentry))))
		return 0;
	return __cowlink_break(path, why, lookup_flags);
}

/*
 * What came of the change after that: who was refused because the file has been
 * shared meanwhile, or was for a moment, looks it up again.
 */
static inline int cowlink_raced(const struct path *path, enum cowlink_why why,
				unsigned int lookup_flags, int error)
{
	if (likely(error != -EPERM) || !d_is_reg(path->dentry))
		return error;
	return __cowlink_raced(path, why, lookup_flags);
}

/* Where inode_permission() said @error, maybe because of the flag only */
static inline int cowlink_access(struct mnt_idmap *idmap, struct inode *inode,
				 int mode, int error)
{
	if (error != -EPERM || !IS_COWLINK(inode))
		return error;
	return __cowlink_access(idmap, inode, mode);
}

static inline int cowlink_barrier(const struct inode *inode)
{
	if (likely(!IS_BARRIER(inode)))
		return 0;
	return __cowlink_in_guest() ? -EACCES : 0;
}

/*
 * What makes a file shared or a directory a barrier is for the host to change,
 * and so is all that FS_IOC_SETFLAGS sets of such; a guest may not even with the
 * capability.
 */
static inline bool cowlink_may_set(const struct inode *inode,
				   unsigned int changed)
{
	if (likely(!(changed & COWLINK_FL) && !IS_COWLINK(inode) &&
		   !IS_BARRIER(inode) &&
		   !(changed & FS_IMMUTABLE_FL && inode->i_flags & S_IUNLINK)))
		return true;
	return !__cowlink_in_guest();
}

/* A file is shared, a directory is a barrier, and nothing else is either. */
static inline bool cowlink_flags_fit(const struct inode *inode,
				     unsigned int added)
{
	return !((added & COWLINK_FL & FS_IUNLINK_FL && !S_ISREG(inode->i_mode)) ||
		 (added & COWLINK_FL & FS_BARRIER_FL && !S_ISDIR(inode->i_mode)));
}

static inline unsigned int cowlink_i_flags(unsigned int fsflags)
{
	return (fsflags & FS_IUNLINK_FL ? S_IUNLINK : 0) |
	       (fsflags & FS_BARRIER_FL ? S_BARRIER : 0);
}

/* What statx(2) tells: which of the flags it has, and that they are kept here. */
static inline void cowlink_fill_stat(const struct inode *inode,
				     struct kstat *stat)
{
	if (inode->i_flags & S_IUNLINK)
		stat->attributes |= FS_IUNLINK_FL;
	if (inode->i_flags & S_BARRIER)
		stat->attributes |= FS_BARRIER_FL;
	stat->attributes_mask |= COWLINK_FL;
}

#endif
