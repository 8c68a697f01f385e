// SPDX-License-Identifier: GPL-2.0
/* Names of a shared inode are free; and what the flags do, and do not. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cowlink.h"
#include "cowtest.h"

static enum answer name_can_be_removed(void)
{
	share();
	return !unlink("a/f") && stat_of("b/f").st_nlink == 1 && (flags_of("b/f") & FROZEN) == FROZEN;
}

static enum answer name_can_be_renamed(void)
{
	share();
	return !rename("a/f", "b/g") && !rename("b/g", "a/f") && is_shared();
}

static enum answer name_can_be_added(void)
{
	share();
	return !link("a/f", "b/g") && stat_of("a/f").st_nlink == 3 && !unlink("b/g") && is_shared();
}

static enum answer name_can_be_replaced(void)
{
	share();
	put("a/new", "new");
	return !rename("a/new", "a/f") && holds_text("a/f", "new") && holds_text("b/f", CONTENT);
}

static enum answer name_can_be_exchanged(void)
{
	share();
	put("a/new", "new");
	return !renameat2(AT_FDCWD, "a/new", AT_FDCWD, "a/f", RENAME_EXCHANGE) && holds_text("a/f", "new") &&
	       !renameat2(AT_FDCWD, "a/new", AT_FDCWD, "a/f", RENAME_EXCHANGE) && !unlink("a/new") && is_shared();
}

/* chattr +i of a guest: as in mainline, names too. */
static enum answer immutable_is_left_alone(void)
{
	bool holds;

	put("i", CONTENT);
	if (set_flags("i", flags_of("i") | IMMUTABLE))
		return NO;
	holds = refused(unlink("i"), EPERM) && refused(rename("i", "j"), EPERM) && refused(link("i", "j"), EPERM) &&
		refused(open("i", O_WRONLY), EPERM) && refused(truncate("i", 0), EPERM) && refused(chmod("i", 0600), EPERM) &&
		refused(access("i", W_OK), EPERM) && flags_of("i") & IMMUTABLE;
	unfreeze("i");
	unlink("i");
	return holds;
}

static enum answer iunlink_alone_does_nothing(void)
{
	bool holds;

	put("u", "1");
	holds = !set_flags("u", flags_of("u") | FS_IUNLINK_FL) && !link("u", "v") && !truncate("u", 0) &&
		stat_of("u").st_ino == stat_of("v").st_ino && !unlink("v") && flags_of("u") & FS_IUNLINK_FL;
	unlink("u");
	return holds;
}

static enum answer append_only_is_left_alone(void)
{
	bool holds;

	share();
	unfreeze("a/f");
	set_flags("a/f", flags_of("a/f") | FROZEN | FS_APPEND_FL);
	holds = refused(open("a/f", O_WRONLY), EPERM) && is_shared();
	set_flags("a/f", flags_of("a/f") & ~(FROZEN | FS_APPEND_FL));
	return holds;
}

/* One call: ext4 lets nobody change other flags of an immutable inode. */
static enum answer flags_are_set_and_shown(void)
{
	share();
	return is_shared() && !unfreeze("b/f") && !(flags_of("a/f") & FROZEN) && !truncate("a/f", 3) &&
	       stat_of("b/f").st_size == 3;
}

/* And says which it could have. */
static enum answer statx_tells_the_flags(void)
{
	struct statx file, wall;

	share();
	if (statx(AT_FDCWD, "a/f", 0, 0, &file) || statx(AT_FDCWD, "wall", 0, 0, &wall))
		return NO;
	return (file.stx_attributes & file.stx_attributes_mask & (FS_IUNLINK_FL | FS_BARRIER_FL)) == FS_IUNLINK_FL &&
	       (wall.stx_attributes & wall.stx_attributes_mask & (FS_IUNLINK_FL | FS_BARRIER_FL)) == FS_BARRIER_FL;
}

static enum answer flags_are_for_their_kind(void)
{
	bool holds;

	mkdir("d", 0755);
	put("plain", "");
	holds = refused(set_flags("d", flags_of("d") | FS_IUNLINK_FL), EINVAL) &&
		refused(set_flags("plain", flags_of("plain") | FS_BARRIER_FL), EINVAL);
	rmdir("d");
	unlink("plain");
	return holds;
}

static enum answer try_flags(void)
{
	int plain = flags_of("plain");

