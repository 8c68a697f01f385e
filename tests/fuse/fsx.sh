#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ./dev fsx CHECKOUT [OPERATIONS]: the file system exerciser of xfstests (ltp/fsx.c), which knows what a file has to
# hold after each read, write, map, truncation, punch and copy. On ext4 natively, through vcow both ways, and through a
# vcow that shares the file with another guest whenever it is opened (tests/fuse/sharing_vcow.cc); by buffers and maps,
# and by O_DIRECT. It closes and opens its file now and then. At its end what that other guest has is looked at.
# The checkout is not touched: a copy is built in /var/tmp, and goes.
set -eu
[ $# = 3 ] || { echo 'usage: fsx.sh PROGRAMS CHECKOUT OPERATIONS' >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo 'fsx: needs root, to mount' >&2; exit 1; }
programs=$(realpath "$1")
operations=$3
work=$(mktemp -d /var/tmp/vunify-fsx.XXXXXX)
. "$(dirname "$0")/roots.sh"

# Without autoconf; and what is cached stays cached when it closes its file, which costs a second each time.
build() {
  cp "$1/ltp/fsx.c" "$1/src/statx.h" "$work"
  sed -i 's|echo 3 > /proc/sys/vm/drop_caches|true|' "$work/fsx.c"
  {
    for header in assert.h errno.h fcntl.h getopt.h linux/falloc.h linux/fs.h stdint.h stdio.h stdlib.h string.h \
      sys/ioctl.h sys/param.h sys/stat.h sys/time.h sys/types.h unistd.h; do
      echo "#include <$header>"
    done
    echo '#define rounddown_64(value, step) ((value) / (step) * (step))'
    echo '#define roundup_64(value, step) rounddown_64((value) + (step) - 1, step)'
  } >"$work/global.h"
  cc -w -O1 -D_GNU_SOURCE -DFALLOCATE -DHAVE_LINUX_FALLOC_H -DHAVE_COPY_FILE_RANGE -I"$work" -o "$work/fsx" "$work/fsx.c"
}

expect_unchanged() {  # expect_unchanged RUN
  shares=0
  for was in "$work/fs/$1"/other/*.was; do
    [ -e "$was" ] || break
    shares=$((shares + 1))
    seen_of "$was" >"$work/was"
    seen_of "${was%.was}" | cmp -s - "$work/was" || { echo "$1: the other guest noticed"; return 1; }
  done
}

exercise() {  # exercise RUN KIND OPTION...
  run=$1 kind=$2
  shift 2
  seed=$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')
  mkdir -p "$work/$run.$kind"
  # Collapsing, inserting and cloning are not offered (docs/differences.md); native leaves them out, too.
  "$work/fsx" -q -C -I -J -B -a -c 50 -N "$operations" -S "$seed" -P "$work/$run.$kind" "$@" "$work/fs/$run/root/$kind" \
    >"$work/out" 2>&1 || { echo "$run, $kind, seed $seed:"; tail -n 40 "$work/out"; return 1; }
  expect_unchanged "$run"
  printf '%-14s %-9s %7d operations well, %d shares broken\n' "$run" "$kind" "$operations" "$shares"
}

make_fs "$programs" 1G
build "$2"
verdict=0
for run in $runs; do
  mount_root "$run"
  exercise "$run" buffered || verdict=1
  exercise "$run" direct -Z -R -W -r 4096 -w 4096 -t 4096 || verdict=1
done
exit $verdict
