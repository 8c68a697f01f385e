#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# ./dev containers [--from TREE] [KIND...]: adopted guests on vcow under each manager of containers, as docs/containers.md
# configures them. A host is booted in systemd-nspawn: its systemd, with the units of the package, shows three Debian
# guests, one by /etc/fstab, two by vcow@.service, and starts what runs them. For each kind (tests/containers/KIND.sh):
# the unit of the container brings the mount along; the guest boots, on vcow, with its owners shifted where it has
# users of its own; nothing of that breaks a link, nor does reading every file; a write breaks one, and what is made
# and chowned in there has the owner on disk that the guest gave it; stopped, every file of the others is as it was.
# units: what systemd makes of a killed vcow, of one in use, of fstab. life: packages upgraded inside, nights meanwhile.
# TREE is a Debian with systemd, copied in place of a bootstrapped one.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kinds='chroot nspawn nspawn-users lxc lxc-users podman podman-users units life'

. "$here/nights/apart.sh"
. "$here/nights/images.sh"

usage() { echo "usage: ./dev containers [--from TREE] [$(echo "$kinds" | tr ' ' '|')]..." >&2; exit 2; }

if [ "${1:-}" != --inside ]; then
  build=$1 from=
  shift
  [ "${1:-}" != --from ] || { from=$(realpath "$2"); shift 2; }
  for kind; do [[ " $kinds " == *" $kind "* ]] || usage; done
  [ "$(id -u)" = 0 ] || { echo 'containers: needs root, to mount filesystems and to boot guests' >&2; exit 1; }
  # shellcheck disable=SC2086  # a list of words
  [ $# != 0 ] || set -- $kinds
  apart containers "$build" "$from" "$@"
  exit
fi

# --- inside: a host, and its guests --------------------------------------------------------------------------------

work=$2 build=$3 from=$4
shift 4
guests=(one two three)
hosted=/var/lib/machines
leader=  # the first process of the host, once it is booted

title() { printf '\n== containers: %s\n' "$*"; }
fail() { echo "containers: $*" >&2; exit 1; }
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "$*"; }; }
expect() { [ "$1" = "$2" ] || fail "$3: '$1', not '$2'"; }  # expect FOUND WANTED WHAT
pause() { read -rt 0.1 <> <(:) || :; }
# Five minutes at most: what is waited for is an event, which a fault may keep away.
until_so() {  # until_so WHAT COMMAND...
  local what=$1 end=$((SECONDS + 300))
  shift
  until "$@"; do
    [ $SECONDS -lt $end ] || fail "waited for in vain: $what"
    pause
  done
}

. "$here/nights/debian.sh"
. "$here/containers/host.sh"
. "$here/containers/checks.sh"

make_guests() {
  truncate -s 8G "$work/fs.img"
  mkfs.ext4 -q -F "$work/fs.img"
  mkdir -p "$hosted"
  mount -o loop "$work/fs.img" "$hosted"
  rm "$work/fs.img"  # it goes when it is unmounted
  for guest in "${guests[@]}"; do
    mkdir "$hosted/$guest"
    make "$guest"
    echo "$guest" >"$hosted/$guest/etc/hostname"
  done
  quietly "$work/installed/usr/sbin/vcow" adopt --state "$work/host/var/lib/vunify" "$hosted"/{one,two,three}
}

title 'a host with three adopted guests'
prepare
install_programs
furnish_host
make_guests
boot_host
in_host mountpoint -q "$hosted/two" || fail 'fstab has not mounted two'
hide two
night
echo "the first night linked $files files"
[ "$files" -ge "$at_least" ] || fail 'that is too few'
show two three
remember two three

# Each in a shell of its own: what runs the guest, as whom, and how one gets in.
# shellcheck disable=SC1090  # one of tests/containers/
for kind; do
  title "$kind"
  began=$SECONDS
  (. "$here/containers/${kind%-users}.sh" && "try_${kind//-/_}")
  expect_as_they_were two three
  echo "every file of the others is as it was; that took $((SECONDS - began)) s"
done
title 'the host halts'
halt_host
title 'all holds'
