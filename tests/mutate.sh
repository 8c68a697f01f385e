#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Takes out one guard at a time and runs the tests nearest to it: one of them must fail. Called by ./dev mutate [NAME...].
#
# A mutation is tests/mutations/NAME.patch: what the guard is for, the line "tests: PROGRAM FILTER", and the diff that
# takes the guard out. All is done in a copy of the sources; what has skipped or not compiled has shown nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
sources=$PWD
work=$PWD/build/mutate
copy=$work/source
log=$work/log
limit=300 # seconds for some tests, most of which take less than one

fail() { printf 'mutate: %s\n' "$*" >&2; exit 2; }

files() { (cd "$1" && find . \( -path ./build -o -path ./.git \) -prune -o -type f -print | sort); }

# As they are here, committed or not. Only what differs is written, so that little is compiled again.
copy_sources() {
  mkdir -p "$copy"
  comm -13 <(files "$sources") <(files "$copy") | (cd "$copy" && xargs -r rm)
  files "$sources" | while read -r file; do cmp -s "$file" "$copy/$file" || cp --parents "$file" "$copy"; done
}

# -O0: every program is linked dozens of times, and runs for a second.
configure() {
  local launcher=()
  ! command -v ccache >/dev/null || launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  cmake -S "$copy" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE= -DCMAKE_CXX_FLAGS='-O0 -g0' "${launcher[@]}" >"$log" 2>&1 ||
    fail "cmake failed, see $log"
}

build() { cmake --build "$work/build" -j "$(nproc)" --target "$1" >"$log" 2>&1; }

# PROGRAM FILTER
run_tests() { timeout "$limit" "$work/build/bin/$1" --gtest_filter="$2" --gtest_fail_fast >"$log" 2>&1 </dev/null; }

# The test that failed, or that was running when the program died.
killer() { grep -om1 '^\[  FAILED  \] [^ ,]*' "$log" | cut -c 14- || grep -o '^\[ RUN      \] [^ ]*' "$log" | tail -n 1 | cut -c 14-; }

patch_copy() { patch -d "$copy" -p1 -F0 -s --no-backup-if-mismatch "$@" >"$log" 2>&1; }

# Without a mutation the tests pass; asked once for each program and filter.
declare -A passed
expect_passed() {
  [ -z "${passed["$1 $2"]:-}" ] || return 0
  build "$1" || fail "$1 does not compile, see $log"
  run_tests "$1" "$2" || fail "$1 --gtest_filter='$2' fails without any mutation, see $log"
  ! grep -q '^\[  PASSED  \] 0 tests' "$log" || fail "$1 --gtest_filter='$2' runs no test"
  passed["$1 $2"]=1
}

# NAME: true where the mutation died.
mutate() {
  local name=$1 patch=$sources/tests/mutations/$1.patch program filter began=$SECONDS status=0
  [ -f "$patch" ] || fail "no mutation $name"
  read -r program filter < <(sed -n 's/^tests: //p' "$patch") || fail "$name names no tests"
  expect_passed "$program" "$filter"
  patch_copy <"$patch" || { echo "STALE    $name"; return 1; }
  if build "$program"; then
    run_tests "$program" "$filter" || status=$?
  else
    status=broken
  fi
  cp "$log" "$work/$name.log"
  patch_copy -R <"$patch" || fail "$name cannot be taken back"
  case $status in
    0) echo "SURVIVED $name" ;;
    broken) echo "BROKEN   $name: does not compile, see $work/$name.log" ;;
    124) echo "HUNG     $name for $limit s" ;;
    *) echo "killed $name by $(log=$work/$name.log killer) ($((SECONDS - began)) s)"; return 0 ;;
  esac
  return 1
}

[ "$(id -u)" = 0 ] || fail 'most tests need root'
names=("$@")
[ $# -gt 0 ] || for patch in tests/mutations/*.patch; do names+=("$(basename "$patch" .patch)"); done
copy_sources
configure
alive=0
for name in "${names[@]}"; do mutate "$name" || alive=$((alive + 1)); done
echo "${#names[@]} mutations, $((${#names[@]} - alive)) killed, in $SECONDS s"
[ "$alive" = 0 ]