	return refused(unfreeze("a/f"), EPERM) && refused(set_flags("plain", plain | FS_IUNLINK_FL), EPERM) &&
	       refused(set_flags("mine", flags_of("mine") | FS_BARRIER_FL), EPERM);
}

static enum answer flags_need_the_capability(void)
{
	enum answer user, root;

	share();
	put("plain", "");
	mkdir("mine", 0755);
	if (chown("plain", 1000, 1000) || chown("mine", 1000, 1000))
		return NO;
	user = as_user(1000, try_flags);
	root = in_user_namespace(1000, try_flags);
	unlink("plain");
	rmdir("mine");
	return user == YES && root != NO && is_shared();
}

static enum answer writer_keeps_the_flags_away(void)
{
	char *page;
	bool holds;
	int fd;

	put("w", CONTENT);
	fd = open("w", O_RDWR);
	holds = refused(freeze("w"), ETXTBSY) && !(flags_of("w") & FROZEN);
	page = mmap(NULL, 15, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	holds = holds && refused(freeze("w"), ETXTBSY);
	munmap(page, 15);
	holds = holds && !freeze("w");
	unfreeze("w");
	unlink("w");
	return holds;
}

static void write_again_and_again(const char *path)
{
	for (;;) {
		int fd = open(path, O_WRONLY | O_APPEND);

		if (fd >= 0 && write(fd, "w", 1) == 1)
			close(fd);
	}
}

/* Who looks the file up before it is frozen and opens it after that, writes elsewhere. */
static enum answer no_writer_slips_in(void)
{
	int frozen = 0, tries;
	bool holds = true;
	pid_t writer;

	share();
	unfreeze("a/f");
	writer = fork();
	if (!writer)
		write_again_and_again("b/f");
	for (tries = 0; holds && tries < 2000; tries++) {
		struct stat was;

		if (freeze("a/f"))
			continue;
		frozen++;
		was = stat_of("a/f");
		sched_yield();
		holds = stat_of("a/f").st_size == was.st_size;
		unfreeze("a/f");
		unlink("b/f");
		link("a/f", "b/f");
	}
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	return holds && frozen;
}

static enum answer unlinked_by_descriptor_is_refused(void)
{
	char path[32];
	bool holds;
	int fd;

	share();
	fd = open("a/f", O_RDONLY);
	unlink("a/f");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	holds = refused(open(path, O_WRONLY), EPERM) && refused(truncate(path, 0), EPERM) && refused(chmod(path, 0), EPERM);
	close(fd);
	return holds && holds_text("b/f", CONTENT);
}

static enum answer handle_is_refused(void)
{
	char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	struct file_handle *handle = (void *)room;
	int mount, dir = open(".", O_RDONLY);
	bool holds;

	share();
	handle->handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(AT_FDCWD, "a/f", handle, &mount, 0))
		return SKIPPED;
	holds = refused(open_by_handle_at(dir, handle, O_WRONLY), EPERM) && is_shared();
	close(dir);
	return holds;
}

/*
 * Calls by path, of which none may be refused for the moment at which it comes. ENOENT: the names come and go, too; ESTALE:
 * shared again while it was looked up once more.
 */
static void change_again_and_again(const char *path)
{
	for (;;) {
		int fd = open(path, O_WRONLY);

		if ((fd < 0 || close(fd) || truncate(path, 3) || chmod(path, 0644) || chown(path, 7, 8) || utimes(path, NULL) ||
		     setxattr(path, "trusted.t", "t", 1, 0)) && errno != ENOENT && errno != ESTALE)
			_exit(errno);
	}
}

/* Shared once more as soon as it is not: at any moment of the other's calls. */
static enum answer nobody_is_refused_for_the_moment(void)
{
	int frozen = 0, tries, status;
	pid_t guest;

	share();
	unfreeze("a/f");
	guest = fork();
	if (!guest)
		change_again_and_again("b/f");
	for (tries = 0; frozen < 2000 && tries < 1000000 && !waitpid(guest, &status, WNOHANG); tries++) {
		if (freeze("b/f"))
			continue;
		frozen++;
		unlink("a/f");
		link("b/f", "a/f");
	}
	if (tries < 1000000 && frozen < 2000) {
		errno = WEXITSTATUS(status);
		return NO;
	}
	kill(guest, SIGKILL);
	waitpid(guest, &status, 0);
	return frozen >= 200;
}

