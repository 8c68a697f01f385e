// SPDX-License-Identifier: GPL-2.0
/*
 * Copy-on-write hard links.
 *
 * A regular file with S_IMMUTABLE and S_IUNLINK is never modified in place, but
 * its names may come and go.  Who wants to modify it through a name, and may but
 * for the immutable flag, first gets the name an inode of its own: an O_TMPFILE
 * copy in the same directory, linked under a scratch name and renamed over the
 * name, both under the directory's lock.  Of the last name the inode is thawed,
 * if nobody else holds it.
 *
 * Nothing is locked on entry.  Write access to the mount is taken twice, to make
 * the copy's inode and to link it in; never around the copying of data, which
 * takes it itself, and would wait for a freeze that waits for us.
 *
 * The scratch name carries S_IUNLINK without S_IMMUTABLE, which no guest can
 * set: by that the next break in the directory knows what a crash left there.
 */
#include <linux/cowlink.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/filelock.h>
#include <linux/fs_struct.h>
#include <linux/init_task.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/pagemap.h>
#include <linux/pid_namespace.h>
#include <linux/posix_acl.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/security.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <linux/xattr.h>
#include "internal.h"

#define FROZEN_FL	(FS_IMMUTABLE_FL | FS_IUNLINK_FL)

/* What chattr(1) set on the file, and any filesystem can set on the copy */
#define KEPT_FL		(FS_SYNC_FL | FS_NODUMP_FL | FS_NOATIME_FL)

/* Scratch names to try, where guests have made files of that name, before one by chance */
#define SCRATCH_NAMES	10

/*
 * Who makes the copy: the file's owner, so that it is charged to him, whoever
 * broke the link.  Without CAP_SYS_RESOURCE, so quotas and reserved blocks hold.
 */
static struct cred *owner_cred(const struct inode *inode)
{
	struct cred *cred = prepare_kernel_cred(&init_task);

	if (!cred)
		return NULL;
	cred->fsuid = inode->i_uid;
	cred->fsgid = inode->i_gid;
	cap_clear(cred->cap_effective);
	cap_raise(cred->cap_effective, CAP_CHOWN);
	cap_raise(cred->cap_effective, CAP_DAC_OVERRIDE);
	cap_raise(cred->cap_effective, CAP_DAC_READ_SEARCH);
	cap_raise(cred->cap_effective, CAP_FOWNER);
	cap_raise(cred->cap_effective, CAP_FSETID);
	cap_raise(cred->cap_effective, CAP_SETFCAP);
	cap_raise(cred->cap_effective, CAP_SYS_ADMIN);	/* trusted.* */
	return cred;
}

/* inode_permission() of a shared inode, but for the immutable flag */
int __cowlink_access(struct mnt_idmap *idmap, struct inode *inode, int mode)
{
	int err;

	if (mode & MAY_WRITE && sb_rdonly(inode->i_sb))
		return -EROFS;
	if (mode & MAY_WRITE && HAS_UNMAPPED_ID(idmap, inode))
		return -EACCES;
	if (inode->i_op->permission)
		err = inode->i_op->permission(idmap, inode, mode);
	else
		err = generic_permission(idmap, inode, mode);
	return err ?: security_inode_permission(inode, mode);
}

/* The call itself looks again: who may write can break a link, and no more. */
static int may_break(const struct path *path, enum cowlink_why why)
{
	struct mnt_idmap *idmap = mnt_idmap(path->mnt);
	struct inode *inode = d_backing_inode(path->dentry);

	switch (why) {
	case COWLINK_CHOWN:
		if (capable_wrt_inode_uidgid(idmap, inode, CAP_CHOWN))
			return 0;
		fallthrough;
	case COWLINK_CHMOD:
		return inode_owner_or_capable(idmap, inode) ? 0 : -EPERM;
	case COWLINK_TOUCH:
		if (inode_owner_or_capable(idmap, inode))
			return 0;
		fallthrough;
	default:
		return __cowlink_access(idmap, inode, MAY_WRITE);
	}
}

/* New files of the directory may have a project of their own, as ext4 has it. */
static int fileattr_in(struct dentry *parent, struct dentry *dentry,
		       struct fileattr *fa)
{
	struct fileattr dir = {};
	int err;

	err = vfs_fileattr_get(parent, &dir);
	if (!err)
		err = vfs_fileattr_get(dentry, fa);
	if (!err && dir.flags & FS_PROJINHERIT_FL)
		fa->fsx_projid = dir.fsx_projid;
	return err;
}

