// SPDX-License-Identifier: GPL-2.0
/* Each call that breaks the link, and those by descriptor, which are refused. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

#include "cowtest.h"

#define FCHMODAT2 452
#define EXT4_IOC_MIGRATE _IO('f', 9)
#define ACL "system.posix_acl_access"

/* user::rwx user:7:r-- group::r-x mask::r-x other::--x, as setfacl(1) stores it */
static const unsigned char acl[] = {2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 2, 0, 4, 0, 7, 0, 0, 0,
				    4, 0, 5, 0, 255, 255, 255, 255, 16, 0, 5, 0, 255, 255, 255, 255,
				    32, 0, 1, 0, 255, 255, 255, 255};

/* Opens it, and writes what the other name must not get. */
static int write_by(int flags)
{
	int fd = open("a/f", flags, 0600);
	int result = fd < 0 || write(fd, "MINE", 4) != 4 ? -1 : 0;

	close(fd);
	return result;
}

static int o_wronly(void) { return write_by(O_WRONLY); }
static int o_rdwr(void) { return write_by(O_RDWR); }
static int o_append(void) { return write_by(O_WRONLY | O_APPEND); }
static int o_creat(void) { return write_by(O_WRONLY | O_CREAT); }
static int o_trunc(void) { return write_by(O_WRONLY | O_TRUNC); }
static int o_trunc_alone(void) { return close(open("a/f", O_RDONLY | O_TRUNC)) || stat_of("a/f").st_size; }
static int by_creat(void) { return close(creat("a/f", 0600)) || stat_of("a/f").st_size; }
static int by_truncate(void) { return truncate("a/f", 3) || stat_of("a/f").st_size != 3; }
static int by_longer_truncate(void) { return truncate("a/f", 70000) || stat_of("a/f").st_size != 70000; }
static int by_chmod(void) { return chmod("a/f", 0600) || (stat_of("a/f").st_mode & 07777) != 0600; }
static int by_fchmodat(void) { return fchmodat(AT_FDCWD, "a/f", 0600, 0); }
static int by_fchmodat2(void) { return syscall(FCHMODAT2, AT_FDCWD, "a/f", 0600, AT_SYMLINK_NOFOLLOW); }
static int by_chown(void) { return chown("a/f", 7, 8) || stat_of("a/f").st_uid != 7; }
static int by_lchown(void) { return lchown("a/f", 7, 8) || stat_of("a/f").st_gid != 8; }
static int by_fchownat(void) { return fchownat(AT_FDCWD, "a/f", 7, 8, AT_SYMLINK_NOFOLLOW); }
static int by_utime(void) { return utime("a/f", NULL); }
static int by_utimes(void) { return utimes("a/f", NULL) || stat_of("a/f").st_mtime == 2000000; }
static int by_futimesat(void) { return futimesat(AT_FDCWD, "a/f", NULL); }
static int by_setxattr(void) { return setxattr("a/f", "trusted.new", "1", 1, 0); }
static int by_lsetxattr(void) { return lsetxattr("a/f", "trusted.new", "1", 1, 0); }
static int by_removexattr(void) { return removexattr("a/f", "trusted.t"); }
static int by_lremovexattr(void) { return lremovexattr("a/f", "trusted.t"); }
static int by_set_acl(void) { return setxattr("a/f", ACL, acl, sizeof(acl), 0); }
static int by_remove_acl(void) { return removexattr("a/f", ACL); }

static int by_utimensat(void)
{
	struct timespec times[2] = {{3, 4}, {5, 6}};

	return utimensat(AT_FDCWD, "a/f", times, 0) || stat_of("a/f").st_mtim.tv_nsec != 6;
}

/* A symbolic link names the file too. */
static int by_symlink(void)
{
	int result;

	unlink("a/s");
	result = symlink("f", "a/s") || truncate("a/s", 3);
	unlink("a/s");
	return result;
}

/* A descriptor that cannot do anything by itself stands for the name that it was opened by. */
static int by_empty_path(void)
{
	int fd = open("a/f", O_PATH);
	int result = fchownat(fd, "", 7, 8, AT_EMPTY_PATH);

	close(fd);
	return result;
}

