#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# vsend against rsync -aHAX --numeric-ids, of one guest, between two filesystems: bytes through the pipe, both ways, and
# seconds until all is on disk. To an empty host; to one that has other guests (rsync is told the first of them, by
# --copy-dest, and looks there for equal paths); and killed when half of it is there, and begun again. Warm cache, one round.
#
#   bench/send.sh BINDIR DIR SISTER...     needs root, and twice the trees' space in $TMPDIR (/var/tmp)
set -eu
bin=$1
guest=$2
shift 2
work=$(mktemp -d "${TMPDIR:-/var/tmp}/send-XXXXXX")
mkdir "$work/here" "$work/there"
cleanup() {
  umount -q "$work/here" "$work/there" || :
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

for host in here there; do
  truncate -s $(($(du -smc "$guest" "$@" | tail -n 1 | cut -f 1) * 3 + 2048))M "$work/$host.image"
  mkfs.ext4 -q "$work/$host.image"
  mount -o loop,noatime "$work/$host.image" "$work/$host"
done
there=$work/there/vm
mkdir "$there"
cp -a "$guest" "$work/here/guest"
mkdir -p "$work/etc/.defaults"

# What rsync calls to reach another host.
printf '#!/bin/sh\nshift\nexec sh -c "$*"\n' >"$work/rsh"
chmod +x "$work/rsh"

send() {
  "$bin/vsend" "$work/here/guest" --to "$bin/vreceive --config $work/etc --state $work/state $there/new"
}
sync_to() { # [OPTION...]
  rsync -aHAX --numeric-ids --stats -e "$work/rsh" "$@" "$work/here/guest/" "there:$there/new/" && sync -f "$there"
}
# Kills the sender once so many MiB are there.
cut_off() { # MIB COMMAND...
  enough=$1
  shift
  "$@" >/dev/null 2>&1 &
  sender=$!
  while [ "$(du -sm "$there" 2>/dev/null | cut -f 1)" -lt "$enough" ]; do kill -0 $sender 2>/dev/null || break; done
  kill -9 $sender 2>/dev/null || :
  wait $sender 2>/dev/null || :
  sleep 1 # for the other end to see it
}

# Bytes that each of them tells of itself.
bytes_of_vsend() { sed -n 's/.* \([0-9]*\) bytes through the pipe$/\1/p' "$work/out"; }
bytes_of_rsync() { sed -n 's/^Total bytes \(sent\|received\): //p' "$work/out" | tr -d , | paste -sd+ | bc; }

# measure WHAT PROGRAM COMMAND...
measure() {
  what=$1 program=$2
  shift 2
  sync -f "$there"
  from=$(date +%s%N)
  "$@" >"$work/out" || echo "  $what: $program failed" >&2
  milliseconds=$((($(date +%s%N) - from) / 1000000))
  bytes=$(($("bytes_of_$program") + ${already:-0}))
  printf '%-28s %-6s %14d bytes %7d.%03d s\n' "$what" "$program" "$bytes" $((milliseconds / 1000)) $((milliseconds % 1000))
  already=0
}
forget() { rm -rf "$there/new"; }

find "$work/here/guest" -type f -exec cat {} + >"$work/out" # into the cache
: >"$work/out"
measure 'empty host' rsync sync_to
whole=$bytes
forget
measure 'empty host' vsend send
forget

half=$((whole / 2))
cut_off $((half >> 20)) rsync -aHAX --numeric-ids -e "$work/rsh" "$work/here/guest/" "there:$there/new/"
already=$half
measure 'begun again, both together' rsync sync_to
forget
cut_off $((half >> 20)) "$bin/vsend" "$work/here/guest" \
  --to "exec $bin/vreceive --config $work/etc --state $work/state $there/new"
already=$half
measure 'begun again, both together' vsend send
forget

names=
for sister; do
  cp -a "$sister" "$there/"
  names="$names $there/$(basename "$sister")"
done
# shellcheck disable=SC2086  # words
"$bin/vunify" -q --state "$work/state" --protect=immutable $names
first=$(echo $names | cut -d' ' -f 1)
measure "$# other guests there" rsync sync_to "--copy-dest=$first"
forget
measure "$# other guests there" vsend send
