#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The nightly run over guests that vcow shows beside the same run over the same guests, not mounted: the first night,
# which links, and nights in which nothing changed (medians of three). Copies of these trees on an ext4 of their own,
# adopted; made anew for each way, for the first night leaves them linked.
#
#   bench/night_on_vcow.sh BINDIR DIR DIR...      needs root, and the trees' space in $TMPDIR (/var/tmp)
set -eu
bin=$1
shift
work=$(mktemp -d "${TMPDIR:-/var/tmp}/night-on-vcow-XXXXXX")
mkdir "$work/mnt"
cleanup() {
  show_none
  umount -q "$work/mnt" || :
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

trees() { for tree in "$work"/mnt/*; do [ "${tree##*/}" = lost+found ] || echo "$tree"; done; }

show_all() { for tree in $(trees); do "$bin/vcow" mount --state "$work/state" "$tree"; done; }
show_none() { for tree in $(trees); do ! mountpoint -q "$tree" || umount "$tree" || umount -l "$tree"; done; }

megabytes=$(du -scm "$@" | tail -n 1 | cut -f 1)
make_guests() {
  truncate -s $((megabytes * 5 / 4 + 512))M "$work/image"
  mkfs.ext4 -q -F -i 8192 -E lazy_itable_init=0,lazy_journal_init=0 "$work/image"
  mount -o loop,noatime "$work/image" "$work/mnt"
  rmdir "$work/mnt/lost+found"
  cp -a "$@" "$work/mnt"
  for tree in $(trees); do "$bin/vcow" adopt "$tree"; done
  sync -f "$work/mnt"
}
take_guests() {
  umount "$work/mnt"
  rm -r "$work/image" "$work/state"
}

night() {  # night NAME: a line of seconds
  begin=$(date +%s%N)
  # shellcheck disable=SC2046  # a list of words
  "$bin/vunify" --state "$work/state" $(trees) >"$work/$1.log" 2>&1 || { cat "$work/$1.log" >&2; exit 1; }
  echo "$((($(date +%s%N) - begin) / 1000000))" >>"$work/$1"
}

for way in unmounted mounted; do
  make_guests "$@"
  [ $way = unmounted ] || show_all
  "$bin/floor" $(trees) >/dev/null
  night first-$way
  for _ in 1 2 3; do
    show_none
    night same-unmounted
    show_all
    night same-mounted
  done
  show_none
  take_guests
done

median() { sort -n "$work/$1" | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }
row() {
  awk -v name="$1" -v alone="$(median "$2-unmounted")" -v shown="$(median "$2-mounted")" 'BEGIN {
    printf "%-28s %9.2f s %9.2f s mounted %7.2f x\n", name, alone / 1000, shown / 1000, shown / alone }'
}
row 'first night' first
grep -h '^linked' "$work/first-unmounted.log" "$work/first-mounted.log"
row 'night without a change' same
