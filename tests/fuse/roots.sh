# SPDX-License-Identifier: Apache-2.0
# Sourced by fsx.sh and pjdfstest.sh: roots of one ext4 in an image, each with another guest's directory beside it,
# natively and through vcow in each of its ways.
runs='native passthrough nopassthrough shared'

take_down() {
  status=$?
  trap - EXIT
  cd /
  for run in $runs; do umount -l "$work/fs/$run/root" 2>/dev/null || :; done
  wait
  umount "$work/fs" || :
  rm -rf --one-file-system "$work"
  exit $status
}

make_fs() {  # make_fs PROGRAMS SIZE: at $work/fs; $work goes at the end
  PATH=$1:$PATH:/usr/sbin:/sbin
  trap take_down EXIT
  trap 'exit 130' INT TERM
  shift
  truncate -s "$1" "$work/image"
  mkfs.ext4 -q -F "$work/image"
  mkdir "$work/fs"
  mount -o loop "$work/image" "$work/fs"
}

mount_root() {  # mount_root RUN
  root=$work/fs/$1/root
  mkdir -p "$root" "$work/fs/$1/other"
  case $1 in
    native) return ;;
    passthrough) vcow mount "$root" ;;
    nopassthrough) vcow mount -o nopassthrough "$root" ;;
    shared) sharing_vcow "$root" & ;;
  esac
  until mountpoint -q "$root"; do sleep 0.1; done
}

# What a file is to somebody who looks: N.was tells it of each N in a run's other.
seen_of() { stat -c '%f %u %g %s %.Y' "$1" && cat "$1"; }
