#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What many small files cost: makes COUNT of them in 20 guests (bench/many_files.cc) on an ext4 of its own with 1 KiB
# blocks, in a sparse file, and tells of the floor's walk, the first run, and the next one, which finds nothing to do:
# seconds, CPU seconds, the largest RssAnon seen, bytes of it a file, and of the index a file. For each COUNT one table,
# as docs/scale.md has it. About 3 KiB of disk a file.
#
#   bench/many_files.sh BINDIR WHERE COUNT...
set -eu
bin=$1
where=$(mktemp -d "$2/many-files.XXXXXX")
shift 2
mounted=
clean() {
  [ -z "$mounted" ] || umount "$where/fs"
  rm -rf "$where"
}
trap clean EXIT
trap 'exit 130' INT TERM

make_fs() {  # make_fs COUNT
  truncate -s "$(($1 * 5 + 400000))K" "$where/image"
  mkfs.ext4 -q -F -b 1024 -I 256 -N "$(($1 + $1 / 8 + 2000))" "$where/image"
  mkdir -p "$where/fs"
  mount -o loop,noatime "$where/image" "$where/fs"
  mounted=yes
  "$bin/many_files" "$where/fs" "$1"
  sync -f "$where/fs"
}

drop_fs() {
  umount "$where/fs"
  mounted=
  rm -rf "$where/image" "$where/state"
}

row() {  # row NAME COUNT COMMAND...
  name=$1
  count=$2
  shift 2
  "$bin/measure" "$where/measured" "$@" >"$where/out" 2>&1 || { cat "$where/out" >&2; exit 1; }
  index=0
  [ ! -f "$where/state/index" ] || index=$(stat -c %s "$where/state/index")
  awk -v name="$name" -v n="$count" -v index_bytes="$index" '{
    printf "%9d  %-10s %9.2f %9.2f %9.1f %7.1f %9.1f\n", n, name, $1, $2, $3 / 1024, $3 * 1024 / n, index_bytes / n
  }' "$where/measured"
}

printf '%9s  %-10s %9s %9s %9s %7s %9s\n' files run seconds 'CPU s' 'Anon MiB' 'B/file' 'index B/f'
for count; do
  make_fs "$count"
  "$bin/floor" --walk "$where"/fs/g* >/dev/null  # warms the cache
  row floor "$count" "$bin/floor" --walk "$where"/fs/g*
  row dry "$count" "$bin/vunify" -n --protect=immutable --state "$where/state" "$where"/fs/g*
  row first "$count" "$bin/vunify" --protect=immutable --state "$where/state" "$where"/fs/g*
  row unchanged "$count" "$bin/vunify" --protect=immutable --state "$where/state" "$where"/fs/g*
  row unchanged "$count" "$bin/vunify" --protect=immutable --state "$where/state" "$where"/fs/g*
  row floor "$count" "$bin/floor" --walk "$where"/fs/g*
  drop_fs
done
