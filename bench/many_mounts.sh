#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What GUESTS guests of FILES files each take while vcow shows all of them: mounted eight at a time, then each walked
# (find with stat), so that the kernel knows all their names. On an ext4 in memory, the guests' files hard links of one
# tree. Seconds, and the memory of supervisors and workers, all of it (PSS).
#
#   bench/many_mounts.sh BINDIR GUESTS FILES      about 150 bytes of /dev/shm a file, and a kilobyte of memory
set -eu
bin=$1 guests=$2 files=$3
work=$(mktemp -d /dev/shm/many-mounts-XXXXXX)
clean() {
  for guest in "$work"/fs/g*; do umount -q -l "$guest" || :; done
  umount -q -l "$work/fs" || :
  rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT TERM

mkdir "$work/fs"
truncate -s "$((guests * files / 3 + files * 3 + 500000))K" "$work/image"
mkfs.ext4 -q -F -b 1024 -I 256 -N "$((guests * files / 8 + files * 2 + 10000))" "$work/image"
mount -o loop,noatime "$work/image" "$work/fs"
"$bin/many_files" "$work/fs" "$files" 1
mv "$work/fs/g01" "$work/fs/g1"
for i in $(seq 2 "$guests"); do cp -al "$work/fs/g1" "$work/fs/g$i"; done

seconds() {
  begin=$(date +%s%N)
  "$@"
  awk -v ns="$(($(date +%s%N) - begin))" 'BEGIN { printf "%.1f", ns / 1e9 }'
}
each() { printf '%s\n' "$work"/fs/g* | xargs -P 8 -I '{}' "$@" >/dev/null; }
# In the worker's and the supervisor's memory file the pages are one.
memory() {
  for process in $(pgrep -f "vcow mount .*$work/fs/g"); do
    awk '/^Pss:/ { print $2 }' "/proc/$process/smaps_rollup"
  done | awk -v guests="$guests" '{ sum += $1 } END { printf "%.1f MiB, %.2f MiB each\n", sum / 1024, sum / 1024 / guests }'
}

echo "$guests guests mounted in $(seconds each "$bin/vcow" mount --state "$work/state" '{}') s"
echo "idle: $(memory)"
echo "walked in $(seconds each find '{}' -printf '%s\n') s"
echo "all names known: $(memory)"
echo 2 >/proc/sys/vm/drop_caches
for guest in "$work"/fs/g*; do ls "$guest" >/dev/null; done  # behind what was forgotten
echo "forgotten: $(memory)"
echo "unmounted in $(seconds each umount '{}') s"