/* Beyond what the caller may do: neither capable() nor IS_IMMUTABLE() is asked. */
static int set_flags(struct dentry *dentry, u32 flags, u32 projid)
{
	struct fileattr fa;

	fileattr_fill_flags(&fa, flags);
	fa.fsx_projid = projid;
	return d_inode(dentry)->i_op->fileattr_set(&nop_mnt_idmap, dentry, &fa);
}

/*
 * Another name, or, behind a name that is gone, a dentry that somebody has open,
 * mapped, mounted or in hand (O_PATH): whoever shared the file must not meet it
 * again when it is its last owner's to write to.
 */
static bool has_others(const struct inode *inode)
{
	return inode->i_nlink > 1 || atomic_read(&inode->i_count) > 1;
}

/* Unless a writer has come by then: as in cowlink_fileattr_set(). */
static void freeze_again(struct dentry *dentry, const struct fileattr *old)
{
	set_flags(dentry, old->flags, old->fsx_projid);
	smp_mb(); /* the flags before the count */
	if (inode_is_open_for_write(d_inode(dentry)))
		set_flags(dentry, old->flags & ~FROZEN_FL, old->fsx_projid);
}

/* Whole or not at all: where the directory's project is full, it stays frozen. */
static int thaw_locked(struct dentry *parent, struct dentry *dentry)
{
	struct fileattr old = {}, new = {};
	int err;

	err = vfs_fileattr_get(dentry, &old);
	if (!err)
		err = fileattr_in(parent, dentry, &new);
	if (err)
		return err;
	err = set_flags(dentry, old.flags & ~FROZEN_FL, new.fsx_projid);
	if (err)
		freeze_again(dentry, &old);
	else /* without the flags nobody trusts one that stays */
		__vfs_removexattr_locked(&nop_mnt_idmap, dentry,
					 VUNIFY_MARK_XATTR, NULL);
	return err;
}

/* The last name: the inode becomes an ordinary file, and the mark is taken off. */
static int thaw(const struct path *path)
{
	struct inode *inode = d_inode(path->dentry);
	struct dentry *parent;
	int err;

	err = mnt_want_write(path->mnt);
	if (err)
		return err;
	inode_lock(inode);
	parent = dget_parent(path->dentry);
	if (IS_BARRIER(d_inode(parent)))
		err = -ESTALE;
	else if (d_unlinked(path->dentry) || has_others(inode))
		err = -EAGAIN;
	else if (IS_COWLINK(inode))
		err = thaw_locked(parent, path->dentry);
	dput(parent);
	inode_unlock(inode);
	mnt_drop_write(path->mnt);
	return err;
}

static int copy_range(struct file *in, struct file *out, loff_t pos, loff_t end)
{
	while (pos < end) {
		ssize_t n;

		if (fatal_signal_pending(current))
			return -EINTR;
		n = vfs_copy_file_range(in, pos, out, pos,
					min_t(loff_t, end - pos, SZ_4M), 0);
		if (n <= 0)
			return n ?: -EIO;
		pos += n;
		cond_resched();
	}
	return 0;
}

static int copy_data(struct file *in, struct file *out)
{
	loff_t size = i_size_read(file_inode(in));
	loff_t data = 0, hole = 0;
	int err;

	if (vfs_clone_file_range(in, 0, out, 0, 0, 0) >= 0)
		return 0;
	while (hole < size) {
		data = vfs_llseek(in, hole, SEEK_DATA);
		if (data == -ENXIO)
			break;
		if (data < 0)
			return data;
		hole = vfs_llseek(in, data, SEEK_HOLE);
		if (hole < 0)
			return hole;
		err = copy_range(in, out, data, hole);
		if (err)
			return err;
	}
	return hole == size ? 0 : vfs_truncate(&out->f_path, size);
}

/* Also takes away what a default ACL of the directory has put there. */
static int copy_acl(struct dentry *from, struct dentry *to)
{
	struct posix_acl *acl;
	int err;

	if (!IS_POSIXACL(d_inode(from)))
		return 0;
	acl = get_inode_acl(d_inode(from), ACL_TYPE_ACCESS);
	if (IS_ERR(acl))
		return PTR_ERR(acl);
	inode_lock(d_inode(to));
	err = set_posix_acl(&nop_mnt_idmap, to, ACL_TYPE_ACCESS, acl);
	inode_unlock(d_inode(to));
	posix_acl_release(acl);
	return err;
}

/* ACLs go their own way; the others tell of the inode that they are on. */
static bool is_copied(const char *xattr)
{
	return strncmp(xattr, XATTR_SYSTEM_PREFIX, XATTR_SYSTEM_PREFIX_LEN) &&
	       strcmp(xattr, XATTR_NAME_EVM) &&
	       strcmp(xattr, VUNIFY_MARK_XATTR);
}

