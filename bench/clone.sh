#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# vclone against cp -al and cp -a --reflink, of one guest, on filesystems of their own; warm cache, five rounds in turn,
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

milliseconds() {
  from=$(date +%s%N)
  "$@" >/dev/null 2>&1 || echo "  $1 failed" >&2
  echo $((($(date +%s%N) - from) / 1000000))
}
cp_synced() { cp "$@" && sync -f "$work/mnt"; }
vunify() { "$bin/vunify" -q --state "$work/state" "$@"; }
vclone() { "$bin/vclone" -q --state "$work/state" "$@" "$work/mnt/a" "$work/mnt/new"; }
forget() { rm -rf "$work/mnt/copy"; }
delete() { vunify --delete "$work/mnt/new" || :; }

least=
keep_least() { [ -n "$least" ] && [ "$least" -le "$1" ] || least=$1; }

# measure WHAT UNDO COMMAND...
measure() {
  what=$1 undo=$2
  shift 2
  least=
  for _ in 1 2 3 4 5; do
    sync -f "$work/mnt"
    keep_least "$(milliseconds "$@")"
    "$undo"
  done
  echo "$what $least" >>"$work/table"
}

# Both names of what was measured, and how many times the second took what the first took.
tell() { awk -v a="$1" -v b="$2" '$1 == a { x = $2 } $1 == b { y = $2 } END { printf "  %-22s %6d ms   %-18s %6d ms   %.2f x\n", a, x, b, y, y / x }' "$work/table"; }

files=$(find "$guest" | wc -l)
echo "$files names, $(du -sm "$guest" | cut -f 1) MiB; $(nproc) processors, load $(cut -d ' ' -f 1 /proc/loadavg)"

echo "ext4, adopted (vcow): shared with b before"
: >"$work/table"
begin ext4
"$bin/vcow" adopt --state "$work/state" "$work/mnt/a" "$work/mnt/b"
vunify "$work/mnt/a" "$work/mnt/b" || :
tree=$work/mnt/.vcow/a
measure cp-al forget cp -al "$tree" "$work/mnt/copy"
measure cp-al-synced forget cp_synced -al "$tree" "$work/mnt/copy"
measure vclone delete vclone
tell cp-al vclone
tell cp-al-synced vclone
end

echo "ext4, immutable: shared with b before; cp -al cannot, cp -a copies"
: >"$work/table"
begin ext4
vunify --protect=immutable "$work/mnt/a" "$work/mnt/b" || :
measure cp-a forget cp -a "$work/mnt/a" "$work/mnt/copy"
measure vclone delete vclone --protect=immutable
tell cp-a vclone
end

echo "XFS: data shared"
: >"$work/table"
begin xfs
measure cp-a-reflink forget cp -a --reflink=always "$work/mnt/a" "$work/mnt/copy"
measure cp-a-reflink-synced forget cp_synced -a --reflink=always "$work/mnt/a" "$work/mnt/copy"
measure vclone delete vclone
tell cp-a-reflink vclone
tell cp-a-reflink-synced vclone
end
