#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a guest pays for its root on a mount: the same work in this tree natively, on vcow, and on the peers that are
# installed (overlayfs of the kernel, fuse-overlayfs, bindfs, mergerfs, unionfs-fuse). Three rounds, in turn, medians,
# and ratios to native. The tree lies on an ext4 in memory, so that no disk hides what a filesystem costs; client and
# daemons have one CPU, where their placement is no matter of luck (CPU=0,1 gives them both). The tree is a Debian's;
# what needs git, g++ or dpkg in it is left out where it has none.
#
#   bench/compare_mounts.sh BINDIR DIR      needs root, and three times the tree's space in /dev/shm
set -eu
bin=$1 tree=$2 cpu=${CPU:-1}
work=$(mktemp -d /dev/shm/compare-mounts-XXXXXX)
pinned="taskset -c $cpu"
leave() { umount -q "$work/mnt" || umount -q -l "$work/mnt" || :; }
cleanup() {
  leave
  umount -q "$work/fs" || :
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

mkdir "$work/fs" "$work/mnt" "$work/times"
megabytes=$(du -sm "$tree" | cut -f 1)
truncate -s $((megabytes * 3 + 512))M "$work/image"
mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "$work/image"
mount -o loop,noatime "$work/image" "$work/fs"
cp -a "$tree" "$work/fs/guest"
mkdir "$work/fs/upper" "$work/fs/work"
tar -C "$work/fs/guest" -cf "$work/usr.tar" usr/bin usr/lib
printf '#include <iostream>\n#include <map>\nint main() { std::cout << std::map<int, int>{}.size(); }\n' >"$work/fs/guest/it.cc"
has() { chroot "$work/fs/guest" sh -c "command -v $1" >/dev/null; }
if has git; then
  mkdir "$work/fs/guest/repository"
  cp -a "$work/fs/guest/usr/include" "$work/fs/guest/usr/share/perl" "$work/fs/guest/repository"
  chroot "$work/fs/guest" sh -c 'cd /repository && git init -q && git add . && git -c user.name=a -c user.email=a@b commit -qm all' 2>/dev/null
fi
mkdir -p "$work/deb/DEBIAN" "$work/deb/opt"
cp -a "$work/fs/guest/usr/share/doc" "$work/fs/guest/usr/share/perl" "$work/deb/opt"
printf 'Package: compared\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: files\n' >"$work/deb/DEBIAN/control"
dpkg-deb -b "$work/deb" "$work/fs/guest/it.deb" >/dev/null

layers="lowerdir=$work/fs/guest,upperdir=$work/fs/upper,workdir=$work/fs/work"
enter() {  # enter NAME: the tree is on $work/mnt
  case $1 in
    native) mount --bind "$work/fs/guest" "$work/mnt" ;;
    vcow) $pinned "$bin/vcow" mount "$work/fs/guest" "$work/mnt" ;;
    vcow-nopt) $pinned "$bin/vcow" mount -o nopassthrough "$work/fs/guest" "$work/mnt" ;;
    overlay) mount -t overlay -o "$layers" overlay "$work/mnt" ;;
    fuse-overlayfs) $pinned fuse-overlayfs -o "dev,suid,$layers" 2>/dev/null "$work/mnt" ;;
    bindfs) $pinned bindfs -o dev,suid "$work/fs/guest" "$work/mnt" ;;
    mergerfs) $pinned mergerfs -o dev,suid,allow_other,cache.files=partial "$work/fs/guest" "$work/mnt" ;;
    unionfs-fuse) $pinned unionfs-fuse -o dev,suid,allow_other "$work/fs/guest=RW" "$work/mnt" ;;
  esac
}

