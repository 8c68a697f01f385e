#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What vdu takes over many guests, as a multiple of the floor's walk (bench/floor.cc), on filesystems made under
# /var/tmp: a guest of FILES files, and copies that share all with it but each tenth, which is their own: by hard links,
# and by reflinks where there are any: then the floor asks each file for its extents, too, on XFS, which has no call
# that tells of many. Rounds in turn, medians of three; warm cache. As root.
#
#   bench/usage.sh BINDIR GUESTS FILES [KIND...]      ext4 xfs btrfs xfs+reflink btrfs+reflink
set -eu
bin=$1 guests=$2 files=$3
shift 3
[ $# != 0 ] || set -- ext4 xfs btrfs xfs+reflink btrfs+reflink
PATH=$PATH:/sbin:/usr/sbin
work=$(mktemp -d /var/tmp/usage.XXXXXX)
trap 'umount "$work/fs" 2>/dev/null || :; rm -rf "$work"' EXIT
mkdir "$work/fs" "$work/none"

make_filesystem() {
  rm -f "$work/image"
  truncate -s $((files * guests * 2 / 100 + 512))M "$work/image"
  case $1 in
    ext4) mkfs.ext4 -q -F -b 4096 -N $((files * guests * 2 + 100000)) "$work/image" ;;
    *) "mkfs.$1" -q "$work/image" 2>"$work/out" || { cat "$work/out" >&2; exit 1; } ;;
  esac
  mount -o loop "$work/image" "$work/fs"
}

make_guests() {  # make_guests CP-OPTION...
  "$bin/many_files" "$work/fs" "$files" 1
  for i in $(seq 2 "$guests"); do
    cp "$@" "$work/fs/g01" "$work/fs/g0$i"
    find "$work/fs/g0$i" -type f | sed -n '0~10p' | xargs -r sed -i ''
  done
  sync -f "$work/fs"
}

run() {  # run NAME COMMAND...: milliseconds of wall time, a line a round
  name=$1
  shift
  begin=$(date +%s%N)
  "$@" >"$work/out"
  echo $((($(date +%s%N) - begin) / 1000000)) >>"$work/times.$name"
}

median() { sort -n "$work/times.$1" | sed -n 2p; }

for kind; do
  make_filesystem "${kind%+reflink}"
  case $kind in
    *+reflink) make_guests -a --reflink=always ;;
    *) make_guests -al ;;
  esac
  least=--walk
  [ "$kind" != xfs+reflink ] || least=--extents
  for round in 0 1 2 3; do
    run floor "$bin/floor" "$least" "$work"/fs/g*
    run vdu "$bin/vdu" --config "$work/none" --state "$work/none" "$work"/fs/g*
    [ "$round" != 0 ] || rm "$work"/times.*
  done
  memory=$(/usr/bin/time -f %M "$bin/vdu" --config "$work/none" --state "$work/none" "$work"/fs/g* 2>&1 >/dev/null)
  awk -v kind="$kind" -v floor="$(median floor)" -v vdu="$(median vdu)" -v memory="$memory" \
    'BEGIN { printf "%-14s floor %d ms, vdu %d ms (%.2f), %d KiB resident\n", kind, floor, vdu, vdu / floor, memory }'
  rm "$work"/times.*
  umount "$work/fs"
done
