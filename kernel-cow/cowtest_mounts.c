// SPDX-License-Identifier: GPL-2.0
/* Mounts through which a shared inode is seen: read-only, of one file, with owners mapped, an overlay. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cowlink.h"
#include "cowtest.h"

#define FS_NODUMP_FL 0x40 /* linux/fs.h and sys/mount.h are at odds */
#define FS_NOATIME_FL 0x80

bool own_mounts(void)
{
	return !unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static enum answer open_for_writing(void)
{
	int fd = open("a/f", O_WRONLY);

	return fd >= 0 && !close(fd);
}

static enum answer open_is_denied(void)
{
	return refused(open("a/f", O_WRONLY), EACCES) && refused(chmod("a/f", 0777), EPERM);
}

static enum answer through_read_only_mount(void)
{
	if (!own_mounts() || mount("a", "a", NULL, MS_BIND, NULL) ||
	    mount("none", "a", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL))
		return SKIPPED;
	return refused(open("a/f", O_WRONLY), EROFS) && refused(truncate("a/f", 0), EROFS) &&
	       refused(access("a/f", W_OK), EROFS) && refused(chmod("a/f", 0), EROFS);
}

static enum answer read_only_mount_is_respected(void)
{
	enum answer answer;

	share();
	answer = in_child(through_read_only_mount);
	return answer == YES ? is_shared() : answer;
}

/* Bound to a name elsewhere, it has none there to give a copy to. */
static enum answer through_file_mount(void)
{
	put("bound", "");
	if (!own_mounts() ||
	    mount("a/f", "bound", NULL, MS_BIND, NULL))
		return SKIPPED;
	return refused(open("bound", O_WRONLY), EPERM) && refused(chmod("bound", 0), EPERM);
}

/* The last name needs no copy. */
static enum answer thaw_through_file_mount(void)
{
	put("bound", "");
	if (!own_mounts() || mount("a/f", "bound", NULL, MS_BIND, NULL))
		return SKIPPED;
	return !truncate("bound", 3) && stat_of("a/f").st_size == 3 && !(flags_of("a/f") & FROZEN);
}

static enum answer bound_last_name_is_thawed(void)
{
	enum answer answer;

	share();
	unlink("b/f");
	answer = in_child(thaw_through_file_mount);
	unlink("bound");
	return answer;
}

static enum answer bound_file_is_refused(void)
{
	enum answer answer;

	share();
	answer = in_child(through_file_mount);
	unlink("bound");
	return answer == YES ? is_shared() : answer;
}

/* Descriptor of a user namespace that has users 0 to 65535 of the disk as 100000 and on. */
static int mapping_namespace(void)
{
	char path[64];
	int fd, ready[2];
	pid_t child;
	char byte;

	if (pipe(ready))
		return -1;
	child = fork();
	if (!child) {
		if (!unshare(CLONE_NEWUSER))
			write(ready[1], "", 1);
		pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		return -1;
	close(ready[0]);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", child);
	put(path, "0 100000 65536");
	snprintf(path, sizeof(path), "/proc/%d/gid_map", child);
	put(path, "0 100000 65536");
	snprintf(path, sizeof(path), "/proc/%d/ns/user", child);
	fd = open(path, O_RDONLY);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return fd;
}

static enum answer through_mapped_mount(void)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP};
	int mounted, users = mapping_namespace();

	if (users < 0 || !own_mounts())
		return SKIPPED;
	attr.userns_fd = users;
	mounted = open_tree(AT_FDCWD, "a", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (mount_setattr(mounted, "", AT_EMPTY_PATH, &attr, sizeof(attr)) ||
	    move_mount(mounted, "", AT_FDCWD, "a", MOVE_MOUNT_F_EMPTY_PATH))
		return SKIPPED;
	if (stat_of("a/f").st_uid != 101000)
		return NO;
	if (as_user(1000, open_is_denied) != YES || !is_shared())
		return NO;
	return as_user(101000, open_for_writing) == YES && stat_of("a/f").st_uid == 101000;
}

static enum answer mapped_mount_is_respected(void)
{
	enum answer answer;
	struct stat was = share();

	answer = in_child(through_mapped_mount);
	if (answer != YES)
		return answer;
	return is_split() && stat_of("a/f").st_uid == was.st_uid && stat_of("a/f").st_gid == was.st_gid;
}

static bool mount_overlay(void)
{
	mkdir("upper", 0755);
	mkdir("work", 0755);
	mkdir("merged", 0755);
	return own_mounts() &&
	       !mount("overlay", "merged", "overlay", 0, "lowerdir=a,upperdir=upper,workdir=work");
}

/* Mounted anew, the upper inode is read from the disk. */
static enum answer write_in_overlay(void)
{
	if (!mount_overlay())
		return SKIPPED;
	if (truncate("merged/f", 3) || umount2("merged", 0) || !mount_overlay())
		return NO;
	return stat_of("merged/f").st_size == 3 && !truncate("merged/f", 2) && !chmod("merged/f", 0600) &&
	       !access("merged/f", W_OK) && !(flags_of("upper/f") & FROZEN) && !unlink("merged/f") && is_shared();
}

static enum answer change_metadata_in_overlay(void)
{
	if (!mount_overlay())
		return SKIPPED;
	return !chown("merged/f", 7, 8) && !setxattr("merged/f", "trusted.new", "1", 1, 0) && !truncate("merged/f", 3) &&
	       is_shared();
}

static enum answer remove_in_overlay(void)
{
	if (!mount_overlay())
		return SKIPPED;
	return !unlink("merged/f") && refused(access("merged/f", F_OK), ENOENT) && is_shared();
}

static enum answer rename_in_overlay(void)
{
	if (!mount_overlay())
		return SKIPPED;
	return !rename("merged/f", "merged/g") && !link("merged/g", "merged/h") && holds_text("merged/h", CONTENT) &&
	       is_shared();
}

/* As chattr +d does it: what is read is written back. */
static enum answer set_a_flag_in_overlay(void)
{
	if (!mount_overlay())
		return SKIPPED;
	return !(flags_of("merged/f") & FROZEN) && !set_flags("merged/f", flags_of("merged/f") | FS_NODUMP_FL) &&
	       !truncate("merged/f", 3) && !unlink("merged/f") && is_shared();
}

/* No name of it can be given a copy through the overlay: as immutable files are in mainline. */
static enum answer write_above(void)
{
	if (!mount_overlay() || umount2("merged", 0) || link("a/f", "upper/g") || !mount_overlay())
		return SKIPPED;
	return refused(open("merged/g", O_WRONLY), EPERM) && refused(chmod("merged/g", 0600), EPERM) &&
	       refused(access("merged/g", W_OK), EPERM) && holds_text("merged/g", CONTENT) &&
	       !rename("merged/g", "merged/h") && !unlink("merged/h") && is_shared();
}

static enum answer in_overlay(enum answer (*run)(void))
{
	enum answer answer;

	/* With a flag that is copied up, so that flags are looked at there. */
	share();
	unfreeze("a/f");
	if (set_flags("a/f", flags_of("a/f") | FROZEN | FS_NOATIME_FL))
		return NO;
	answer = in_child(run);
	if (system("rm -rf upper work merged"))
		return NO;
	return answer;
}

static enum answer overlay_copies_data_up(void) { return in_overlay(write_in_overlay); }
static enum answer overlay_copies_metadata_up(void) { return in_overlay(change_metadata_in_overlay); }
static enum answer overlay_removes(void) { return in_overlay(remove_in_overlay); }
static enum answer overlay_refuses_what_is_shared_above(void) { return in_overlay(write_above); }
static enum answer overlay_sets_flags(void) { return in_overlay(set_a_flag_in_overlay); }
static enum answer overlay_renames(void) { return in_overlay(rename_in_overlay); }

const struct check mount_checks[] = {
	{"ReadOnlyMountIsRespected", read_only_mount_is_respected},
	{"BoundFileIsRefused", bound_file_is_refused},
	{"BoundLastNameIsThawed", bound_last_name_is_thawed},
	{"MappedMountIsRespected", mapped_mount_is_respected},
	{"OverlayCopiesDataUp", overlay_copies_data_up},
	{"OverlayCopiesMetadataUp", overlay_copies_metadata_up},
	{"OverlayRemoves", overlay_removes},
	{"OverlayRenames", overlay_renames},
	{"OverlaySetsFlags", overlay_sets_flags},
	{"OverlayRefusesWhatIsSharedAbove", overlay_refuses_what_is_shared_above},
	{},
};
