/* SPDX-License-Identifier: GPL-2.0 */
/* What the checks of cowtest share: two names of one inode, a change through one, and who makes it. */
#ifndef COWTEST_H
#define COWTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#define IMMUTABLE 0x10
#define FROZEN (IMMUTABLE | FS_IUNLINK_FL)
#define CONTENT "shared content\n"

/* A check holds, fails, or cannot be made here: then errno says why, and its line tells it. */
enum answer { NO, YES, SKIPPED };
struct check {
	const char *name;
	enum answer (*holds)(void);
	int (*change)(void); /* instead: done to a/f, it returns 0 and parts it from b/f; trusted.new is what it may set */
};
extern const struct check trigger_checks[], copy_checks[], name_checks[], guest_checks[];
extern const struct check mount_checks[], kernel_checks[];

/* Flags; -1 with errno. */
int flags_of(const char *path);
int set_flags(const char *path, int flags);
int freeze(const char *path);
int unfreeze(const char *path);

void put(const char *path, const char *text);
bool holds_text(const char *path, const char *text);
struct stat stat_of(const char *path);
/* The call returned -1 for this reason. */
bool refused(int result, int reason);

/* a/f and b/f, one frozen inode: 15 bytes, 1000:1001, mode 04751, old times, user.note and trusted.t. */
struct stat share(void);
bool is_shared(void);
/* a/f has an inode of its own, b/f is as it was. */
bool is_split(void);

/* Runs it in a process of its own, as this user; its answer, or NO. */
enum answer as_user(int uid, enum answer (*run)(void));
enum answer in_child(enum answer (*run)(void));
/* A user namespace whose only user, 0, is this one outside. */
enum answer in_user_namespace(int uid, enum answer (*run)(void));

/* From now on nobody else sees what this process mounts. */
bool own_mounts(void);

#endif