static int copy_xattr(struct dentry *from, struct dentry *to, const char *name,
		      void *value)
{
	ssize_t n = vfs_getxattr(&nop_mnt_idmap, from, name, value,
				 XATTR_SIZE_MAX);

	if (n < 0)
		return n;
	return vfs_setxattr(&nop_mnt_idmap, to, name, value, n, 0);
}

static int copy_xattrs(struct dentry *from, struct dentry *to)
{
	ssize_t len = vfs_listxattr(from, NULL, 0);
	char *list, *name;
	void *value;
	int err = 0;

	if (len <= 0)
		return len == -EOPNOTSUPP ? 0 : len;
	list = kvmalloc(len, GFP_KERNEL);
	value = kvmalloc(XATTR_SIZE_MAX, GFP_KERNEL);
	if (list && value)
		len = vfs_listxattr(from, list, len);
	else
		len = -ENOMEM;
	if (len < 0)
		err = len;
	for (name = list; !err && name < list + len; name += strlen(name) + 1)
		if (is_copied(name))
			err = copy_xattr(from, to, name, value);
	kvfree(value);
	kvfree(list);
	return err;
}

static int copy_attr(struct dentry *to, const struct inode *from,
		     unsigned int valid)
{
	struct iattr attr = {
		.ia_valid = valid | ATTR_CTIME,
		.ia_mode = from->i_mode,
		.ia_uid = from->i_uid,
		.ia_gid = from->i_gid,
		.ia_atime = inode_get_atime(from),
		.ia_mtime = inode_get_mtime(from),
	};
	int err;

	inode_lock(d_inode(to));
	err = notify_change(&nop_mnt_idmap, to, &attr, NULL);
	inode_unlock(d_inode(to));
	return err;
}

/* Flags and project, and what tells a scratch name. */
static int copy_flags(struct dentry *parent, struct dentry *from,
		      struct dentry *to)
{
	struct fileattr old = {}, new = {};
	int err;

	err = fileattr_in(parent, from, &old);
	if (!err)
		err = vfs_fileattr_get(to, &new);
	if (err)
		return err;
	inode_lock(d_inode(to));
	err = set_flags(to, new.flags | (old.flags & KEPT_FL) | FS_IUNLINK_FL,
			old.fsx_projid);
	inode_unlock(d_inode(to));
	return err;
}

static int copy_metadata(struct dentry *parent, struct dentry *from,
			 struct dentry *to)
{
	struct inode *inode = d_inode(from);
	int err;

	err = copy_attr(to, inode, ATTR_UID | ATTR_GID);
	if (!err)
		err = copy_acl(from, to);
	if (!err)
		err = copy_xattrs(from, to);
	if (!err)
		err = copy_flags(parent, from, to);
	if (!err)
		err = copy_attr(to, inode, ATTR_MODE |
				ATTR_ATIME | ATTR_ATIME_SET |
				ATTR_MTIME | ATTR_MTIME_SET);
	return err;
}

/* The copy has its name: an ordinary file, unless somebody has frozen it since. */
static void drop_scratch_flag(struct dentry *dentry)
{
	struct fileattr fa = {};

	inode_lock(d_inode(dentry));
	if (!IS_IMMUTABLE(d_inode(dentry)) && !vfs_fileattr_get(dentry, &fa))
		set_flags(dentry, fa.flags & ~FS_IUNLINK_FL, fa.fsx_projid);
	inode_unlock(d_inode(dentry));
}

static bool is_leftover(const struct inode *inode)
{
	return S_ISREG(inode->i_mode) && inode->i_nlink == 1 &&
	       inode->i_flags & S_IUNLINK && !IS_IMMUTABLE(inode);
}

/* A negative dentry in the locked directory, after what a crash left there. */
static struct dentry *free_name(struct dentry *parent, const char *name)
{
	struct dentry *dentry = lookup_one_len(name, parent, strlen(name));
	int err = -EEXIST;

	if (IS_ERR(dentry) || d_is_negative(dentry))
		return dentry;
	if (is_leftover(d_inode(dentry)))
		err = vfs_unlink(&nop_mnt_idmap, d_inode(parent), dentry, NULL);
	dput(dentry);
	if (err)
		return ERR_PTR(err);
	return lookup_one_len(name, parent, strlen(name));
}

/* Guests may have files of all names but the last, which nobody can guess. */
static struct dentry *scratch_name(struct dentry *parent)
{
	char name[sizeof(COWLINK_SCRATCH) + 9] = COWLINK_SCRATCH;
	struct dentry *dentry = free_name(parent, name);
	int i;

