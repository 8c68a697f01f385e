#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Of ./dev xfstests: the quick generic tests of xfstests through vcow both ways, and through a vcow that shares every
# file with another guest just before it is touched (tests/fuse/sharing_vcow.cc). What fails is run natively: only what
# passes there counts, and is to stand in xfstests.known with its reason. After each test that other guest is looked at.
# The checkout is not touched: a copy is built in /var/tmp, and goes. All is mounted in a mount namespace of its own,
# where the users that the tests want are, and the helpers that mount(8) calls.
set -eu
self=$(realpath "$0")
known=${self%.sh}.known

# --- the other guest --------------------------------------------------------------------------------------------------

# Big ones, which are mostly holes, by their sizes alone.
seen_of() {  # seen_of FIND-TEST...
  find . -type f "$@" -printf '%P %m %U %G %s %T@\n'
  find . -type f "$@" -size -1048576k -exec md5sum {} +
}

expect_unchanged() {
  for fs in test scratch; do
    cd "$place/$fs/other"
    seen_of -name '*.was' | sed 's/\.was//' | sort >"$place/was"
    seen_of ! -name '*.was' | sort | cmp -s - "$place/was" || { echo 'the other guest noticed' >&2; return 1; }
    chattr -R -f -ia .
    find . -type f -delete
  done
}

# What mount(8) calls in place of mount.fuse.vcow.
mount_shared() {  # mount_shared SOURCE POINT [-o OPTIONS]
  source=$1 point=$2
  shift 2
  options=
  while getopts sfnvo:N:t: letter; do [ "$letter" != o ] || options=$OPTARG; done
  case ,$options, in *,remount,*) exec "${VCOW%vcow}mount.fuse.vcow" "$source" "$point" -o "$options" ;; esac
  "${VCOW%vcow}sharing_vcow" "$source" "$point" >"$place/said" 2>&1 </dev/null &
  until mountpoint -q "$point"; do
    kill -0 $! || { cat "$place/said" >&2; exit 32; }
    sleep 0.05
  done
  [ "${options:-rw}" = rw ] || mount -i -o "remount,$options" "$point"
}

# --- one run, in a namespace of its own -------------------------------------------------------------------------------

begin_namespace() {
  for user in fsgqa:5001 123456-fsgqa:5002 fsgqa2:5003; do
    echo "${user%:*}:*:${user#*:}:${user#*:}::/tmp:/bin/bash" >>"$place/users"
    echo "${user%:*}:x:${user#*:}:" >>"$place/groups"
  done
  for file in passwd:users group:groups; do
    cat "/etc/${file%:*}" "$place/${file#*:}" >"$place/${file%:*}"
    mount --bind "$place/${file%:*}" "/etc/${file%:*}"
  done
  cp "${VCOW%vcow}mount.fuse.vcow" "${VCOW%vcow}umount.fuse.vcow" "$place/sbin"
  [ "$run" != shared ] || printf '#!/bin/sh\nexec sh %s --mount "$@"\n' "$self" >"$place/sbin/mount.fuse.vcow"
  mount -t overlay -o "lowerdir=$place/sbin:/usr/sbin" helpers /usr/sbin
}

make_fs() {  # make_fs NAME: on a device of its own, which goes with its last use
  truncate -s 6G "$place/$1.image"
  "mkfs.$kind" -q "$place/$1.image"
  if [ "$run" = native ]; then
    losetup -f --show "$place/$1.image"
  else
    mount -o loop "$place/$1.image" "$place/$1"
    mkdir "$place/$1/guest" "$place/$1/other"
    echo "$place/$1/guest"
  fi
}

