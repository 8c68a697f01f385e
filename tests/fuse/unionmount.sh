#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Of ./dev xfstests: the unionmount testsuite, which knows what a union of files made before and changes made since has
# to show. What it makes before its mount is a guest's, adopted; vunify makes it one with a sister's copy of it, so that
# each change breaks a link or must not. Natively, and through vcow both ways. After each of its tests the sister is
# looked at. The checkout is not touched: a copy is run in /var/tmp, and goes.
set -eu
self=$(realpath "$0")

# --- what the copy calls in place of mount and umount -----------------------------------------------------------------

# All that somebody sees of a tree but when it was read, and how often it is linked.
tree_of() {
  cd "$1"
  { find . -printf '%P %M %U %G %T@ %l\n' && find . -type f -exec md5sum {} +; } | sort
}

count_shared() { find "$guests/.vcow/sister" -type f -links 2 | wc -l; }

show() {  # show POINT
  [ "$run" != native ] || { mount -o bind "$guests/.vcow/guest" "$1"; return; }
  rm -rf "$guests/.vcow/sister/a"
  cp -a "$guests/.vcow/guest/a" "$guests/.vcow/sister"
  vunify --state "$work/state" --config "$work/config" "$guests/guest" "$guests/sister" >/dev/null
  count_shared >>"$work/$run.shared"
  tree_of "$guests/.vcow/sister" >"$work/was"
  vcow mount --state "$work/state" --config "$work/config" -o "$option" "$guests/guest" "$1"
}

take() {  # take POINT
  umount "$1"
  [ "$run" != native ] || return 0
  count_shared >>"$work/$run.left"
  tree_of "$guests/.vcow/sister" | cmp - "$work/was" || { echo 'the sister noticed' >&2; exit 1; }
}

case ${1:-} in show | take) "$@"; exit ;; esac

# --- all of it --------------------------------------------------------------------------------------------------------

[ $# = 3 ] || { echo 'usage: unionmount.sh PROGRAMS CHECKOUT KIND' >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo 'unionmount: needs root, to mount' >&2; exit 1; }
PATH=$(realpath "$1"):$PATH
work=$(mktemp -d /var/tmp/vunify-unionmount.XXXXXX)
chmod 755 "$work"
guests=$work/fs
export work guests

take_down() {
  umount -l "$work/mnt" 2>/dev/null || :
  until umount "$work/fs" || ! mountpoint -q "$work/fs"; do sleep 0.1; done
  rm -rf --one-file-system "$work"
}

make_guests() {  # make_guests KIND
  mkdir "$work/fs" "$work/mnt" "$work/config"
  truncate -s 1G "$work/image"
  "mkfs.$1" -q "$work/image"
  trap take_down EXIT
  trap 'exit 130' INT TERM
  mount -o loop "$work/image" "$work/fs"
  mkdir -p "$guests/guest/a" "$guests/sister/a"
  vcow adopt --state "$work/state" --config "$work/config" "$guests/guest" "$guests/sister"
}

copy_suite() {  # copy_suite CHECKOUT
  cp -r "$1" "$work/suite"
  cd "$work/suite"
  sed -i "s|\"mount -o bind \" + lower_mntroot + \" \" + |\"sh $self show \" + |" mount_union.py
  sed -i "s|\"umount \" + cfg.union_mntroot()|\"sh $self take \" + cfg.union_mntroot()|" unmount_union.py
}

# It stops at the first failure.
run_suite() {  # run_suite RUN OPTION
  export run="$1" option="$2"
  UNIONMOUNT_LOWERDIR=$guests/.vcow/guest UNIONMOUNT_MNTPOINT=$work/mnt ./run --no --verify >"$work/said" 2>&1 ||
    { tail -n 20 "$work/said"; return 1; }
  umount "$work/mnt"
  [ "$run" = native ] || shares=", $(paste "$work/$run.shared" "$work/$run.left" |
    awk 'NF == 2 { sum += $1 - $2; of += $1 } END { print sum " of " of }') shares broken or removed"
  printf '%-14s unionmount: %d tests passed%s\n' "$run" "$(grep -c '^TEST ' "$work/said")" "${shares:-}"
}

make_guests "$3"
copy_suite "$2"
run_suite native rw
run_suite passthrough rw
run_suite nopassthrough nopassthrough
