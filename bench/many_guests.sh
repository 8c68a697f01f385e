#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a host of many guests costs: makes GUESTS of FILES small files each (bench/many_files.cc) on an ext4 of its own,
# configured as util-vserver has it, and tells of --list, the floor's walk, the first night, a night in which nothing
# changed, and one in which three guests did (a tenth of their files replaced): seconds, CPU seconds, the largest RssAnon
# seen, files read. About 3 KiB of disk a file.
#
#   bench/many_guests.sh BINDIR WHERE GUESTS FILES
set -eu
bin=$1
where=$(mktemp -d "$2/many-guests.XXXXXX")
guests=$3
count=$(($3 * $4))
mounted=
clean() {
  [ -z "$mounted" ] || umount "$where/fs"
  rm -rf "$where"
}
trap clean EXIT
trap 'exit 130' INT TERM

make_guests() {
  truncate -s "$((count * 5 + 800000))K" "$where/image"
  mkfs.ext4 -q -F -b 1024 -I 256 -N "$((count + count / 4 + 2000))" "$where/image"
  mkdir -p "$where/fs"
  mount -o loop,noatime "$where/image" "$where/fs"
  mounted=yes
  "$bin/many_files" "$where/fs" "$count" "$guests"
  sync -f "$where/fs"
}

configure() {
  mkdir -p "$where/config/.defaults/apps/vunify"
  echo vserver >"$where/config/.defaults/apps/vunify/providers"
  echo immutable >"$where/config/.defaults/apps/vunify/protect"
  for guest in "$where"/fs/g*; do
    mkdir -p "$where/config/${guest##*/}/apps/vunify"
    ln -s "$guest" "$where/config/${guest##*/}/vdir"
  done
}

# change GUEST OTHER: what an upgrade does to a tenth of its files, alike in each guest. The inode that OTHER keeps is
# protected again at once: one that lost its flag is no longer believed, and its names get a copy.
change() {
  find "$1" -type f | awk 'NR % 10 == 0' | while IFS= read -r file; do
    kept=$2${file#"$1"}
    [ "$kept" -ef "$file" ] || kept=
    chattr -i "$file"
    cp -p "$file" "$file.new"
    echo >>"$file.new"
    touch -r "$file" "$file.new"
    mv -f "$file.new" "$file"
    [ -z "$kept" ] || chattr +i "$kept"
  done
}

row() {  # row NAME COMMAND...
  name=$1
  shift
  "$bin/measure" "$where/measured" "$@" >"$where/out" 2>&1 || { cat "$where/out" >&2; exit 1; }
  read_files=$(sed -n 's/.* read \([0-9,]*\) files.*/\1/p' "$where/out")
  awk -v name="$name" -v read_files="${read_files:--}" '{
    printf "%-14s %9.2f %9.2f %9.1f %12s\n", name, $1, $2, $3 / 1024, read_files }' "$where/measured"
}

make_guests
configure
vunify() { row "$1" "$bin/vunify" --config "$where/config" --state "$where/state" "$2"; }
"$bin/floor" --walk "$where"/fs/g* >/dev/null  # warms the cache
printf '%d guests, %d files\n%-14s %9s %9s %9s %12s\n' "$guests" "$count" run seconds 'CPU s' 'Anon MiB' 'files read'
vunify list --list
row floor "$bin/floor" --walk "$where"/fs/g*
vunify first --all
row floor "$bin/floor" --walk "$where"/fs/g*
vunify unchanged --all
set -- "$where"/fs/g*
for guest in "$1" "$2" "$3"; do change "$guest" "$4"; done
vunify 'three changed' --all
vunify unchanged --all
row floor "$bin/floor" --walk "$where"/fs/g*
