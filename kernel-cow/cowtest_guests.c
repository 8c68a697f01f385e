// SPDX-License-Identifier: GPL-2.0
/* Who may break a link; and barriers, which no guest passes. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cowlink.h"
#include "cowtest.h"

static enum answer open_for_writing(void)
{
	int fd = open("a/f", O_WRONLY);

	return fd >= 0 && !close(fd);
}

static enum answer open_is_denied(void)
{
	return refused(open("a/f", O_WRONLY), EACCES) && refused(truncate("a/f", 0), EACCES) &&
	       refused(chmod("a/f", 0777), EPERM) && refused(access("a/f", W_OK), EACCES);
}

static enum answer access_is_granted(void)
{
	return !access("a/f", W_OK) && !access("a/f", R_OK | W_OK);
}

static enum answer stranger_breaks_nothing(void)
{
	share();
	return as_user(2000, open_is_denied) == YES && is_shared();
}

static enum answer truncate_is_denied(void)
{
	return refused(open("a/f", O_WRONLY | O_TRUNC | O_NOATIME), EPERM);
}

/* He may write, but not leave the time of reading as it is: nothing is emptied before all was asked. */
static enum answer denied_truncate_empties_nothing(void)
{
	share();
	unfreeze("a/f");
	chmod("a/f", 0666);
	freeze("a/f");
	return as_user(2000, truncate_is_denied) == YES && holds_text("a/f", CONTENT);
}

static enum answer link_is_granted(void)
{
	return !link("a/f", "links/f");
}

/* With protected_hardlinks, who may read and write. */
static enum answer who_may_write_may_link(void)
{
	enum answer answer;

	share();
	unfreeze("a/f");
	chmod("a/f", 0666);
	freeze("a/f");
	put("/proc/sys/fs/protected_hardlinks", "1");
	mkdir("links", 0777);
	chmod("links", 0777);
	answer = as_user(2000, link_is_granted);
	unlink("links/f");
	rmdir("links");
	return answer == YES && is_shared();
}

/* The directory is root's. */
static enum answer owner_breaks_in_anothers_directory(void)
{
	share();
	return as_user(1000, open_for_writing) == YES && is_split() && stat_of("a/f").st_uid == 1000;
}

static enum answer access_tells_of_the_mode(void)
{
	share();
	return as_user(1000, access_is_granted) == YES && access_is_granted() && is_shared();
}

static enum answer immutable_directory_is_respected(void)
{
	bool holds;

	share();
	set_flags("a", flags_of("a") | IMMUTABLE);
	holds = refused(open("a/f", O_WRONLY), EPERM) && is_shared();
	unfreeze("a");
	return holds;
}

static enum answer root_of_a_user_namespace_breaks(void)
{
	enum answer answer;

	share();
	answer = in_user_namespace(1000, open_for_writing);
	return answer == YES ? is_split() : answer;
}

/* As root, with every capability. */
static enum answer flags_in_a_chroot(void)
{
	int flags;

	if (chroot("a") || chdir("/"))
		return NO;
	flags = flags_of("f");
	if (!refused(set_flags("f", flags & ~FROZEN), EPERM) || !refused(set_flags("f", flags & ~IMMUTABLE), EPERM) ||
	    !refused(set_flags("f", flags & ~FS_IUNLINK_FL), EPERM) || flags_of("f") != flags)
		return NO;
	put("own", CONTENT);
	flags = flags_of("left");
	if (!refused(set_flags("left", flags | IMMUTABLE), EPERM))
		return NO;
	flags = flags_of("own");
	return refused(set_flags("own", flags | FROZEN), EPERM) && refused(set_flags("own", flags | FS_IUNLINK_FL), EPERM) &&
	       !set_flags("own", flags | IMMUTABLE) && !set_flags("own", flags) && !unlink("own");
}

static enum answer flags_are_the_hosts(void)
{
	share();
	put("a/left", CONTENT); /* by a crash */
	set_flags("a/left", flags_of("a/left") | FS_IUNLINK_FL);
	return in_child(flags_in_a_chroot) == YES && is_shared() && !unfreeze("b/f") && !unfreeze("a/left") &&
	       !unlink("a/left");
}

/* wall/guest/x, and a barrier on wall. */
static void make_wall(void)
{
	mkdir("wall", 0755);
	mkdir("wall/guest", 0755);
	mkdir("wall/guest/x", 0755);
	mkdir("wall/other", 0755);
	set_flags("wall", flags_of("wall") | FS_BARRIER_FL);
}

static bool passes_wall(void)
{
	return !access("wall/guest", F_OK) && close(open("wall", O_RDONLY)) == 0 && !chdir("wall/guest") && !chdir("../other");
}

static enum answer host_passes(void)
{
	return passes_wall();
}

static enum answer host_passes_with_mounts_of_its_own(void)
{
	if (!own_mounts())
		return SKIPPED;
	return passes_wall();
}

static enum answer host_passes_barrier(void)
{
	make_wall();
	return in_child(host_passes);
}

static enum answer host_service_passes_barrier(void)
{
	make_wall();
	return in_child(host_passes_with_mounts_of_its_own);
}