/* All eight write to the one copy, none is refused. */
static enum answer racing_writers_share_one_copy(void)
{
	int round, i, status, bad = 0;

	for (round = 0; round < 20; round++) {
		share();
		for (i = 0; i < 8; i++)
			if (!fork()) {
				int fd = open("a/f", O_WRONLY | O_APPEND);

				_exit(write(fd, "r", 1) != 1);
			}
		while (wait(&status) > 0)
			bad += status != 0;
		bad += stat_of("a/f").st_size != 15 + 8 || !is_split();
	}
	return !bad;
}

/* As a crash between link and rename leaves it. */
static enum answer leftover_is_removed(void)
{
	share();
	put("a/" COWLINK_SCRATCH, "left");
	set_flags("a/" COWLINK_SCRATCH, flags_of("a/" COWLINK_SCRATCH) | FS_IUNLINK_FL);
	return !truncate("a/f", 0) && is_split() && refused(access("a/" COWLINK_SCRATCH, F_OK), ENOENT);
}

static int scratch_names_left(void)
{
	DIR *dir = opendir("a");
	struct dirent *entry;
	int count = 0;

	while ((entry = readdir(dir)))
		count += !strncmp(entry->d_name, COWLINK_SCRATCH, strlen(COWLINK_SCRATCH));
	closedir(dir);
	return count;
}

/* The first so many of the scratch names are files of a guest, and stay. */
static bool splits_beside(int taken)
{
	char name[32] = "a/" COWLINK_SCRATCH;
	bool holds;
	int i;

	share();
	put(name, "mine");
	for (i = 1; i < taken; i++) {
		snprintf(name, sizeof(name), "a/" COWLINK_SCRATCH ".%d", i);
		put(name, "mine");
	}
	holds = !truncate("a/f", 0) && is_split() && scratch_names_left() == taken;
	for (i = 1; i < taken; i++) {
		snprintf(name, sizeof(name), "a/" COWLINK_SCRATCH ".%d", i);
		holds = holds_text(name, "mine") && !unlink(name) && holds;
	}
	return holds_text("a/" COWLINK_SCRATCH, "mine") && !unlink("a/" COWLINK_SCRATCH) && holds;
}

static enum answer guests_file_of_that_name_stays(void) { return splits_beside(2); }
static enum answer all_scratch_names_may_be_taken(void) { return splits_beside(10); }

static enum answer no_scratch_name_is_left(void)
{
	share();
	return !truncate("a/f", 0) && is_split() && !(flags_of("a/f") & FS_IUNLINK_FL) &&
	       refused(access("a/" COWLINK_SCRATCH, F_OK), ENOENT);
}

const struct check name_checks[] = {
	{"NameCanBeRemoved", name_can_be_removed},
	{"NameCanBeRenamed", name_can_be_renamed},
	{"NameCanBeAdded", name_can_be_added},
	{"NameCanBeReplaced", name_can_be_replaced},
	{"NameCanBeExchanged", name_can_be_exchanged},
	{"ImmutableIsLeftAlone", immutable_is_left_alone},
	{"IunlinkAloneDoesNothing", iunlink_alone_does_nothing},
	{"AppendOnlyIsLeftAlone", append_only_is_left_alone},
	{"FlagsAreSetAndShown", flags_are_set_and_shown},
	{"StatxTellsTheFlags", statx_tells_the_flags},
	{"FlagsAreForTheirKind", flags_are_for_their_kind},
	{"FlagsNeedTheCapability", flags_need_the_capability},
	{"WriterKeepsTheFlagsAway", writer_keeps_the_flags_away},
	{"NoWriterSlipsIn", no_writer_slips_in},
	{"NobodyIsRefusedForTheMoment", nobody_is_refused_for_the_moment},
	{"UnlinkedByDescriptorIsRefused", unlinked_by_descriptor_is_refused},
	{"HandleIsRefused", handle_is_refused},
	{"RacingWritersShareOneCopy", racing_writers_share_one_copy},
	{"LeftoverIsRemoved", leftover_is_removed},
	{"GuestsFileOfThatNameStays", guests_file_of_that_name_stays},
	{"AllScratchNamesMayBeTaken", all_scratch_names_may_be_taken},
	{"NoScratchNameIsLeft", no_scratch_name_is_left},
	{},
};
