#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What vunify takes to find what is equal in these trees, as a multiple of the floor (bench/floor.cc) and beside the peers
# that are installed. Nothing is changed: all of them run dry. Three rounds, the programs in turn, medians; warm cache, or
# with --cold dropped before each run. The peers compare less: jdupes -Q trusts its hash, rdfind its checksum.
#
#   bench/compare.sh [--cold] BINDIR DIR DIR...
set -eu
cold=
[ "$1" != --cold ] || { cold=yes; shift; }
bin=$1
shift
times=$(mktemp -d)
trap 'rm -rf "$times"' EXIT

run() {  # run NAME COMMAND...: its seconds of wall time, one line a round
  name=$1
  shift
  command -v "$1" >/dev/null || return 0
  [ -z "$cold" ] || { sync; echo 3 >/proc/sys/vm/drop_caches; }
  begin=$(date +%s%N)
  "$@" >/dev/null 2>&1 || :
  end=$(date +%s%N)
  echo "$((end - begin))" >>"$times/$name"
}

rounds='0 1 2 3'  # the first one warms the cache, and is not counted
[ -z "$cold" ] || rounds='1 2 3'
for round in $rounds; do
  run floor "$bin/floor" "$@"
  run vunify-n "$bin/vunify" -n --protect=immutable "$@"
  if [ "$round" = 0 ]; then
    rm -f "$times"/*
    continue
  fi
  run jdupes-Q jdupes -r -Q -m "$@"
  run hardlink-n hardlink -n -c "$@"
  run rmlint rmlint -o summary:stdout "$@"
  run rdfind rdfind -dryrun true -makeresultsfile false "$@"
done

median() { [ ! -f "$times/$1" ] || sort -n "$times/$1" | sed -n 2p; }
floor=$(median floor)
jdupes=$(median jdupes-Q)
printf '%-12s %9s %9s %9s\n' program seconds 'x floor' 'x jdupes'
for name in floor vunify-n jdupes-Q hardlink-n rmlint rdfind; do
  [ -f "$times/$name" ] || { printf '%-12s not installed\n' "$name"; continue; }
  median "$name" | awk -v name="$name" -v floor="$floor" -v jdupes="$jdupes" '{
    printf "%-12s %9.2f %9.2f %9s\n", name, $1 / 1e9, $1 / floor, jdupes ? sprintf("%.2f", $1 / jdupes) : "-" }'
done
