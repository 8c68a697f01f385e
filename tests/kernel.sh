#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kernel.sh BIN CACHE [6.1 | whole]: Debian's kernel with kernel-cow, built as User-Mode Linux, and all that is to hold in
# it: the tests of the patch, vunify's own under iunlink, and the life of a Debian guest; of 6.1, the first. Of a sweep that
# kills a run at each step it takes a 96th, drawn each time; "whole" takes all, and lets races last a minute. CACHE keeps
# kernels and guests. As root.
set -eu
bin=$1 cache=$2 old='' whole='' every=96 race=5
case ${3:-} in
  6.1) old=6.1 ;;
  whole) whole=whole- every=1 race=60 ;;
esac
here=$(cd "$(dirname "$0")" && pwd)

. "$here/machine.sh"
. "$here/kernel_build.sh"
. "$here/uml.sh"
. "$here/two_guests.sh"
. "$here/machine_guest.sh"
# shellcheck disable=SC2086  # words
trap 'kill ${checking:-} ${making:-} 2>/dev/null || :; end_machines; rm -rf "$work"' EXIT

failed() {  # failed WHAT LOG
  echo "kernel: $1: FAILED, see $2" >&2
  grep -E -A 20 '^(not ok|NOT OK)|Failure$|^the kernel complains|FAILED' "$2" | tail -n 100 >&2
  exit 1
}

# once WHAT FILE...: does test_WHAT (before that may stand whose or how much of it), and keeps what it said, by the
# contents of all that has a part in it: it is not done again as long as these are the same.
once() {
  what=$1
  shift
  passed=$cache/passed-$what-$(cat "$@" | sha256sum | cut -c 1-16)
  if [ -f "$passed" ]; then
    echo "$what: passed before with the same kernel, programs and scripts: $passed"
    return
  fi
  started=$(date +%s)
  "test_${what#*-}" >"$cache/$what.said"
  rm -f "$cache/passed-$what"-*
  mv "$cache/$what.said" "$passed"
  cat "$passed"
  echo "$what: $(($(date +%s) - started)) s"
}

# Looked at once for each state of them and of Debian's sources.
check_patches() {
  for release in 6.1 6.12; do
    checked=$cache/checked-$release-$(source_key "$release" "$patches/make-patch" "$patches/hooks" "$patches"/*cowlink.[ch] \
      "$patches/linux-$release.patch" "$here/kernel_patch.sh")
    [ ! -f "$checked" ] || continue
    unpack "$release" "$work/source"
    "$here/kernel_patch.sh" "$work/source"
    rm -f "$cache/checked-$release-"*
    : >"$checked"
  done
}

# A kernel is built meanwhile.
have_checked() {
  status=0
  wait "$checking" || status=$?
  cat "$cache/checked.log"
  [ $status = 0 ] || exit 1
}

test_patch() {
  make_cowtest
  scratch patch 1G -O quota,project,verity,encrypt -E quotatype=prjquota
  uml patch "$here/kernel_cow.sh" "$cache/cowtest" || failed 'the tests of the patch' "$cache/patch.log"
  e2fsck -fn "$work/patch.img" >"$cache/e2fsck.log" 2>&1 || failed e2fsck "$cache/e2fsck.log"
  grep -v -e '^EXIT:' -e '^reboot:' "$cache/patch.log"
}

# Two at once, half of the tests each.
test_vunify() {
  limit=$((1200 * (96 / every))) shards=
  for shard in 0 1; do
    scratch "tests-$shard" 8G
    (uml "tests-$shard" "$here/kernel_tests.sh" "$bin" "$shard" 2 "$every" "$race") &
    shards="$shards $!"
  done
  # shellcheck disable=SC2086  # words
  wait $shards || :
  for shard in 0 1; do
    grep -q '^EXIT:0$' "$cache/tests-$shard.log" || failed "vunify's tests" "$cache/tests-$shard.log"
  done
  cat "$cache"/tests-?.log | sed -n 's/^\[  PASSED  \] \([0-9]*\) tests.*/\1/p' |
    awk '{ sum += $1 } END { print sum " tests of vunify passed under iunlink" }'
}

# Both alike, and with packages to be installed once more, which come from a mirror.
make_guests() {
  [ ! -f "$guests" ] || return 0
  one=$work/root/guest
  mkdir -p "$work/root"
  bootstrap "$one" sqlite3
  chroot "$one" apt-get -qq update
  chroot "$one" apt-get -qq -d install --reinstall bash coreutils dpkg libc6 libc-bin passwd perl-base sed tar figlet
  find "$one/var/lib/apt/lists" -type f -delete
  make_package 1
  make_package 2
  chroot "$one" dpkg -i /demo_1.deb >/dev/null
  mkdir "$work/guests"
  mv "$one" "$work/guests/one"
  cp -a "$work/guests/one" "$work/guests/two"
  mke2fs -q -t ext4 -d "$work/guests" "$cache/new.img" 2G
  rm -f "$cache"/guests-*.img
  mv "$cache/new.img" "$guests"
}

test_life() {
  cp --sparse=always "$guests" "$work/life.img"
  uml life "$here/kernel_life.sh" "$bin" || failed 'the life of a guest' "$cache/life.log"
  e2fsck -fn "$work/life.img" >"$cache/e2fsck.log" 2>&1 || failed e2fsck "$cache/e2fsck.log"
  grep -v -e '^EXIT:' -e '^reboot:' "$cache/life.log"
}

mkdir -p "$cache"
check_patches >"$cache/checked.log" 2>&1 &
checking=$!
scripts="$here/kernel.sh $here/uml.sh $here/kernel_inside.sh"
if [ -n "$old" ]; then
  build_kernel "uml-$old" "$old" um linux "$patches/uml.config" "$patches/linux-$old.patch" "$patches/uml-fp.patch"
  have_checked
  # shellcheck disable=SC2086  # words
  once old-patch "$kernel" $scripts "$here/kernel_cow.sh" "$patches"/cowtest*
  exit
fi

guests=$cache/guests-$(cat "$here/kernel.sh" "$here/two_guests.sh" "$here/machine_guest.sh" | sha256sum | cut -c 1-16).img
make_guests >"$cache/guests.log" 2>&1 &
making=$!
build_kernel uml-6.12 6.12 um linux "$patches/uml.config" "$patches/linux-6.12.patch" "$patches/uml-fp.patch"
wait $making || failed 'to bootstrap guests' "$cache/guests.log"
have_checked

# shellcheck disable=SC2086  # words
once patch "$kernel" $scripts "$here/kernel_cow.sh" "$patches"/cowtest*
# shellcheck disable=SC2086
once life "$kernel" $scripts "$here/kernel_life.sh" "$here/two_guests.sh" "$here/machine_guest.sh" "$bin/vunify" &
life=$!
# shellcheck disable=SC2086
once "${whole}vunify" "$kernel" $scripts "$here/kernel_tests.sh" "$bin"/* "$bin"/../tests/*.so
wait $life
