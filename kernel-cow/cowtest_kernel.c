// SPDX-License-Identifier: GPL-2.0
/* What else in the kernel meets shared inodes: io_uring, inotify, fs-verity. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
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

const struct check kernel_checks[] = {
	{"RingSetxattrBreaks", .change = by_ring_setxattr},
	{"RingOpenBreaks", .change = by_ring_open},
	{"RingDescriptorIsRefused", ring_descriptor_is_refused},
	{"WatcherSeesARename", watcher_sees_a_rename},
	{"OtherWatchersSeeNothing", other_watchers_see_nothing},
	{"VerityIsRefused", verity_is_refused},
	{},
};