# find is cold where the kernel knows no name of the tree.
find_() { find "$work/mnt" -printf '%s\n' >/dev/null; }
tar_() { tar -C "$work/mnt" -cf - usr | cat >/dev/null; }
start_() {
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    for program in "python3 -c 0" "git --version" "perl -e 1"; do chroot "$work/mnt" $program >/dev/null 2>&1 || :; done
  done
}
unpack_() { mkdir "$work/mnt/unpacked" && tar -C "$work/mnt/unpacked" -xf "$work/usr.tar"; }
remove_() { rm -rf "$work/mnt/unpacked"; }
gxx_() { chroot "$work/mnt" g++ -c -o /it.o /it.cc; }
status_() { chroot "$work/mnt" git -C /repository status >/dev/null; }
clone_() { chroot "$work/mnt" git clone -q --no-hardlinks /repository /cloned; }
dpkg_() { chroot "$work/mnt" dpkg -i /it.deb >/dev/null; }  # over itself: each file is replaced
tar8_() {
  for _ in 1 2 3 4 5 6 7 8; do tar_ & done
  wait
}
random_() {
  fio --name=random --filename="$work/mnt/written" --rw=randread --bs=4k --size=128M --io_size=512M --ioengine=psync \
    --invalidate=0 --output=/dev/null
}
write_() { dd if=/dev/zero of="$work/mnt/written" bs=1M count=128 conv=notrunc 2>/dev/null; }
read_() { dd if="$work/mnt/written" of=/dev/null bs=1M 2>/dev/null; }

timed() {  # timed NAME STEP WORKLOAD
  begin=$(date +%s%N)
  taskset -p -c "$cpu" $$ >/dev/null
  if "$3" 2>/dev/null; then echo "$(($(date +%s%N) - begin))" >>"$work/times/$1.$2"; else echo failed >>"$work/times/$1.$2"; fi
}

steps='find-cold find-warm tar tar8 start20 unpack remove write read random'
has g++ && steps="$steps gxx"
has git && steps="$steps status clone"
has dpkg && steps="$steps dpkg"
wanted() { case " $steps " in *" $1 "*) ;; *) false ;; esac; }
# The first time of it warms what it reads.
warmed() {  # warmed NAME STEP WORKLOAD
  wanted "$2" || return 0
  "$3" 2>/dev/null || :
  timed "$1" "$2" "$3"
}
round() {  # round NAME
  enter "$1"
  sync
  echo 2 >/proc/sys/vm/drop_caches  # names and inodes
  timed "$1" find-cold find_
  warmed "$1" find-warm find_
  warmed "$1" tar tar_
  timed "$1" tar8 tar8_
  warmed "$1" start20 start_
  timed "$1" unpack unpack_
  timed "$1" remove remove_
  timed "$1" write write_
  timed "$1" read read_
  timed "$1" random random_
  warmed "$1" gxx gxx_
  warmed "$1" status status_
  wanted clone && timed "$1" clone clone_
  warmed "$1" dpkg dpkg_
  rm -rf "$work/mnt/written" "$work/mnt/cloned"
  leave
  rm -rf "$work/fs/upper" "$work/fs/work"
  mkdir "$work/fs/upper" "$work/fs/work"
}

names=${NAMES:-native vcow vcow-nopt overlay}
[ -n "${NAMES:-}" ] || for peer in fuse-overlayfs bindfs mergerfs unionfs-fuse; do
  command -v "$peer" >/dev/null && names="$names $peer"
done
for _ in 1 2 3; do for name in $names; do round "$name"; done; done

median() {
  if grep -q failed "$work/times/$1"; then echo 0; else sort -n "$work/times/$1" | sed -n 2p; fi
}
printf '%-12s' ''
printf '%15s' $names
echo
for step in $steps; do
  printf '%-12s' "$step"
  for name in $names; do
    awk -v it="$(median "$name.$step")" -v native="$(median "native.$step")" -v name="$name" 'BEGIN {
      if (name == "native") printf "%12.0f ms", it / 1e6
      else if (it == 0) printf "%15s", "fails"
      else printf "%15.2f", it / native }'
  done
  echo
done