end_run() {
  cd /
  umount -l "$place/mnt" "$place/mnt2" "$place/test" "$place/scratch" 2>/dev/null || :
  [ "$run" != native ] || losetup -d "$TEST_DEV" "$SCRATCH_DEV"
  rm -rf --one-file-system "$place"/*.image
}

result_of() {  # result_of TEST
  timeout -k 10 600 ./check "$1" >"$place/said" 2>&1 </dev/null || :
  others=unchanged
  [ "$run" != shared ] || (expect_unchanged) || others=changed
  if grep -q '^Not run:' "$place/said"; then
    echo notrun
  elif grep -q '^Passed all 1 ' "$place/said" && [ $others = unchanged ]; then
    echo passed
  else
    echo failed
  fi
}

if [ "${1:-}" = --mount ]; then
  shift
  mount_shared "$@"
  exit
fi

# TESTS: a file of names. Tells each with its result.
if [ "${1:-}" = --run ]; then
  run=$2 kind=$3 tests=$4
  export place="$work/$run"
  rm -rf "$place"
  mkdir -p "$place/test" "$place/scratch" "$place/mnt" "$place/mnt2" "$place/sbin"
  begin_namespace
  TEST_DEV=$(make_fs test)
  SCRATCH_DEV=$(make_fs scratch)
  export TEST_DEV SCRATCH_DEV TEST_DIR="$place/mnt" SCRATCH_MNT="$place/mnt2" RESULT_BASE="$place/results"
  trap end_run EXIT
  export FSTYP=fuse FUSE_SUBTYP=.vcow
  case $run in
    native) export FSTYP="$kind" FUSE_SUBTYP= ;;
    nopassthrough) export FUSE_MOUNT_OPTIONS='-o nopassthrough' TEST_FS_MOUNT_OPTS='-o nopassthrough' ;;
  esac
  cd "$work/xfstests"
  while read -r test; do echo "$test $(result_of "$test")"; done <"$tests" | tee "$work/$run.results"
  exit
fi

# --- all of it --------------------------------------------------------------------------------------------------------

[ $# -ge 3 ] || { echo 'usage: xfstests.sh PROGRAMS CHECKOUT KIND [TEST...]' >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo 'xfstests: needs root, to mount' >&2; exit 1; }
VCOW=$(realpath "$1")/vcow
checkout=$2 kind=$3
shift 3
work=$(mktemp -d /var/tmp/vunify-xfstests.XXXXXX)
chmod 755 "$work"
export VCOW work
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM

# A mount of vcow is one of fuse, with a directory for its device; and keeps as many attributes as what is beneath it.
build() {
  cp -a "$1" "$work/xfstests"
  cd "$work/xfstests"
  sed -i -e "s|-e 's/fuse.ceph-fuse/ceph-fuse/'|& -e 's/fuse.vcow/fuse/'|" \
    -e 's/_unmount \$SCRATCH_DEV/_unmount $SCRATCH_MNT/; s/_unmount \$TEST_DEV/_unmount $TEST_DIR/' common/rc
  [ "$kind" != ext4 ] || sed -i -e 's/|fuse//' tests/generic/020
  make >"$work/made" 2>&1 || { tail -n 20 "$work/made"; return 1; }
}

listed() { sed -n "s/^\(generic[^ ]*\) *$1 *\(all\|$2\) .*/\1/p" "$known"; }  # listed fails|skip RUN

run_all() {  # run_all RUN TESTS: into RUN.results
  sh_in_namespace="unshare -m --propagation private sh $self"
  $sh_in_namespace --run "$1" "$kind" "$2" >"$work/$1.said" 2>&1 || :
}

results() { sed -n "s/ $2\$//p" "$work/$1.results"; }  # results RUN RESULT

# Passed, failed, and what failed that native does not.
tell() {  # tell RUN
  listed fails "$1" | sort >"$work/expected"
  results "$1" failed | sort | comm -23 - "$work/expected" >"$work/surprises"
  results "$1" passed | sort | comm -12 - "$work/expected" | sed "s|.*|$1: & is known to fail, and passed|"
  run_all native "$work/surprises"
  results native failed | sort | comm -23 "$work/surprises" - >"$work/worse"
  printf '%-14s %3d passed, %d failed: %d known, %d natively, too, %d not; %d not run\n' "$1" \
    "$(results "$1" passed | wc -l)" "$(results "$1" failed | wc -l)" \
    "$(results "$1" failed | sort | comm -12 - "$work/expected" | wc -l)" "$(results native failed | wc -l)" \
    "$(wc -l <"$work/worse")" "$(results "$1" notrun | wc -l)"
  while read -r test; do
    echo "$1: $test"
    diff "$work/xfstests/tests/$test.out" "$work/$1/results/$test.out.bad" | head -n 40
  done <"$work/worse"
  [ ! -s "$work/worse" ]
}

build "$checkout"
verdict=0
if [ $# -gt 0 ]; then printf '%s\n' "$@"; else
  grep -lE '^_begin_fstest.* quick( |$)' tests/generic/??? | sed 's|^tests/||'
fi >"$work/tests"
for run in passthrough nopassthrough shared; do
  listed skip "$run" | grep -vxFf - "$work/tests" >"$work/$run.tests" || :
  run_all "$run" "$work/$run.tests"
  tell "$run" || verdict=1
  # The others cannot run what it could not.
  results "$run" notrun | grep -vxFf - "$work/tests" >"$work/ran" || :
  mv "$work/ran" "$work/tests"
done
exit $verdict
