// SPDX-License-Identifier: GPL-2.0
/*
 * cowtest DIR: what a kernel with the patch does to shared inodes and barriers, in an empty directory of ext4 or tmpfs; as
 * root. A line for each check that fails, then how many hold. "cowtest DIR again", after DIR was mounted anew, looks whether
 * the flag was kept. Exits with 0 where all hold.
 */
#define _GNU_SOURCE
#include "cowtest.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cowlink.h"

static struct stat before; /* of the inode that share() made */

int flags_of(const char *path)
{
	int flags = -1, fd = open(path, O_RDONLY);

	if (fd >= 0 && ioctl(fd, FS_IOC_GETFLAGS, &flags))
		flags = -1;
	close(fd);
	return flags;
}

int set_flags(const char *path, int flags)
{
	int result, error, fd = open(path, O_RDONLY);

	if (fd < 0)
		return -1;
	result = ioctl(fd, FS_IOC_SETFLAGS, &flags);
	error = errno;
	close(fd);
	errno = error;
	return result;
}

int freeze(const char *path)
{
	return set_flags(path, flags_of(path) | FROZEN);
}

int unfreeze(const char *path)
{
	return set_flags(path, flags_of(path) & ~FROZEN);
}

void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		perror(path);
	close(fd);
}

bool holds_text(const char *path, const char *text)
{
	char found[4096] = "";
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, found, sizeof(found) - 1);

	close(fd);
	return n == (ssize_t)strlen(text) && !memcmp(found, text, n);
}

struct stat stat_of(const char *path)
{
	struct stat st = {};

	lstat(path, &st);
	return st;
}

bool refused(int result, int reason)
{
	return result == -1 && errno == reason;
}

static void remove_name(const char *path)
{
	if (flags_of(path) > 0)
		unfreeze(path);
	unlink(path);
}

struct stat share(void)
{
	struct timeval times[2] = {{1000000, 0}, {2000000, 0}};

	remove_name("a/f");
	remove_name("b/f");
	put("a/f", CONTENT);
	setxattr("a/f", "user.note", "hello", 5, 0); /* tmpfs has none before 6.6 */
	if (chown("a/f", 1000, 1001) || chmod("a/f", 04751) || setxattr("a/f", "trusted.t", "tt", 2, 0) ||
	    utimes("a/f", times) || link("a/f", "b/f") || freeze("a/f"))
		perror("cowtest: share");
	before = stat_of("b/f");
	return before;
}

bool is_shared(void)
{
	return stat_of("a/f").st_ino == before.st_ino && stat_of("b/f").st_ino == before.st_ino &&
	       (flags_of("a/f") & FROZEN) == FROZEN && holds_text("b/f", CONTENT);
}

bool is_split(void)
{
	struct stat mine = stat_of("a/f"), other = stat_of("b/f");

	return mine.st_ino != other.st_ino && mine.st_nlink == 1 && !(flags_of("a/f") & FROZEN) &&
	       other.st_ino == before.st_ino && other.st_nlink == before.st_nlink - 1 && other.st_mode == before.st_mode &&
	       other.st_uid == before.st_uid && other.st_gid == before.st_gid && other.st_mtime == before.st_mtime &&
	       (flags_of("b/f") & FROZEN) == FROZEN && holds_text("b/f", CONTENT) &&
	       getxattr("b/f", "trusted.t", NULL, 0) == 2 && getxattr("b/f", "trusted.new", NULL, 0) == -1;
}

enum answer in_child(enum answer (*run)(void))
{
	int status = 0;
	pid_t child = fork();

	if (!child)
		_exit(run());
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : NO;
}

static int next_uid;
static enum answer (*next_run)(void);

/* And stays the owner of its files in /proc. */
static bool become(int uid)
{
	return !setgroups(0, NULL) && !setresgid(uid, uid, uid) && !setresuid(uid, uid, uid) &&
	       !prctl(PR_SET_DUMPABLE, 1);
}

static enum answer become_and_run(void)
{
	return become(next_uid) ? next_run() : NO;
}

enum answer as_user(int uid, enum answer (*run)(void))
{
	next_uid = uid;
	next_run = run;
	return in_child(become_and_run);
}

static enum answer unshare_and_run(void)
{
	char map[32];

	if (!become(next_uid))
		return NO;
	if (unshare(CLONE_NEWUSER))
		return SKIPPED;
	snprintf(map, sizeof(map), "0 %d 1", next_uid);
	put("/proc/self/setgroups", "deny");
	put("/proc/self/gid_map", map);
	put("/proc/self/uid_map", map);
	return next_run();
}

enum answer in_user_namespace(int uid, enum answer (*run)(void))
{
	next_uid = uid;
	next_run = run;
	return in_child(unshare_and_run);
}

/* Made by a run before. */
static enum answer flags_are_kept(void)
{
	return (flags_of("kept") & FROZEN) == FROZEN && (flags_of("wall") & FS_BARRIER_FL);
}

static const struct check again_checks[] = {{"FlagsOutliveTheMount", flags_are_kept}, {}};

/* A change by path breaks the link first, and then goes on. */
static enum answer splits(int (*change)(void))
{
	share();
	if (!change())
		return is_split();
	return errno == ENOSYS ? SKIPPED : NO;
}

static void run(const struct check *check, int *held, int *made)
{
	for (; check->name; check++) {
		enum answer answer;

		errno = 0;
		answer = check->change ? splits(check->change) : check->holds();
		if (answer == SKIPPED)
			printf("skipped: %s: %s\n", check->name, strerror(errno));
		else if (answer == NO)
			printf("FAILED: %s: %s\n", check->name, strerror(errno));
		*held += answer == YES;
		*made += answer != SKIPPED;
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	int held = 0, made = 0;

	if (argc < 2 || chdir(argv[1])) {
		perror("cowtest: DIR");
		return 2;
	}
	umask(022);
	if (argc > 2) {
		run(again_checks, &held, &made);
	} else {
		mkdir("a", 0755);
		mkdir("b", 0755);
		mkdir("wall", 0755);
		put("kept", CONTENT);
		freeze("kept");
		set_flags("wall", flags_of("wall") | FS_BARRIER_FL);
		run(trigger_checks, &held, &made);
		run(copy_checks, &held, &made);
		run(name_checks, &held, &made);
		run(guest_checks, &held, &made);
		run(mount_checks, &held, &made);
		run(kernel_checks, &held, &made);
	}
	printf("%d of %d\n", held, made);
	return held != made;
}
