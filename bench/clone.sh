#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# vclone against cp -al and cp -a --reflink, of one guest, on filesystems of their own; warm cache, seven rounds in turn,
# the shortest of each. cp -al makes names alone, of files that nothing protects; a clone's private files, its
# conffiles and databases are copies, and its names are on disk before it is in its place: cp is also timed with the
# sync that this takes.
#
#   bench/clone.sh BINDIR DIR      needs root, and six times the tree's space in $TMPDIR (/var/tmp)
set -eu
bin=$1
guest=$2
work=$(mktemp -d "${TMPDIR:-/var/tmp}/clone-XXXXXX")
mkdir "$work/mnt"
cleanup() {
  umount -q "$work/mnt" || :
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

begin() { # FILESYSTEM: two copies of the guest, a and b
  truncate -s $(($(du -sm "$guest" | cut -f 1) * 6 + 1024))M "$work/image"
  "mkfs.$1" -q "$work/image"
  mount -o loop,noatime "$work/image" "$work/mnt"
  cp -a "$guest" "$work/mnt/a"
  cp -a "$guest" "$work/mnt/b"
}
end() {
  umount "$work/mnt"
  rm "$work/image"
}

synced="sync -f $work/mnt"
vunify() { "$bin/vunify" -q --state "$work/state" "$@"; }
forget() { rm -rf "$work/mnt/copy"; }
delete() { vunify --delete "$work/mnt/new" || :; }

# measure WHAT UNDO COMMAND: seven times; the least seconds, and the least of the processor.
measure() {
  : >"$work/rounds"
  for _ in 1 2 3 4 5 6 7; do
    sync -f "$work/mnt"
    "$bin/measure" "$work/round" sh -c "$3" >/dev/null || echo "$1 failed" >&2
    cat "$work/round" >>"$work/rounds"
    "$2"
  done
  awk -v what="$1" '{ if (!t || $1 < t) t = $1; if (!c || $2 < c) c = $2 } END { print what, t, c }' "$work/rounds" >>"$work/table"
}

# What each took, and how many times what the first of them took.
tell() {
  awk 'NR == 1 { t = $2; c = $3 }
    { printf "  %-26s %5.2f s %5.2f x   processors %5.2f s %5.2f x\n", $1, $2, $2 / t, $3, $3 / c }' "$work/table"
  rm "$work/table"
}

files=$(find "$guest" | wc -l)
echo "$files names, $(du -sm "$guest" | cut -f 1) MiB; $(nproc) processors, load $(cut -d ' ' -f 1 /proc/loadavg)"

clone="$bin/vclone -q --state $work/state $work/mnt/a $work/mnt/new"
copy=$work/mnt/copy

echo "ext4, adopted (vcow), shared with b before"
begin ext4
"$bin/vcow" adopt --state "$work/state" "$work/mnt/a" "$work/mnt/b"
vunify "$work/mnt/a" "$work/mnt/b" || :
measure cp-al forget "cp -al $work/mnt/.vcow/a $copy"
measure cp-al,sync forget "cp -al $work/mnt/.vcow/a $copy; $synced"
measure vclone delete "$clone"
tell
end

echo "ext4, immutable, shared with b before; there is no cp -al of these"
begin ext4
vunify --protect=immutable "$work/mnt/a" "$work/mnt/b" || :
measure cp-a forget "cp -a $work/mnt/a $copy"
measure cp-a,sync forget "cp -a $work/mnt/a $copy; $synced"
measure vclone delete "$clone --protect=immutable"
tell
end

echo "XFS, data shared"
begin xfs
measure cp-a-reflink forget "cp -a --reflink=always $work/mnt/a $copy"
measure cp-a-reflink,sync forget "cp -a --reflink=always $work/mnt/a $copy; $synced"
measure vclone delete "$clone"
tell
end