static int by_proc_self_fd(void)
{
	int fd = open("a/f", O_RDONLY);
	char path[32] = "/proc/self/fd/";
	int result;

	path[14] = '0' + fd;
	result = fd > 9 ? -1 : close(open(path, O_WRONLY));
	close(fd);
	return result;
}

static enum answer descriptors_are_refused(void)
{
	struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
	bool holds;
	int fd;

	share();
	fd = open("a/f", O_RDONLY);
	holds = refused(fchmod(fd, 0600), EPERM) && refused(fchown(fd, 5, 5), EPERM) &&
		refused(fchown(fd, -1, -1), EPERM) && /* ends setuid */
		refused(futimens(fd, NULL), EPERM) && refused(futimens(fd, now), EPERM) &&
		refused(fsetxattr(fd, "trusted.new", "1", 1, 0), EPERM) &&
		refused(fremovexattr(fd, "trusted.t"), EPERM) && refused(ftruncate(fd, 3), EINVAL) && is_shared();
	close(fd);
	return holds;
}

/* Of ext4 only; without checksums of metadata it changes both. */
static enum answer inode_of_ext4_is_left_alone(void)
{
	long generation = 7;
	bool holds;
	int fd;

	share();
	fd = open("a/f", O_RDONLY);
	if (ioctl(fd, FS_IOC_GETVERSION, &generation)) {
		close(fd);
		return SKIPPED;
	}
	holds = refused(ioctl(fd, FS_IOC_SETVERSION, &generation), EPERM) && refused(ioctl(fd, EXT4_IOC_MIGRATE), EPERM);
	close(fd);
	return holds && is_shared();
}

static enum answer reading_leaves_it_shared(void)
{
	share();
	return holds_text("a/f", CONTENT) && getxattr("a/f", "trusted.t", NULL, 0) == 2 && !access("a/f", R_OK | X_OK) &&
	       is_shared();
}

static enum answer excl_leaves_it_shared(void)
{
	share();
	return refused(open("a/f", O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST) && is_shared();
}

const struct check trigger_checks[] = {
	{"OpenForWritingBreaks", .change = o_wronly},
	{"OpenForBothBreaks", .change = o_rdwr},
	{"OpenForAppendingBreaks", .change = o_append},
	{"OpenWithCreateBreaks", .change = o_creat},
	{"OpenWithTruncateBreaks", .change = o_trunc},
	{"OpenForReadingWithTruncateBreaks", .change = o_trunc_alone},
	{"CreatBreaks", .change = by_creat},
	{"TruncateBreaks", .change = by_truncate},
	{"TruncateToMoreBreaks", .change = by_longer_truncate},
	{"ChmodBreaks", .change = by_chmod},
	{"FchmodatBreaks", .change = by_fchmodat},
	{"Fchmodat2Breaks", .change = by_fchmodat2},
	{"ChownBreaks", .change = by_chown},
	{"LchownBreaks", .change = by_lchown},
	{"FchownatBreaks", .change = by_fchownat},
	{"UtimeBreaks", .change = by_utime},
	{"UtimesBreaks", .change = by_utimes},
	{"FutimesatBreaks", .change = by_futimesat},
	{"UtimensatBreaks", .change = by_utimensat},
	{"SetxattrBreaks", .change = by_setxattr},
	{"LsetxattrBreaks", .change = by_lsetxattr},
	{"RemovexattrBreaks", .change = by_removexattr},
	{"LremovexattrBreaks", .change = by_lremovexattr},
	{"SetAclBreaks", .change = by_set_acl},
	{"RemoveAclBreaks", .change = by_remove_acl},
	{"SymlinkBreaks", .change = by_symlink},
	{"EmptyPathBreaks", .change = by_empty_path},
	{"ProcSelfFdBreaks", .change = by_proc_self_fd},
	{"DescriptorsAreRefused", descriptors_are_refused},
	{"InodeOfExt4IsLeftAlone", inode_of_ext4_is_left_alone},
	{"ReadingLeavesItShared", reading_leaves_it_shared},
	{"ExclusiveCreateLeavesItShared", excl_leaves_it_shared},
	{},
};
