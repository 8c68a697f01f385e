#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What vdu takes over many guests, as a multiple of the floor's walk (bench/floor.cc), on an ext4 made under /var/tmp: a
# guest of FILES files, and copies that share all with it but each tenth, which is their own. Three rounds in turn,
# medians; warm cache. As root.
#
#   bench/usage.sh BINDIR GUESTS FILES
set -eu
bin=$1 guests=$2 files=$3
work=$(mktemp -d /var/tmp/usage.XXXXXX)
trap 'umount "$work/fs" 2>/dev/null || :; rm -rf "$work"' EXIT
truncate -s $((files * guests * 2 / 1000 + 512))M "$work/image"
PATH=$PATH:/sbin:/usr/sbin mkfs.ext4 -q -F -b 4096 -N $((files * guests * 2 + 100000)) "$work/image"
mkdir "$work/fs" "$work/times" "$work/none"
mount -o loop "$work/image" "$work/fs"

"$bin/many_files" "$work/fs" "$files" 1
for i in $(seq 2 "$guests"); do
  cp -al "$work/fs/g01" "$work/fs/g0$i"
  find "$work/fs/g0$i" -type f | sed -n '0~10p' | xargs -r sed -i ''
done
sync -f "$work/fs"

run() {  # run NAME COMMAND...: milliseconds of wall time, a line a round
  name=$1
  shift
  begin=$(date +%s%N)
  "$@" >"$work/out"
  echo $((($(date +%s%N) - begin) / 1000000)) >>"$work/times/$name"
}

for round in 0 1 2 3; do
  run floor "$bin/floor" --walk "$work"/fs/g*
  run vdu "$bin/vdu" --config "$work/none" --state "$work/none" "$work"/fs/g*
  [ "$round" != 0 ] || rm "$work"/times/*
done
cat "$work/out"
for name in floor vdu; do echo "$name $(sort -n "$work/times/$name" | sed -n 2p) ms"; done
/usr/bin/time -f 'vdu: %M KiB resident at most' "$bin/vdu" --config "$work/none" --state "$work/none" "$work"/fs/g* >/dev/null
