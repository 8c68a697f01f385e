// SPDX-License-Identifier: GPL-2.0
/* What the copy is like that a name gets, and the last name's inode. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cowlink.h"
#include "cowtest.h"

#define ACL "system.posix_acl_"

static const unsigned char acl[] = {2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 2, 0, 6, 0, 7, 0, 0, 0,
				    4, 0, 5, 0, 255, 255, 255, 255, 16, 0, 7, 0, 255, 255, 255, 255,
				    32, 0, 1, 0, 255, 255, 255, 255};

/* cap_net_raw=ep, for a root of 0 */
static const unsigned char capability[20] = {1, 0, 0, 2, 0, 32};

static bool open_for_writing(const char *path)
{
	int fd = open(path, O_WRONLY);

	return fd >= 0 && !close(fd);
}

static enum answer descriptor_is_on_the_copy(void)
{
	struct stat st;
	bool holds;
	int fd;

	share();
	fd = open("a/f", O_WRONLY);
	holds = !fstat(fd, &st) && st.st_ino == stat_of("a/f").st_ino && is_split();
	close(fd);
	return holds && holds_text("a/f", CONTENT);
}

static enum answer owner_mode_and_times_are_kept(void)
{
	struct stat was = share(), is;

	if (!open_for_writing("a/f"))
		return NO;
	is = stat_of("a/f");
	return is.st_mode == was.st_mode && is.st_uid == was.st_uid && is.st_gid == was.st_gid &&
	       is.st_mtime == was.st_mtime && is.st_atime == was.st_atime;
}

static enum answer attributes_are_kept(void)
{
	ssize_t user;

	share();
	user = getxattr("a/f", "user.note", NULL, 0);
	return open_for_writing("a/f") && is_split() && getxattr("a/f", "trusted.t", NULL, 0) == 2 &&
	       getxattr("a/f", "user.note", NULL, 0) == user;
}

/* More than ext4 has room for in an inode. */
static enum answer long_attributes_are_kept(void)
{
	static char value[800];

	share();
	unfreeze("a/f");
	if (setxattr("a/f", "trusted.long", value, sizeof(value), 0) || freeze("a/f"))
		return SKIPPED;
	return open_for_writing("a/f") && is_split() && getxattr("a/f", "trusted.long", NULL, 0) == sizeof(value);
}

static enum answer acl_and_mode_are_kept(void)
{
	struct stat was;

	share();
	unfreeze("a/f");
	if (setxattr("a/f", ACL "access", acl, sizeof(acl), 0) || freeze("a/f"))
		return errno == EOPNOTSUPP ? SKIPPED : NO;
	was = stat_of("b/f");
	return open_for_writing("a/f") && getxattr("a/f", ACL "access", NULL, 0) == sizeof(acl) &&
	       stat_of("a/f").st_mode == was.st_mode;
}

static enum answer default_acl_does_not_leak(void)
{
	bool holds;

	share();
	if (setxattr("a", ACL "default", acl, sizeof(acl), 0))
		return errno == EOPNOTSUPP ? SKIPPED : NO;
	holds = open_for_writing("a/f") && getxattr("a/f", ACL "access", NULL, 0) < 0 && is_split();
	removexattr("a", ACL "default");
	return holds;
}

static enum answer file_capability_is_kept(void)
{
	char found[24];

	share();
	unfreeze("a/f");
	if (setxattr("a/f", "security.capability", capability, sizeof(capability), 0) || freeze("a/f"))
		return errno == EOPNOTSUPP ? SKIPPED : NO;
	return !chmod("a/f", 0700) && getxattr("a/f", "security.capability", found, sizeof(found)) == sizeof(capability) &&
	       !memcmp(found, capability, sizeof(capability));
}

static enum answer mark_is_not_copied(void)
{
	share();
	unfreeze("a/f");
	setxattr("a/f", VUNIFY_MARK_XATTR, "twelve bytes", 12, 0);
	freeze("a/f");
	return open_for_writing("a/f") && getxattr("a/f", VUNIFY_MARK_XATTR, NULL, 0) == -1 &&
	       getxattr("b/f", VUNIFY_MARK_XATTR, NULL, 0) == 12;
}

static enum answer other_flags_are_kept(void)
{
	share();
	unfreeze("a/f");
	if (set_flags("a/f", flags_of("a/f") | FS_NODUMP_FL | FS_NOATIME_FL) || freeze("a/f"))
		return NO;
	return open_for_writing("a/f") && is_split() && (flags_of("a/f") & FS_NODUMP_FL) && (flags_of("a/f") & FS_NOATIME_FL);
}

static enum answer holes_are_kept(void)
{
	const off_t size = 64 << 20;
	char found[4] = "";
	bool holds;
	int fd;

	share();
	unfreeze("a/f");
	fd = open("a/f", O_WRONLY);
	holds = !ftruncate(fd, size + 5000) && pwrite(fd, "mid", 3, 20 << 20) == 3 && pwrite(fd, "tail", 4, size) == 4;
	close(fd);
	freeze("a/f");
	fd = open("a/f", O_RDWR);
	holds = holds && stat_of("a/f").st_size == size + 5000 && stat_of("a/f").st_blocks < 256 &&
		pread(fd, found, 4, size) == 4 && !memcmp(found, "tail", 4) && pread(fd, found, 3, 20 << 20) == 3 &&
		!memcmp(found, "mid", 3);
	close(fd);
	return holds;
}

static enum answer empty_file_is_copied(void)
{
	share();
	unfreeze("a/f");
	truncate("a/f", 0);
	freeze("a/f");
	return open_for_writing("a/f") && stat_of("a/f").st_size == 0 && stat_of("a/f").st_ino != stat_of("b/f").st_ino;
}

