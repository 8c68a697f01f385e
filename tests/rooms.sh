#!/bin/sh
# Draws the rooms. Fails when a room includes a room that is not to its left (DESIGN.md 1), makes a raw system call outside sys/,
# or takes more of the kernel's headers than is listed here.
cd "$1" || exit 1
status=0
check() {  # check ROOM ALLOWED...: the folders that ROOM's #include lines may name
  room=$1; shift
  [ -d "$room" ] || return 0
  printf '%-10s includes %s\n' "$room/" "$*"
  allowed=$(echo "$room $*" | tr ' ' '|')
  bad=$(grep -nE '^#include "' "$room"/*.cc "$room"/*.h 2>/dev/null | grep -vE "#include \"($allowed)/|#include \"(default_exclude|plan_page|guard_object).inc\"")
  [ -z "$bad" ] || { echo "$room/ includes a room that is not to its left:"; echo "$bad"; status=1; }
}
check sys kernel-cow
check guest sys
check packages sys
check host sys guest packages
check survey sys guest
check change sys guest
check clone sys guest packages change
check db sys
check account sys guest survey db
check fleet sys db account
check hashindex sys guest survey db
check unify sys guest survey change db hashindex
check move sys guest packages host survey change db hashindex
check inside sys
check fuse sys guest change db account
check tools sys guest packages host survey change clone db account fleet hashindex unify move inside fuse
for room in guest packages host survey change clone db account fleet hashindex unify move inside fuse tools; do
  bad=$(grep -nE '(^|[^_a-zA-Z.>])(::)?(openat2?|statx|ioctl|renameat2|linkat|unlinkat|fsetxattr|setxattr|fcntl|ftruncate|fallocate|posix_fadvise|pwrite|pwritev2|preadv2|syscall)\(' "$room"/*.cc "$room"/*.h 2>/dev/null)
  [ -z "$bad" ] || { echo "raw system calls outside sys/:"; echo "$bad"; status=1; }
done
bad=$(grep -lE '^#include <libpq' */*.cc */*.h | grep -v '^fleet/connection.cc$')
[ -z "$bad" ] || { echo "libpq outside fleet/connection.cc:"; echo "$bad"; status=1; }
# All of them are linked together, where a name stands for one type (ODR): of two the linker takes the functions of one.
types=$(grep -hoE '^(struct|class|enum class|enum|union) [A-Za-z]+( final)?( :.*)? \{' --include='*.h' --exclude-dir=build --exclude-dir=tests --exclude-dir=kernel-cow --exclude-dir=bench --exclude=lmdb.h -r . |
  sed -E 's/^(enum class|[a-z]+) ([A-Za-z]+).*/\2/' | sort | uniq -d)
[ -z "$types" ] || { echo "types of one name in several headers:" $types; status=1; }
# They are written for C: one that compiles today may hold a name tomorrow that C++ does not take (linux/ioprio.h: `class`).
# These are needed for their structures; a constant is written down with the name of its header.
kernel_headers='sys/bell.cc:linux/futex.h sys/clone.cc:linux/fiemap.h sys/clone.cc:linux/fs.h sys/inode_attr.h:linux/fs.h
  sys/guard.cc:linux/bpf.h sys/guard.cc:linux/fs.h
  sys/inode.cc:linux/btrfs.h sys/inode.cc:linux/magic.h sys/root_dir.cc:linux/openat2.h
  sys/btrfs_data.cc:linux/btrfs.h sys/btrfs_data.cc:linux/btrfs_tree.h sys/told_path.cc:linux/openat2.h
  sys/stored_extents.cc:linux/btrfs.h sys/stored_extents.cc:linux/btrfs_tree.h
  fuse/wire.cc:linux/fuse.h fuse/recovery.cc:linux/fuse.h fuse/requests.cc:linux/fuse.h tests/fuse/requests_test.cc:linux/fuse.h
  tests/act_before.cc:linux/filter.h tests/act_before.cc:linux/seccomp.h'
found=$(grep -rE --include='*.cc' --include='*.h' --exclude-dir=build --exclude-dir=kernel-cow '^ *# *include *<(linux|asm|asm-generic)/' . |
  sed 's,^\./,,; s,:.*<,:,; s,>.*,,')
for one in $found; do
  echo "$kernel_headers" | tr -s ' ' '\n' | grep -qx "$one" || { echo "kernel headers that are not listed: $one"; status=1; }
done
exit $status
