// SPDX-License-Identifier: GPL-2.0
/* What else in the kernel meets shared inodes: io_uring, inotify, fs-verity, fscrypt. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fscrypt.h>
#include <linux/fsverity.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cowlink.h"
#include "cowtest.h"

/* One request through a ring of its own; its result. */
static int by_ring(const struct io_uring_sqe *request)
{
	struct io_uring_params params = {};
	int ring = syscall(SYS_io_uring_setup, 1, &params);
	struct io_uring_sqe *requests;
	struct io_uring_cqe *done;
	uint32_t *submitted;
	char *queue;
	int result;

	if (ring < 0)
		return -errno;
	queue = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQ_RING);
	requests = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQES);
	if (queue == MAP_FAILED || requests == MAP_FAILED || !(params.features & IORING_FEAT_SINGLE_MMAP))
		return -ENOSYS;
	requests[0] = *request;
	submitted = (uint32_t *)(queue + params.sq_off.array);
	submitted[0] = 0;
	__atomic_store_n((uint32_t *)(queue + params.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		return -errno;
	done = (struct io_uring_cqe *)(queue + params.cq_off.cqes);
	result = done[0].res;
	munmap(queue, 4096);
	munmap(requests, 4096);
	close(ring);
	return result;
}

static int returned(int result)
{
	errno = result < 0 ? -result : errno;
	return result < 0 ? -1 : result;
}

static int by_ring_setxattr(void)
{
	struct io_uring_sqe request = {
		.opcode = IORING_OP_SETXATTR,
		.addr = (uintptr_t)"trusted.new",
		.addr2 = (uintptr_t)"1",
		.addr3 = (uintptr_t)"a/f",
		.len = 1,
	};

	return returned(by_ring(&request));
}

static int by_ring_open(void)
{
	struct io_uring_sqe request = {
		.opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (uintptr_t)"a/f", .open_flags = O_WRONLY};
	int fd = returned(by_ring(&request));

	return fd < 0 ? fd : close(fd);
}

static enum answer ring_descriptor_is_refused(void)
{
	struct io_uring_sqe request = {
		.opcode = IORING_OP_FSETXATTR,
		.addr = (uintptr_t)"trusted.new",
		.addr2 = (uintptr_t)"1",
		.len = 1,
	};
	int result;

	share();
	request.fd = open("a/f", O_RDONLY);
	result = by_ring(&request);
	close(request.fd);
	if (result == -ENOSYS)
		return SKIPPED;
	return result == -EPERM && is_shared();
}

/* Appends what a watch of the directory tells, as "c.cowlink m.cowlink Mf ". */
static void read_events(int watch, char *seen, size_t size)
{
	char room[8192] __attribute__((aligned(8)));
	ssize_t n = read(watch, room, sizeof(room));
	char *at = room;

	while (at < room + n) {
		const struct inotify_event *event = (void *)at;
		char kind = event->mask & IN_CREATE	  ? 'c'
			    : event->mask & IN_MOVED_FROM ? 'm'
			    : event->mask & IN_MOVED_TO	  ? 'M'
			    : event->mask & IN_DELETE	  ? 'd'
			    : event->mask & IN_MODIFY	  ? 'w'
			    : event->mask & IN_ATTRIB	  ? 'a'
			    : event->mask & IN_OPEN	  ? 'o'
			    : event->mask & IN_CLOSE	  ? 'x'
							  : '?';

		snprintf(seen + strlen(seen), size - strlen(seen), "%c%s ", kind, event->len ? event->name : "");
		at += sizeof(*event) + event->len;
	}
}

/* As of whoever writes a new file and renames it over the old one. */
static enum answer watcher_sees_a_rename(void)
{
	char seen[4096] = "";
	int watch = inotify_init1(IN_NONBLOCK);

	share();
	if (inotify_add_watch(watch, "a", IN_CREATE | IN_MOVE | IN_DELETE | IN_MODIFY) < 0)
		return SKIPPED;
	truncate("a/f", 3);
	read_events(watch, seen, sizeof(seen));
	close(watch);
	if (!strcmp(seen, "c" COWLINK_SCRATCH " m" COWLINK_SCRATCH " Mf wf "))
		return YES;
	printf("seen: %s\n", seen);
	return NO;
}

/* Of the names that stay shared nothing is told: their file was not even opened. */
static enum answer other_watchers_see_nothing(void)
{
	char seen[4096] = "";
	int watch = inotify_init1(IN_NONBLOCK);

	share();
	if (inotify_add_watch(watch, "b", IN_ALL_EVENTS) < 0)
		return SKIPPED;
	truncate("a/f", 3);
	read_events(watch, seen, sizeof(seen));
	close(watch);
	if (!*seen)
		return YES;
	printf("seen: %s\n", seen);
	return NO;
}

/* Its copy would not be verified any more. */
static enum answer verity_is_refused(void)
{
	struct fsverity_enable_arg arg = {.version = 1, .hash_algorithm = FS_VERITY_HASH_ALG_SHA256, .block_size = 4096};
	bool enabled, holds;
	int fd;

	share();
	unfreeze("a/f");
	fd = open("a/f", O_RDONLY);
	enabled = !ioctl(fd, FS_IOC_ENABLE_VERITY, &arg);
	close(fd);
	if (!enabled)
		return SKIPPED;
	freeze("a/f");
	holds = refused(open("a/f", O_WRONLY), EPERM) && refused(truncate("a/f", 0), EPERM) && is_shared();
	return holds;
}

/* Gives the filesystem a key; what tells it. */
static bool add_key(struct fscrypt_key_specifier *specifier)
{
	union {
		struct fscrypt_add_key_arg arg;
		char room[sizeof(struct fscrypt_add_key_arg) + FSCRYPT_MAX_KEY_SIZE];
	} key = {};
	int fd = open(".", O_RDONLY);
	bool added;

	key.arg.key_spec.type = FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER;
	key.arg.raw_size = FSCRYPT_MAX_KEY_SIZE;
	memset(key.arg.raw, 7, FSCRYPT_MAX_KEY_SIZE);
	added = !ioctl(fd, FS_IOC_ADD_ENCRYPTION_KEY, &key);
	*specifier = key.arg.key_spec;
	close(fd);
	return added;
}

static bool remove_key(const struct fscrypt_key_specifier *specifier)
{
	struct fscrypt_remove_key_arg arg = {.key_spec = *specifier};
	int fd = open(".", O_RDONLY);
	bool removed = !ioctl(fd, FS_IOC_REMOVE_ENCRYPTION_KEY, &arg) && !arg.removal_status_flags;

	close(fd);
	return removed;
}

static bool make_encrypted(const char *path, const struct fscrypt_key_specifier *key)
{
	struct fscrypt_policy_v2 policy = {
		.version = FSCRYPT_POLICY_V2,
		.contents_encryption_mode = FSCRYPT_MODE_AES_256_XTS,
		.filenames_encryption_mode = FSCRYPT_MODE_AES_256_CTS,
		.flags = FSCRYPT_POLICY_FLAGS_PAD_32,
	};
	bool made;
	int fd;

	memcpy(policy.master_key_identifier, key->u.identifier, FSCRYPT_KEY_IDENTIFIER_SIZE);
	mkdir(path, 0755);
	fd = open(path, O_RDONLY);
	made = !ioctl(fd, FS_IOC_SET_ENCRYPTION_POLICY, &policy);
	close(fd);
	return made;
}

static bool is_encrypted(const char *path)
{
	struct fscrypt_get_policy_ex_arg arg = {.policy_size = sizeof(arg.policy)};
	int fd = open(path, O_RDONLY);
	bool is = !ioctl(fd, FS_IOC_GET_ENCRYPTION_POLICY_EX, &arg);

	close(fd);
	return is;
}

/* The path of the first thing in a directory, by the name that it is shown by without the key. */
static bool find_first(const char *path, char *found, size_t size)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	*found = 0;
	while (dir && !*found && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			snprintf(found, size, "%s/%s", path, entry->d_name);
	closedir(dir);
	return *found;
}

/* The copy has its directory's policy; and is made by nobody who lacks the key. */
static enum answer encrypted_breaks(void)
{
	struct fscrypt_key_specifier key = {};
	char path[300];
	bool parted;

	if (!add_key(&key) || !make_encrypted("encrypted", &key))
		return SKIPPED;
	put("encrypted/f", CONTENT);
	if (link("encrypted/f", "encrypted/g") || link("encrypted/f", "encrypted/h") || freeze("encrypted/f") ||
	    chmod("encrypted/f", 0600))
		return NO;
	parted = stat_of("encrypted/f").st_ino != stat_of("encrypted/g").st_ino && is_encrypted("encrypted/f") &&
		 holds_text("encrypted/f", CONTENT) && holds_text("encrypted/g", CONTENT);
	unlink("encrypted/f");
	sync();
	return parted && remove_key(&key) && find_first("encrypted", path, sizeof(path)) && refused(chmod(path, 0600), ENOKEY);
}

const struct check kernel_checks[] = {
	{"RingSetxattrBreaks", .change = by_ring_setxattr},
	{"RingOpenBreaks", .change = by_ring_open},
	{"RingDescriptorIsRefused", ring_descriptor_is_refused},
	{"WatcherSeesARename", watcher_sees_a_rename},
	{"OtherWatchersSeeNothing", other_watchers_see_nothing},
	{"VerityIsRefused", verity_is_refused},
	{"EncryptedBreaks", encrypted_breaks},
	{},
};