static enum answer mapping_writes_the_copy(void)
{
	char *page;
	int fd;

	share();
	fd = open("a/f", O_RDWR);
	page = mmap(NULL, 15, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (page == MAP_FAILED)
		return NO;
	page[0] = 'S';
	munmap(page, 15);
	return holds_text("a/f", "Shared content\n") && is_split();
}

/* A program that runs stays as it is; so no ETXTBSY. */
static enum answer reader_keeps_the_old(void)
{
	char found[16] = "";
	int reader, writer;
	bool holds;

	share();
	reader = open("a/f", O_RDONLY);
	writer = open("a/f", O_WRONLY | O_TRUNC);
	holds = write(writer, "new", 3) == 3 && read(reader, found, 15) == 15 && !memcmp(found, CONTENT, 15);
	close(writer);
	close(reader);
	return holds;
}

static enum answer last_name_is_thawed(void)
{
	struct stat was = share();

	unlink("b/f");
	return open_for_writing("a/f") && stat_of("a/f").st_ino == was.st_ino && !(flags_of("a/f") & FROZEN) &&
	       stat_of("a/f").st_mtime == was.st_mtime;
}

/* By a descriptor that has no name any more, and may be anybody's. */
static enum answer last_name_that_others_hold_is_copied(void)
{
	struct stat was = share();
	char path[32];
	bool holds;
	int kept = open("b/f", O_PATH);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", kept);
	unlink("b/f");
	holds = open_for_writing("a/f") && stat_of("a/f").st_ino != was.st_ino && !(flags_of("a/f") & FROZEN) &&
		refused(open(path, O_RDWR), EPERM) && refused(chmod(path, 0777), EPERM);
	close(kept);
	return holds;
}

static enum answer reader_keeps_the_old_of_a_last_name(void)
{
	char found[16] = "";
	int reader;

	share();
	reader = open("b/f", O_RDONLY);
	unlink("b/f");
	put("a/f", "mine");
	if (read(reader, found, 15) != 15)
		*found = 0;
	close(reader);
	return !memcmp(found, CONTENT, 15) && holds_text("a/f", "mine");
}

static enum answer last_name_loses_the_mark(void)
{
	share();
	unlink("b/f");
	unfreeze("a/f");
	setxattr("a/f", VUNIFY_MARK_XATTR, "twelve bytes", 12, 0);
	freeze("a/f");
	return open_for_writing("a/f") && getxattr("a/f", VUNIFY_MARK_XATTR, NULL, 0) == -1 && !(flags_of("a/f") & FROZEN);
}

static enum answer directory_keeps_its_time(void)
{
	struct timespec old[2] = {{7, 0}, {9, 11}};

	share();
	utimensat(AT_FDCWD, "a", old, 0);
	return open_for_writing("a/f") && is_split() && stat_of("a").st_mtim.tv_sec == 9 && stat_of("a").st_mtim.tv_nsec == 11;
}

static bool set_project(const char *directory, unsigned int project)
{
	struct fsxattr attr;
	int fd = open(directory, O_RDONLY);
	bool done = !ioctl(fd, FS_IOC_FSGETXATTR, &attr);

	attr.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	attr.fsx_projid = project;
	done = done && !ioctl(fd, FS_IOC_FSSETXATTR, &attr);
	close(fd);
	return done;
}

static unsigned int project_of(const char *path)
{
	struct fsxattr attr = {};
	int fd = open(path, O_RDONLY);

	ioctl(fd, FS_IOC_FSGETXATTR, &attr);
	close(fd);
	return attr.fsx_projid;
}

/* A guest's tree is a project: what is shared may be linked there, and the copy is charged to it. */
static enum answer project_is_the_directorys(void)
{
	bool holds;

	share();
	mkdir("p", 0755);
	if (!set_project("p", 42))
		return SKIPPED;
	put("plain", "");
	holds = refused(link("plain", "p/plain"), EXDEV) && !link("b/f", "p/f") && project_of("p/f") == 0 &&
		open_for_writing("p/f") && project_of("p/f") == 42 && is_shared();
	unlink("p/f");
	unlink("a/f");
	holds = holds && !rename("b/f", "p/f") && open_for_writing("p/f") && project_of("p/f") == 42;
	unlink("p/f");
	rmdir("p");
	unlink("plain");
	return holds;
}

const struct check copy_checks[] = {
	{"DescriptorIsOnTheCopy", descriptor_is_on_the_copy},
	{"OwnerModeAndTimesAreKept", owner_mode_and_times_are_kept},
	{"AttributesAreKept", attributes_are_kept},
	{"LongAttributesAreKept", long_attributes_are_kept},
	{"AclAndModeAreKept", acl_and_mode_are_kept},
	{"DefaultAclDoesNotLeak", default_acl_does_not_leak},
	{"FileCapabilityIsKept", file_capability_is_kept},
	{"MarkIsNotCopied", mark_is_not_copied},
	{"OtherFlagsAreKept", other_flags_are_kept},
	{"HolesAreKept", holes_are_kept},
	{"EmptyFileIsCopied", empty_file_is_copied},
	{"MappingWritesTheCopy", mapping_writes_the_copy},
	{"ReaderKeepsTheOld", reader_keeps_the_old},
	{"LastNameIsThawed", last_name_is_thawed},
	{"LastNameThatOthersHoldIsCopied", last_name_that_others_hold_is_copied},
	{"ReaderKeepsTheOldOfALastName", reader_keeps_the_old_of_a_last_name},
	{"LastNameLosesTheMark", last_name_loses_the_mark},
	{"DirectoryKeepsItsTime", directory_keeps_its_time},
	{"ProjectIsTheDirectorys", project_is_the_directorys},
	{},
};