/* The FAQ's: a directory left outside of the new root leads up, and then the root follows. */
static enum answer chdir_and_chroot(void)
{
	int i;

	if (chroot("wall/guest") || chdir("/") || chroot("x"))
		return NO;
	if (!refused(chdir(".."), EACCES) || !refused(open("..", O_RDONLY), EACCES) || !refused(chdir("../other"), EACCES) ||
	    !refused(chmod("..", 0777), EACCES) || !refused(chown("..", 1, 1), EACCES) ||
	    !refused(setxattr("..", "trusted.guest", "1", 1, 0), EACCES))
		return NO;
	for (i = 0; i < 64; i++)
		if (chdir(".."))
			break;
	return !chroot(".") && refused(access("wall", F_OK), ENOENT) && !access("x", F_OK);
}

static enum answer escape_by_chdir_and_chroot(void)
{
	make_wall();
	return in_child(chdir_and_chroot);
}

static enum answer with_a_descriptor_of_the_wall(void)
{
	int wall = open("wall", O_RDONLY), plain = flags_of("wall") & ~FS_BARRIER_FL;

	if (wall < 0 || chroot("wall/guest") || chdir("/"))
		return NO;
	return refused(fchdir(wall), EACCES) && refused(openat(wall, "other", O_RDONLY), EACCES) &&
	       refused(fchmod(wall, 0777), EACCES) && refused(fsetxattr(wall, "trusted.guest", "1", 1, 0), EACCES) &&
	       refused(mkdirat(wall, "new", 0755), EACCES) && refused(faccessat(wall, ".", R_OK, 0), EACCES) &&
	       refused(ioctl(wall, FS_IOC_SETFLAGS, &plain), EPERM);
}

static enum answer escape_by_descriptor(void)
{
	make_wall();
	return in_child(with_a_descriptor_of_the_wall);
}

static enum answer after_pivot(void)
{
	int wall = open("wall", O_RDONLY);

	if (!own_mounts() ||
	    mount("wall/guest", "wall/guest", NULL, MS_BIND, NULL) || chdir("wall/guest"))
		return SKIPPED;
	if (syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
		return SKIPPED;
	return refused(fchdir(wall), EACCES) && refused(openat(wall, "other", O_RDONLY), EACCES) && !access("x", F_OK);
}

static enum answer pivoted_guest_is_stopped(void)
{
	make_wall();
	return in_child(after_pivot);
}

static enum answer wall_is_denied(void)
{
	return refused(chdir("wall"), EACCES) && refused(open("wall", O_RDONLY), EACCES) &&
	       refused(access("wall/guest", F_OK), EACCES) && stat_of("wall").st_ino;
}

static enum answer user_namespace_is_stopped(void)
{
	make_wall();
	return in_user_namespace(1000, wall_is_denied);
}

/* Inside a guest a barrier is not needed to stay what it is. */
static enum answer no_barrier_without_the_flag(void)
{
	enum answer answer;

	make_wall();
	set_flags("wall", flags_of("wall") & ~FS_BARRIER_FL);
	answer = in_user_namespace(1000, host_passes);
	set_flags("wall", flags_of("wall") | FS_BARRIER_FL);
	return answer;
}

/* Where vunify holds what it has taken out of a guest to look at it. */
static enum answer nothing_is_broken_behind_a_barrier(void)
{
	bool holds;

	share();
	make_wall();
	rename("a/f", "wall/f");
	holds = refused(open("wall/f", O_WRONLY), ESTALE) && refused(chmod("wall/f", 0600), ESTALE);
	rename("b/f", "a/f");
	unlink("a/f");
	holds = holds && refused(open("wall/f", O_WRONLY), ESTALE) && (flags_of("wall/f") & FROZEN) == FROZEN;
	unfreeze("wall/f");
	unlink("wall/f");
	return holds;
}

const struct check guest_checks[] = {
	{"StrangerBreaksNothing", stranger_breaks_nothing},
	{"DeniedTruncateEmptiesNothing", denied_truncate_empties_nothing},
	{"WhoMayWriteMayLink", who_may_write_may_link},
	{"OwnerBreaksInAnothersDirectory", owner_breaks_in_anothers_directory},
	{"AccessTellsOfTheMode", access_tells_of_the_mode},
	{"ImmutableDirectoryIsRespected", immutable_directory_is_respected},
	{"RootOfAUserNamespaceBreaks", root_of_a_user_namespace_breaks},
	{"FlagsAreTheHosts", flags_are_the_hosts},
	{"HostPassesBarrier", host_passes_barrier},
	{"HostServicePassesBarrier", host_service_passes_barrier},
	{"EscapeByChdirAndChroot", escape_by_chdir_and_chroot},
	{"EscapeByDescriptor", escape_by_descriptor},
	{"PivotedGuestIsStopped", pivoted_guest_is_stopped},
	{"UserNamespaceIsStopped", user_namespace_is_stopped},
	{"NothingIsBrokenBehindABarrier", nothing_is_broken_behind_a_barrier},
	{"NoBarrierWithoutTheFlag", no_barrier_without_the_flag},
	{},
};
