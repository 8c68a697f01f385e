#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# ./dev nights [--from TREE] [KIND...]: real guests of a host, one night after another. Three guests of a kind are made
# on a filesystem of their own, as guests of this host; vunify --all has its first night. Then one of them is changed
# from inside by its own package manager (tests/nights/debian.sh, ...), booted where it is a container (nspawn.sh, ...),
# and vunify runs meanwhile; then it stops, and has the next night. Checked: every file of the others is as it was, the
# changed one is as it left itself, package managers find nothing wrong, no configuration file of theirs is shared, and
# a night in which nothing changed links nothing. Each kind does so under immutable on ext4, with reflinks on XFS, and
# adopted, on vcow. The kind vclone boots a clone. TREE is a Debian with systemd, copied in place of a bootstrapped one.
# All of it lives in namespaces of its own: it goes when its first process does, however that ends.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kinds='debian rpm dnf pacman apk nspawn lxc podman vclone'

. "$here/nights/apart.sh"
. "$here/nights/images.sh"

usage() { echo "usage: ./dev nights [--from TREE] [$(echo "$kinds" | tr ' ' '|')]..." >&2; exit 2; }

if [ "${1:-}" != --inside ]; then
  from=
  [ "${1:-}" != --from ] || { from=$(realpath "$2"); shift 2; }
  for kind; do [[ " $kinds " == *" $kind "* ]] || usage; done
  [ "$(id -u)" = 0 ] || { echo 'nights: needs root, to mount filesystems and to boot guests' >&2; exit 1; }
  # shellcheck disable=SC2086  # a list of words
  [ $# != 0 ] || set -- $kinds
  apart nights "$from" "$@"
  exit
fi

# --- inside: a host ------------------------------------------------------------------------------------------------

work=$2 from=$3
shift 3
guests=(one two three)

title() { printf '\n== nights: %s\n' "$*"; }
fail() { echo "nights: $*" >&2; exit 1; }
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "$*"; }; }

# Where a guest's files are: in .vcow while it is adopted, and no vcow shows it.
at() {
  local tree
  tree=$(tree "$1")
  if [ -d "${tree%/*}/.vcow/${tree##*/}" ] && ! mountpoint -q "$tree"; then tree=${tree%/*}/.vcow/${tree##*/}; fi
  echo "$tree"
}

mount_fs() {  # mount_fs KIND
  umount "$hosted" 2>/dev/null || :
  truncate -s 8G "$work/fs.img"
  case $1 in ext4) mkfs.ext4 -q -F "$work/fs.img" ;; xfs) mkfs.xfs -q "$work/fs.img" ;; esac
  mkdir -p "$hosted"
  mount -o loop "$work/fs.img" "$hosted"
  rm "$work/fs.img"  # it goes when it is unmounted
}

# The state of one host, and its configuration.
configure_host() {  # configure_host PROTECTION
  rm -rf "$work/state" "$work/config"
  rules=$work/config/.defaults/apps/vunify
  mkdir -p "$rules"
  echo "$provider" >"$rules/providers"
  [ "$1" != immutable ] || echo immutable >"$rules/protect"
}

run() { quietly "$@" --config "$work/config" --state "$work/state"; }
# night [GUEST]: says in files how many files it made one.
night() {
  run vunify --json "${1:---all}"
  ! grep -q 'conffiles unknown' "$work/log" || fail 'the packages of a guest could not be read'
  files=$(jq .linked_files "$work/log")
}

expect_packages_whole() {
  for guest in "${guests[@]}"; do
    verify "$guest" >"$work/wrong" 2>&1 || :
    [ ! -s "$work/wrong" ] || { cat "$work/wrong" >&2; fail "packages of $guest"; }
  done
}
# Neither an inode nor, by reflinks, data.
expect_conffiles_private() {
  local count=0 file
  for guest in "${guests[@]}"; do
    while read -r file; do
      file=$(at "$guest")$file
      [ -f "$file" ] || continue
      count=$((count + 1))
      [ "$(stat -c %h "$file")" = 1 ] || fail "$file is shared"
      ! filefrag -v "$file" | grep -q shared || fail "the data of $file is shared"
    done < <(conffiles "$guest")
  done
  [ $count -ge 3 ] || fail 'no configuration files'
  echo "$count configuration files are each guest's own"
}

# --- one kind, under one protection ----------------------------------------------------------------------------------

declare -A filesystem=([immutable]=ext4 [reflink]=xfs [cow]=ext4)

make_guests() {
  for guest in "${guests[@]}"; do
    mkdir -p "$(tree "$guest")"
    make "$guest"
    configure "$guest"
  done
}

populate() {  # populate PROTECTION
  mount_fs "${filesystem[$1]}"
  configure_host "$1"
  make_guests
  [ "$1" = cow ] || return 0
  for guest in "${guests[@]}"; do quietly vcow adopt --state "$work/state" "$(tree "$guest")"; done
}

# Of an adopted guest: as vcow shows it. Its daemon may end a moment after it was unmounted.
show() { [ ! -d "$(dirname "$(tree "$1")")/.vcow" ] || quietly vcow mount "$(tree "$1")"; }
hide() {
  mountpoint -q "$(tree "$1")" || return 0
  quietly vcow umount "$(tree "$1")"
  quietly flock -w 20 "$(at "$1")" true
}

nights() {  # nights PROTECTION
  populate "$1"
  remember "${guests[@]}"
  night
  at_first=$files
  [ "$at_first" -ge "$at_least" ] || fail "the first night linked $at_first files"
  expect_as_they_were "${guests[@]}"

  [ "$1" != immutable ] || run vunify -R two
  show two
  start two
  change two
  night
  halt two
  hide two
  expect_as_they_were one three
  remember two

  [ "$1" != immutable ] || night two
  meanwhile=$files
  night
  expect_as_they_were "${guests[@]}"
  echo "$1, ${filesystem[$1]}: linked $at_first files, $((meanwhile + files)) after the change; every file is as it was"
  night
  [ "$files" = 0 ] || fail "a night in which nothing changed linked $files files"
  expect_packages_whole
  expect_conffiles_private
}

# --- all of them ---------------------------------------------------------------------------------------------------

# shellcheck disable=SC1090,SC2086  # one of tests/nights/; lists of words
part() {  # part KIND PACKAGES MANAGER WHAT
  title "$1"
  began=$(date +%s)
  . "$here/nights/$2.sh"
  . "$here/nights/$3.sh"
  missing=$(for program in $needs; do command -v "$program" >/dev/null || echo "$program"; done)
  [ -z "$missing" ] || { echo "nights: $1 is not tried: not here:" $missing; return; }
  prepare
  for protection in immutable reflink cow; do "$4" $protection; done
  echo "nights: that took $(($(date +%s) - began)) s"
}

# Each in a shell of its own. A package manager's file tells how a guest is made, changed and verified, and which files
# are configuration; that of what runs guests, where they lie, and how one is started, entered and halted; and both,
# which programs that needs.
for kind; do
  case $kind in
    debian | rpm | dnf | pacman | apk) (part "$kind" "$kind" chroot nights) ;;
    nspawn | lxc | podman) (part "$kind" debian "$kind" nights) ;;
    vclone) (. "$here/nights/vclone.sh"; part vclone debian nspawn first_boot) ;;
  esac
done
title 'all holds'
