#!/bin/busybox sh
# shellcheck shell=dash disable=SC1091,SC2154  # of another machine
# SPDX-License-Identifier: Apache-2.0
# remount_inside.sh: what tests/remount.sh runs in the machine. Two guests share a file, one of them is on vcow.
. /machine_inside.sh

fails() { ! "$@"; }
eventually() { for _ in $(seq 600); do ! "$@" >/dev/null 2>&1 || return 0; usleep 100000; done; return 1; }
says() { [ "$(cat "$1")" = "$2" ]; }
supervisor() { pgrep -f 'vcow mount' | head -n 1; }
worker() { pgrep -P "$(supervisor)"; }
is_another() { [ -n "$(worker)" ] && [ "$(worker)" != "$1" ]; }

mkfs.ext4 -q /dev/vdb
mount /dev/vdb /mnt
for guest in a b; do
  mkdir /mnt/$guest
  seq 1000 >/mnt/$guest/f
  touch -d 2026-01-01 /mnt/$guest/f
done
shared=$(cat /mnt/a/f)

holds 'two guests share' sh -c 'vcow adopt /mnt/a /mnt/b && vunify --state /tmp/state /mnt/a /mnt/b'
holds 'one is mounted' vcow mount --state /tmp/state --log /tmp/log /mnt/a
for round in 1 2; do
  killed=$(worker)
  holds "its worker is killed, time $round" kill -9 "${killed:-none}"
  holds 'another one serves it' eventually is_another "$killed"
  holds 'what the guest has is there' eventually says /mnt/a/f "$shared"
  holds 'that is said' grep -q 'sends nothing again' /tmp/log
done
holds 'it may write' sh -c 'echo mine >/mnt/a/f'
holds 'and has what it wrote' says /mnt/a/f mine
holds 'the other has what it had' says /mnt/.vcow/b/f "$shared"
holds 'it is unmounted' vcow umount /mnt/a
holds 'the daemon ends' eventually fails pgrep -f 'vcow mount'
holds 'and leaves nothing' test ! -e /mnt/.vcow-breaks
holds 'the guest has what it wrote' says /mnt/.vcow/a/f mine
[ $failed = 0 ] && echo 'all is as it should be'
sync
poweroff -f
