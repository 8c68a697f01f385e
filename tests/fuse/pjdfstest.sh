#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ./dev pjdfstest CHECKOUT: all of pjdfstest, four times at once on one ext4 in an image: natively, through vcow, through
# vcow without passthrough, and through a vcow that shares every file with another guest just before it is touched
# (tests/fuse/sharing_vcow.cc). After each of its test files that other guest is looked at: a file of which owner, mode,
# mtime or bytes are not as they were fails the test.
# The checkout is not touched: a copy is built in /var/tmp, and goes.
set -eu

. "$(dirname "$0")/roots.sh"

# --- one test file, as prove(1) is told to run it ------------------------------------------------------------------

# expect_unchanged OTHER: N is what N.was tells it was.
expect_unchanged() {
  cd "$1"
  changed=0
  for was in *.was; do
    [ -e "$was" ] || break
    seen_of "$was" >../was
    seen_of "${was%.was}" | cmp -s - ../was || changed=1
  done
  rm -f -- *
  [ $changed = 0 ]
}

if [ "${1:-}" = --one ]; then
  status=0
  sh "$3" || status=$?
  expect_unchanged "$2" || { echo 'the other guest noticed' >&2; status=99; }
  exit $status
fi

# --- all of it -----------------------------------------------------------------------------------------------------

[ $# = 2 ] || { echo 'usage: pjdfstest.sh PROGRAMS CHECKOUT' >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo 'pjdfstest: needs root, to mount and to be anybody' >&2; exit 1; }
programs=$(realpath "$1")
self=$(realpath "$0")
work=$(mktemp -d /var/tmp/vunify-pjdfstest.XXXXXX)
chmod 755 "$work"

# Without autoconf: what Linux has. ext4 moves a file's ctime when it is renamed, and so does vcow on it.
build() {
  cp -r "$1" "$work/pjdfstest"
  for have in FACCESSAT FCHMODAT FCHOWNAT FSTATAT LINKAT MKDIRAT MKFIFOAT MKNODAT OPENAT READLINKAT RENAMEAT SYMLINKAT \
    UNLINKAT UTIMENSAT POSIX_FALLOCATE STRUCT_STAT_ST_ATIM STRUCT_STAT_ST_MTIM STRUCT_STAT_ST_CTIM SYS_SYSMACROS_H; do
    echo "#define HAVE_$have 1"
  done >"$work/pjdfstest/config.h"
  cc -D_GNU_SOURCE -I"$work/pjdfstest" -o "$work/pjdfstest/pjdfstest" "$work/pjdfstest/pjdfstest.c"
  sed -i 's/EXT4)/EXT4|FUSE.VCOW)/' "$work/pjdfstest/tests/misc.sh"
}

prove_run() {  # prove_run RUN
  mkdir "$work/fs/$1/root/t"
  cd "$work/fs/$1/root/t"
  prove -Q --exec "sh $self --one $work/fs/$1/other" -r "$work/pjdfstest/tests" >"$work/$1.out" 2>"$work/$1.err"
}

# Passed, failed, and what failed.
tell() {  # tell RUN
  all=$(sed -n 's/^Files=.*Tests=\([0-9]*\),.*/\1/p' "$work/$1.out")
  failed=$(sed -n 's/.*Wstat.*Failed: \([0-9]*\))/\1/p' "$work/$1.out" | awk '{ sum += $1 } END { print sum + 0 }')
  printf '%-14s %5d passed  %5d failed  %s\n' "$1" $((all - failed)) "$failed" "$(sed -n 's/^Result: //p' "$work/$1.out")"
  grep -q '^Result: PASS' "$work/$1.out" || { cat "$work/$1.out" "$work/$1.err"; return 1; }
}

make_fs "$programs" 4G
build "$2"
for run in $runs; do mount_root "$run"; done
proving=
for run in $runs; do
  prove_run "$run" &
  proving="$proving $!"
done
# shellcheck disable=SC2086  # a list of numbers
wait $proving || :
verdict=0
for run in $runs; do tell "$run" || verdict=1; done
exit $verdict