	for (i = 1; IS_ERR(dentry) && i <= SCRATCH_NAMES; i++) {
		snprintf(name, sizeof(name), COWLINK_SCRATCH ".%x",
			 i < SCRATCH_NAMES ? i : get_random_u32());
		dentry = free_name(parent, name);
	}
	return dentry;
}

static int rename_over(struct dentry *parent, struct dentry *from,
		       struct dentry *over, struct inode **delegated)
{
	struct renamedata rd = {
		.old_mnt_idmap = &nop_mnt_idmap,
		.old_dir = d_inode(parent),
		.old_dentry = from,
		.new_mnt_idmap = &nop_mnt_idmap,
		.new_dir = d_inode(parent),
		.new_dentry = over,
		.delegated_inode = delegated,
	};

	return vfs_rename(&rd);
}

/* Returns the copy's dentry, which has the victim's name now. */
static struct dentry *replace_locked(struct dentry *parent,
				     struct dentry *victim, struct dentry *copy,
				     struct inode **delegated)
{
	struct inode *dir = d_inode(parent);
	struct timespec64 mtime = inode_get_mtime(dir);
	struct dentry *scratch;
	int err;

	if (victim->d_parent != parent || d_unhashed(victim) ||
	    !IS_COWLINK(d_inode(victim)))
		return ERR_PTR(-EAGAIN);
	scratch = scratch_name(parent);
	if (IS_ERR(scratch))
		return scratch;
	err = vfs_link(copy, &nop_mnt_idmap, dir, scratch, NULL);
	if (!err) {
		err = rename_over(parent, scratch, victim, delegated);
		if (err)
			vfs_unlink(&nop_mnt_idmap, dir, scratch, NULL);
	}
	/* A file has changed, not the directory. */
	inode_set_mtime_to_ts(dir, mtime);
	mark_inode_dirty(dir);
	if (!err)
		return scratch;
	dput(scratch);
	return ERR_PTR(err);
}

static struct dentry *replace(struct dentry *parent, struct dentry *victim,
			      struct dentry *copy)
{
	struct inode *delegated = NULL;
	struct dentry *new;

	inode_lock_nested(d_inode(parent), I_MUTEX_PARENT);
	new = replace_locked(parent, victim, copy, &delegated);
	if (!IS_ERR(new))
		drop_scratch_flag(new);
	inode_unlock(d_inode(parent));
	if (delegated) {
		int err = break_deleg_wait(&delegated);

		return ERR_PTR(err ?: -EAGAIN);
	}
	return new;
}

static struct file *open_copy(const struct path *dir)
{
	struct file *file;
	int err;

	err = mnt_want_write(dir->mnt);
	if (err)
		return ERR_PTR(err);
	file = kernel_tmpfile_open(&nop_mnt_idmap, dir, S_IFREG | 0600,
				   O_WRONLY | O_LARGEFILE | __FMODE_NONOTIFY,
				   current_cred());
	mnt_drop_write(dir->mnt);
	return file == ERR_PTR(-EOPNOTSUPP) ? ERR_PTR(-EPERM) : file;
}

static int fill_copy(const struct path *path, struct file *copy)
{
	struct file *in = dentry_open(path, O_RDONLY | O_LARGEFILE | O_NOATIME |
				      __FMODE_NONOTIFY, current_cred());
	int err;

	if (IS_ERR(in))
		return PTR_ERR(in);
	err = copy_data(in, copy);
	fput(in);
	/* blocks for it now, and not under the directory's lock */
	return err ?: filemap_flush(copy->f_mapping);
}

/* The last fput() comes late: until then the copy could not be executed. */
static void end_writing(struct file *copy)
{
	put_write_access(file_inode(copy));
	mnt_put_write_access(copy->f_path.mnt);
	copy->f_mode &= ~FMODE_WRITER;
}

static int give_copy(struct path *path, struct dentry *parent,
		     struct dentry *copy)
{
	struct dentry *new;
	int err;

	err = mnt_want_write(path->mnt);
	if (err)
		return err;
	err = copy_metadata(parent, path->dentry, copy);
	if (!err) {
		new = replace(parent, path->dentry, copy);
		err = PTR_ERR_OR_ZERO(new);
	}
	mnt_drop_write(path->mnt);
	if (err)
		return err;
	dput(path->dentry);
	path->dentry = new;
	return 0;
}

