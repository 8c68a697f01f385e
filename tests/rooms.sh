#!/bin/sh
# Fails when a room includes a room that is not to its left (DESIGN.md 1), or makes a raw system call outside sys/.
cd "$1" || exit 1
status=0
check() {  # check ROOM ALLOWED...: the folders that ROOM's #include lines may name
  room=$1; shift
  [ -d "$room" ] || return 0
  allowed=$(echo "$room $*" | tr ' ' '|')
  bad=$(grep -nE '^#include "' "$room"/*.cc "$room"/*.h 2>/dev/null | grep -vE "#include \"($allowed)/|#include \"default_exclude.inc\"")
  [ -z "$bad" ] || { echo "$room/ includes a room that is not to its left:"; echo "$bad"; status=1; }
}
check sys kernel-cow
check guest sys
check survey sys guest
check account sys guest survey
check hashindex sys guest survey
check unify sys guest survey hashindex
check fuse sys guest account
check tools sys guest survey account hashindex unify fuse
for room in guest survey account hashindex unify fuse tools; do
  bad=$(grep -nE '(^|[^_a-zA-Z.>])(::)?(openat2?|statx|ioctl|renameat2|linkat|unlinkat|fsetxattr|setxattr|fcntl|syscall)\(' "$room"/*.cc "$room"/*.h 2>/dev/null)
  [ -z "$bad" ] || { echo "raw system calls outside sys/:"; echo "$bad"; status=1; }
done
exit $status
