#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ./dev life: two whole Debian guests side by side on vcow, adopted and unified. In one all packages are reinstalled and
# a new one installed, a user is made, ldconfig run, files edited, a repository committed to and cloned, databases
# written (SQLite; PostgreSQL, killed meanwhile). Checked: every file of the other is as it was, dpkg -V finds nothing in either, and unmounted vunify makes
# one what is equal again. With nopassthrough the daemon serves all data itself.
# Bootstrapped anew each time, for packages that a mirror has replaced are not reinstalled: it needs one.
set -eu

options=${1:-rw}
case $options in rw | nopassthrough) ;; *) echo 'usage: ./dev life [nopassthrough]' >&2; exit 2 ;; esac
[ "$(id -u)" = 0 ] || { echo 'life: needs root, to mount a filesystem' >&2; exit 1; }
root=$(mktemp -d /var/tmp/vunify-life.XXXXXX)
stage=$root/fs
guests='one two'

unmount() {
  for guest in $guests; do
    if grep -q " $stage/$guest fuse.vcow " /proc/mounts; then umount "$stage/$guest"; fi
    [ ! -d "$stage/.vcow/$guest" ] || flock -w 20 "$stage/.vcow/$guest" true
  done
}
finish() {
  status=$?
  trap - EXIT
  cd /
  unmount || :
  if mountpoint -q "$stage"; then umount "$stage"; fi
  rm -rf "$root"
  [ $status = 0 ] || echo 'life: FAILED' >&2
  exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

tree=$stage/.vcow
. "$(dirname "$0")/two_guests.sh"

make_guests() {
  truncate -s 4G "$root/fs.img"
  mkfs.ext4 -q -F "$root/fs.img"
  mkdir "$stage"
  mount -o loop "$root/fs.img" "$stage"
  bootstrap "$stage/one" git,sqlite3
  cp -a "$stage/one" "$stage/two"
}

live() {
  in_one apt-get -qq update
  # shellcheck disable=SC2046  # a list of words
  in_one apt-get -qq -o Dpkg::Use-Pty=0 install --reinstall $(in_one dpkg-query -W -f '${Package} ')
  in_one apt-get -qq -o Dpkg::Use-Pty=0 install figlet
  in_one figlet vcow
  live_alone
  in_one sh -ec 'cd /usr/share/perl5 && git init -q . && git config user.name t && git config user.email t@t
    git add . && git commit -qm first && git clone -q . /home/demo/clone && diff -r -x .git . /home/demo/clone
    git fsck --strict && rm -rf .git'
  live_with_postgresql
}

# Killed while it writes, and recovered: pgbench keeps the sum of all balances at the sum of all that was added.
live_with_postgresql() {
  in_one apt-get -qq -o Dpkg::Use-Pty=0 install --no-install-recommends postgresql postgresql-contrib
  in_one setpriv --reuid=postgres --regid=postgres --clear-groups sh -ec '
    PATH=$(echo /usr/lib/postgresql/*/bin):$PATH; export PGDATA=/var/lib/postgresql/db PGHOST=/tmp
    sum() { psql -qAtc "select sum($1) from $2"; }
    up() { pg_ctl -w -s -l /tmp/log -o "-k /tmp -c listen_addresses=" start || { cat /tmp/log; exit 1; }; }
    initdb --data-checksums >/dev/null && up
    pgbench -q -i -s 2 2>/dev/null && pgbench -n -c 4 -t 1000 2>/dev/null | grep tps
    pgbench -n -c 4 -T 60 >/dev/null 2>&1 & client=$!
    before=$(psql -qAtc "select count(*) from pgbench_history")
    until [ "$(psql -qAtc "select count(*) from pgbench_history")" -gt $((before + 1000)) ]; do :; done
    pg_ctl -s -m immediate stop; wait $client || :
    up
    [ "$(psql -qAtc "select count(*) from pgbench_history")" -gt $((before + 1000)) ]
    [ "$(sum abalance pgbench_accounts)" = "$(sum delta pgbench_history)" ]
    [ "$(sum bbalance pgbench_branches)" = "$(sum delta pgbench_history)" ]
    pg_ctl -w -s stop && pg_checksums --check >/dev/null
    echo "PostgreSQL: killed while it wrote, and its books balance"'
}

title 'two guests'
make_guests
vcow adopt --state "$root/state" "$stage/one" "$stage/two"
unify
at_first=$(shared)
for guest in $guests; do vcow mount -o "$options" "$stage/$guest"; done
image two >"$root/before"

title 'one of them is lived in'
live
expect_as_it_was
expect_packages_whole
vcow list | grep --no-group-separator -A 3 "^$stage/"

title 'unmounted, and unified again'
unmount
meanwhile=$(shared)
unify
echo "shared: $at_first inodes at first, $meanwhile after all that, $(shared) now"
[ "$meanwhile" -lt "$at_first" ]
[ "$(shared)" -ge $((at_first - 20)) ]
title 'all holds'