static int split_in(struct path *path, const struct path *dir)
{
	struct file *copy = open_copy(dir);
	int err;

	if (IS_ERR(copy))
		return PTR_ERR(copy);
	err = fill_copy(path, copy);
	if (!err) {
		end_writing(copy);
		err = give_copy(path, dir->dentry, copy->f_path.dentry);
	}
	fput(copy);
	return err;
}

/* What vunify holds in its staging, a barrier, is nobody's: the name leads on. */
static int split(struct path *path)
{
	struct path dir = {
		.mnt = path->mnt,
		.dentry = dget_parent(path->dentry),
	};
	int err = -ESTALE;

	if (!IS_BARRIER(d_inode(dir.dentry)))
		err = split_in(path, &dir);
	dput(dir.dentry);
	return err;
}

static int break_as_owner(struct path *path)
{
	struct inode *inode = d_inode(path->dentry);
	struct cred *cred = owner_cred(inode);
	const struct cred *caller;
	int err;

	if (!cred)
		return -ENOMEM;
	caller = override_creds(cred);
	err = has_others(inode) ? split(path) : thaw(path);
	revert_creds(caller);
	put_cred(cred);
	return err;
}

int __cowlink_break(struct path *path, enum cowlink_why why,
		    unsigned int lookup_flags)
{
	int err, tries = 8;

	do {
		if (!IS_COWLINK(d_inode(path->dentry)))
			return 0;
		/* the root of a (bind) mount has no name to replace */
		if (IS_ROOT(path->dentry) || IS_VERITY(d_inode(path->dentry)) ||
		    (path->dentry == path->mnt->mnt_root &&
		     has_others(d_inode(path->dentry))))
			return -EPERM;
		/* somebody was faster, or this is /proc/self/fd of none */
		if (d_unlinked(path->dentry))
			return lookup_flags & LOOKUP_REVAL ? -EPERM : -ESTALE;
		err = may_break(path, why);
		if (err)
			return err;
		err = break_as_owner(path);
	} while (err == -EAGAIN && --tries);
	return err == -EAGAIN ? -ESTALE : err;
}

/*
 * -EPERM for who is refused for good, -ESTALE for who may but for the flags:
 * they came after his cowlink_break(), and may be gone again by now.  Refused
 * once more, and by no flag of ours, he is believed.
 */
int __cowlink_raced(const struct path *path, enum cowlink_why why,
		    unsigned int lookup_flags)
{
	struct inode *inode = d_backing_inode(path->dentry);

	if (IS_COWLINK(inode))
		return -ESTALE;
	if (IS_IMMUTABLE(inode) || IS_APPEND(inode) ||
	    lookup_flags & LOOKUP_REVAL || may_break(path, why))
		return -EPERM;
	return -ESTALE;
}

/*
 * Setting the flags, while nobody has the file open for writing: he could go on,
 * on tmpfs for one.  An opener counts himself, then looks at the flags again
 * (do_dentry_open()); we set the flags, then count.  One sees the other.
 */
int cowlink_fileattr_set(struct mnt_idmap *idmap, struct dentry *dentry,
			 struct fileattr *old, struct fileattr *fa)
{
	struct inode *inode = d_inode(dentry);
	int err;

	if ((fa->flags & FROZEN_FL) != FROZEN_FL || IS_COWLINK(inode))
		return inode->i_op->fileattr_set(idmap, dentry, fa);
	if (inode_is_open_for_write(inode))
		return -ETXTBSY;
	err = inode->i_op->fileattr_set(idmap, dentry, fa);
	smp_mb(); /* the flags before the count */
	if (err || !inode_is_open_for_write(inode))
		return err;
	inode->i_op->fileattr_set(idmap, dentry, old);
	return -ETXTBSY;
}

static const struct dentry *root_of(struct fs_struct *fs)
{
	const struct dentry *root;

	spin_lock(&fs->lock);
	root = fs->root.dentry;
	spin_unlock(&fs->lock);
	return root;
}

/*
 * Who is a guest: a process whose root directory is not the host's, which is
 * init's, or whose user namespace is not the first.  Roots are told by their
 * dentry: a service of the host with mounts of its own keeps that; whoever was
 * chroot()ed or pivoted away has another.  Called in RCU walk: may not sleep.
 */
bool __cowlink_in_guest(void)
{
	struct task_struct *init = init_pid_ns.child_reaper;
	const struct dentry *host = NULL;

	if (current->flags & PF_KTHREAD)
		return false;
	if (current_user_ns() != &init_user_ns)
		return true;
	task_lock(init);
	if (init->fs)
		host = root_of(init->fs);
	task_unlock(init);
	return !current->fs || root_of(current->fs) != host;
}
