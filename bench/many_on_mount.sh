#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What many files, and many mounts, cost a vcow: a guest of COUNT small files (bench/many_files.cc) on an ext4 in
# memory, walked natively and on its mount, cold (the kernel knows no name of it) and warm, then removed, as another
# is natively; and MOUNTS mounts at once, idle. Seconds, ratios to native, and memory of the daemon's own: RssAnon, and
# RssShmem, in which its nodes lie. Client and daemon have one CPU.
#
#   bench/many_on_mount.sh BINDIR COUNT [MOUNTS]      about 8 KiB of /dev/shm a file
set -eu
bin=$1 count=$2 mounts=${3:-100}
work=$(mktemp -d /dev/shm/many-on-mount-XXXXXX)
clean() {
  umount -q -l "$work/mnt" || :
  for mnt in "$work"/mounts/*; do umount -q -l "$mnt" || :; done
  umount -q -l "$work/fs" || :
  rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT TERM
taskset -p -c 1 $$ >/dev/null

mkdir "$work/fs" "$work/mnt" "$work/mounts"
truncate -s "$((count * 10 + 400000))K" "$work/image"
mkfs.ext4 -q -F -b 1024 -I 256 -N "$((count * 9 / 4 + 2000))" "$work/image"
mount -o loop,noatime "$work/image" "$work/fs"
"$bin/many_files" "$work/fs" "$((count * 2))" 2
guest=$work/fs/g01

forget_names() { sync; echo 2 >/proc/sys/vm/drop_caches; }
seconds() {
  begin=$(date +%s%N)
  "$@" >/dev/null
  awk -v ns="$(($(date +%s%N) - begin))" 'BEGIN { printf "%.2f", ns / 1e9 }'
}
daemon=
own() { awk '/^Rss(Anon|Shmem):/ { sum += $2 } END { print sum }' "/proc/$1/status"; }
anon() { [ -z "$daemon" ] || own "$daemon"; }
row() {  # row NAME NATIVE MOUNTED
  awk -v name="$1" -v native="$2" -v mounted="$3" -v kb="$(anon)" -v n="$count" 'BEGIN {
    printf "%-10s %9.2f %9.2f %7.2f %9.1f %7.0f\n", name, native, mounted, mounted / native, kb / 1024, kb * 1024 / n }'
}
find_() { find "$1" -printf '%s\n'; }
list_() { ls -lR "$1"; }
remove_() { rm -rf "$1"/*; }

forget_names
cold=$(seconds find_ "$guest")
warm=$(seconds find_ "$guest")
list=$(seconds list_ "$guest")
find_ "$work/fs/g02" >/dev/null
remove=$(seconds remove_ "$work/fs/g02")

"$bin/vcow" mount "$guest" "$work/mnt"
daemon=$(pgrep -f "vcow mount $guest")
forget_names
printf '%-10s %9s %9s %7s %9s %7s\n' "$count" native vcow ratio 'own MiB' 'B/file'
row find-cold "$cold" "$(seconds find_ "$work/mnt")"
seconds find_ "$work/mnt" >/dev/null  # fills what the kernel keeps of directories
row find-warm "$warm" "$(seconds find_ "$work/mnt")"
row ls-lR "$list" "$(seconds list_ "$work/mnt")"
forget_names
find "$work/mnt" -maxdepth 1 >/dev/null  # behind what was forgotten
printf '%-10s %37s %9.1f\n' forgotten '' "$(anon | awk '{ print $1 / 1024 }')"
find_ "$work/mnt" >/dev/null
row remove "$remove" "$(seconds remove_ "$work/mnt")"
umount "$work/mnt"

mkdir "$work/fs/guests"
mount_all() {
  for i in $(seq "$mounts"); do
    mkdir -p "$work/fs/guests/$i" "$work/mounts/$i"
    "$bin/vcow" mount "$work/fs/guests/$i" "$work/mounts/$i"
  done
}
unmount_all() { for mnt in "$work"/mounts/*; do umount "$mnt"; done; }
up=$(seconds mount_all)
most=$(for pid in $(pgrep -f "vcow mount $work/fs/guests"); do own "$pid"; done | sort -n | tail -n 1)
echo "$mounts mounts: mounted in $up s, unmounted in $(seconds unmount_all) s, at most $most KiB each when idle"
